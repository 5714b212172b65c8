"""How far each rung falls where the sealed questions are written otherwise: the same items, paired.

Material (evaluate/<rung>/robustness.json) -> a plot of paired differences a perturbation, and the table behind them

    {"typos": {"all": {"before": 0.65, "after": 0.61, "difference": {"value": -0.04, …}}}} -> "-4.0", "-7.0 to -1.0"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nichetune.core.records import Estimate
from nichetune.decide.reasons import percent
from nichetune.evaluate.metrics import ALL_TASKS
from nichetune.evaluate.perturb import PERTURBATIONS
from nichetune.report.material import Material, Rung
from nichetune.report.plots import DotPlot, DotRow, Line, Tick
from nichetune.report.scale import Scale, linear_scale
from nichetune.report.words import NO_VALUE, write_gain, write_interval

NOT_ASKED = "Not asked: no sealed item was asked again in another writing (evaluate.robustness is off)."
_NAMES = {
    "typos": "With typos",
    "lower": "In small letters",
    "upper": "In capitals",
    "paraphrase": "Paraphrased",
    "order": "Fields in another order",
}


@dataclass(frozen=True)
class FallCell:
    """One rung on one task: the paired difference, what was right before and after, and n; in points."""

    difference: str
    interval: str
    shares: str
    n: int
    marked: bool


@dataclass(frozen=True)
class FallRow:
    """One perturbation of one task's items, across the rungs; a cell is None where no item was changed."""

    kind: str
    task: str
    cells: list[FallCell | None]


@dataclass(frozen=True)
class Robustness:
    """Plots of the whole, a table of every task; `missing` says why there is neither."""

    missing: str
    plots: list[DotPlot]
    rungs: list[str]
    rows: list[FallRow]


def build_robustness(run: Material) -> Robustness:
    """Always there: that nobody asked is worth a line."""
    rungs = [rung for rung in run.rungs if "robustness" in rung.notes]
    kinds = [kind for kind in PERTURBATIONS if any(rung.notes["robustness"].get(kind) for rung in rungs)]
    if not kinds:
        return Robustness(NOT_ASKED, [], [], [])
    tasks = [name for name in (ALL_TASKS, *run.settings.tasks) if any(_has_task(rung, name) for rung in rungs)]
    shown = {kind: next(task for task in tasks if any(_find(rung, kind, task) for rung in rungs)) for kind in kinds}
    scale = linear_scale([0.0, -0.05, *(end for kind, task in shown.items() for end in _list_ends(rungs, kind, task))])
    return Robustness(
        missing="",
        plots=[_plot(run, kind, task, rungs, scale) for kind, task in shown.items()],
        rungs=[rung.name for rung in rungs],
        rows=[
            FallRow(_NAMES[kind], task, [_describe(run, rung, kind, task) for rung in rungs])
            for kind in kinds
            for task in tasks
            if any(_find(rung, kind, task) for rung in rungs)
        ],
    )


def _find(rung: Rung, kind: str, task: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = rung.notes["robustness"].get(kind, {}).get(task)
    return found


def _has_task(rung: Rung, task: str) -> bool:
    return any(task in told for told in rung.notes["robustness"].values())


def _list_ends(rungs: list[Rung], kind: str, task: str) -> Iterable[float]:
    """What a plot must hold: its differences and the ends of their intervals."""
    for told in (_find(rung, kind, task) for rung in rungs):
        figure = Estimate.model_validate(told["difference"]) if told else None
        yield from (end for end in (figure.low, figure.value, figure.high) if end is not None) if figure else ()


def _say_task(task: str) -> str:
    return "all tasks" if task == ALL_TASKS else task


def _plot(run: Material, kind: str, task: str, rungs: list[Rung], scale: Scale) -> DotPlot:
    rows = [_place(rung.name, _find(rung, kind, task), scale, rung.name == run.ship) for rung in rungs]
    ticks = [Tick(scale.at(t), write_gain(t).replace(".0", "")) for t in scale.ticks]
    return DotPlot(
        _NAMES[kind], f"gain on {_say_task(task)}, points", rows, ticks, [Line(scale.at(0.0), "no difference")]
    )


def _place(name: str, told: dict[str, Any] | None, scale: Scale, marked: bool) -> DotRow:
    if told is None:
        return DotRow(name, None, None, None, "nothing changed", "", marked=marked)
    figure = Estimate.model_validate(told["difference"])
    low, high = (None if end is None else scale.at(end) for end in (figure.low, figure.high))
    value = figure.value or 0.0
    return DotRow(name, scale.at(value), low, high, write_gain(value), write_interval(figure), marked=marked)


def _describe(run: Material, rung: Rung, kind: str, task: str) -> FallCell | None:
    told = _find(rung, kind, task)
    if told is None:
        return None
    figure = Estimate.model_validate(told["difference"])
    shares = f"{percent(told['before'])} → {percent(told['after'])}"
    value = NO_VALUE if figure.value is None else write_gain(figure.value)
    return FallCell(value, write_interval(figure), shares, figure.n, rung.name == run.ship)
