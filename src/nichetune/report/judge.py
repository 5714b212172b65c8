"""The judge of free texts: how far people bear it out, whether it may decide, and how much the order moves it.

Material (evaluate/<rung>/judge.json) -> kappa with its interval, a table of biases, and its scores by rung
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nichetune.core.records import Estimate
from nichetune.report.material import Material, Rung
from nichetune.report.plots import DotPlot, plot_figures
from nichetune.report.words import NO_VALUE, write_interval, write_value


@dataclass(frozen=True)
class JudgeRow:
    """The judge as one rung's evaluation met it."""

    rung: str
    first: str
    first_interval: str
    first_n: int
    turned: str
    turned_interval: str
    turned_n: int
    unclear: str
    marked: bool


@dataclass(frozen=True)
class JudgedRow:
    """What the judge made of one rung's answers to one task."""

    rung: str
    task: str
    value: str
    interval: str
    n: int
    marked: bool


@dataclass(frozen=True)
class Judge:
    """The judge, and what it says.

    Attributes:
        kappa: its agreement with people's labels, with interval and n in words.
        leans: what its place bias comes to; empty where the interval holds a half.
    """

    kappa: str
    may_decide: bool
    least: str
    leans: str
    plots: list[DotPlot]
    rows: list[JudgeRow]
    judged: list[JudgedRow]


def build_judge(run: Material) -> Judge | None:
    """None where no judge was asked. Agreement is told as the shipped rung's evaluation measured it."""
    asked = [rung for rung in run.rungs if "judge" in rung.notes]
    if not asked:
        return None
    own = next((rung for rung in asked if rung.name == run.ship), asked[0]).notes["judge"]
    tasks = dict.fromkeys(task for rung in asked for task in rung.notes["judge"]["judged"])
    return Judge(
        kappa=_say_kappa(Estimate.model_validate(own["agreement"])),
        may_decide=bool(own["may_decide"]),
        least=f"{own['least']:.2f}",
        leans=_say_leaning(own),
        plots=[_plot(run, task, asked) for task in tasks],
        rows=[_describe(run, rung, rung.notes["judge"]) for rung in asked],
        judged=[_list_judged(run, rung, task) for task in tasks for rung in asked],
    )


def _say_kappa(kappa: Estimate) -> str:
    if kappa.value is None:
        return f"none can be told of {kappa.n:,} labels: they, or the judge, say only one thing"
    if kappa.low is None or kappa.high is None:
        return f"{kappa.value:.2f}, without an interval (n = {kappa.n:,})"
    return f"{kappa.value:.2f} (95% interval {kappa.low:.2f} to {kappa.high:.2f}, n = {kappa.n:,})"


def _order(told: dict[str, Any], name: str) -> Estimate | None:
    """A figure of the order; a run of before they were counted has none."""
    found = (told.get("order") or {}).get(name)
    return Estimate.model_validate(found) if found else None


def _say_leaning(told: dict[str, Any]) -> str:
    first = _order(told, "first")
    if first is None or first.value is None or first.low is None or first.high is None:
        return ""
    if first.low <= 0.5 <= first.high:
        return ""
    place = "first" if first.value > 0.5 else "second"
    return f"It leans to the text that is shown {place}; both orders are asked, so that this cancels out."


def _describe(run: Material, rung: Rung, told: dict[str, Any]) -> JudgeRow:
    first, turned = _order(told, "first"), _order(told, "turned")
    return JudgeRow(
        rung=rung.name,
        first=write_value(first),
        first_interval=write_interval(first),
        first_n=first.n if first else 0,
        turned=write_value(turned),
        turned_interval=write_interval(turned),
        turned_n=turned.n if turned else 0,
        unclear=f"{told['unclear']:,} of {told['replies']:,}",
        marked=rung.name == run.ship,
    )


def _judged(rung: Rung, task: str) -> Estimate | None:
    found = rung.notes["judge"]["judged"].get(task)
    return Estimate.model_validate(found) if found else None


def _plot(run: Material, task: str, asked: list[Rung]) -> DotPlot:
    figures = [(rung.name, _judged(rung, task)) for rung in asked]
    meaning = "share of the orders in which the reference is not preferred"
    return plot_figures(f"{task}, as judged", meaning, figures, run.ship)


def _list_judged(run: Material, rung: Rung, task: str) -> JudgedRow:
    figure = _judged(rung, task)
    value, interval = write_value(figure), write_interval(figure)
    return JudgedRow(rung.name, task, value or NO_VALUE, interval, figure.n if figure else 0, rung.name == run.ship)
