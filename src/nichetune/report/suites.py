"""Suites beside the domain's holdout: policy, general, drift, retrieval and the user's own, rung by rung.

Material (the verdict's `suites`, `drift`, `blocked`) -> plots of what matters most, one table a suite, its critical
failures with their bound, and how it moves over time (over_time.py)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nichetune.core.records import Estimate
from nichetune.core.settings import PRIMARY_METRICS
from nichetune.decide.reasons import percent
from nichetune.evaluate.metrics import ALL_TASKS
from nichetune.report.material import Material
from nichetune.report.over_time import OverTime, build_over_time
from nichetune.report.plots import DotPlot, plot_figures
from nichetune.report.quality import Cell, MetricRow
from nichetune.report.words import NO_VALUE, MetricName, name_metric, write_interval, write_value

_MAIN = frozenset(PRIMARY_METRICS.values())


@dataclass(frozen=True)
class CriticalRow:
    """Missed abstentions of one rung in one suite; `bound` is one-sided, 95%."""

    rung: str
    missed: int
    n: int
    rate: str
    bound: str
    named: str
    marked: bool


@dataclass(frozen=True)
class SuiteFigures:
    """One suite.

    Attributes:
        unasked: who was not asked it, or only in part, in words; empty where all were asked all of it.
    """

    name: str
    unasked: str
    rungs: list[str]
    plots: list[DotPlot]
    rows: list[MetricRow]
    critical: list[CriticalRow]
    over_time: OverTime | None


@dataclass(frozen=True)
class Suites:
    """All suites, and what blocks a promotion."""

    suites: list[SuiteFigures]
    blocked: list[str]


def build_suites(run: Material) -> Suites | None:
    """None where no suite was sealed."""
    told: dict[str, dict[str, Any]] = run.verdict.get("suites") or {}
    found = [_describe(run, name, rungs) for name, rungs in told.items() if rungs]
    return Suites(found, [str(one) for one in run.verdict.get("blocked") or ()]) if found else None


def _describe(run: Material, name: str, told: dict[str, Any]) -> SuiteFigures:
    rungs = [rung.name for rung in run.rungs if rung.name in told]
    held = {rung: told[rung]["metrics"] for rung in rungs}
    metrics = [m for m in dict.fromkeys(one for own in held.values() for one in own) if _is_known(held, m)]
    main = choose_main(metrics)
    critical = [_count(run, rung, one) for rung in rungs if (one := told[rung].get("critical"))]
    return SuiteFigures(
        name=name,
        unasked=_say_unasked(run, told),
        rungs=rungs,
        plots=[*(_plot(run, metric, held) for metric in main), *_plot_critical(run, told, rungs)],
        rows=[_list_cells(run, metric, held) for metric in [*main, *(m for m in metrics if m not in main)]],
        critical=critical,
        over_time=build_over_time(run, name, {rung: told[rung] for rung in rungs}, main),
    )


def _is_known(held: dict[str, Any], metric: str) -> bool:
    """Whether it applies to any item at all."""
    return any((figures.get(metric) or {}).get("value") is not None for figures in held.values())


def choose_main(metrics: list[str]) -> list[str]:
    """Each task's own main metric, behind the mean over all tasks."""
    return sorted(
        (one for one in metrics if one.startswith(f"{ALL_TASKS}.") or one.partition(".")[2] in _MAIN),
        key=lambda one: not one.startswith(f"{ALL_TASKS}."),
    )


def _say_unasked(run: Material, told: dict[str, Any]) -> str:
    parts = [
        f"{rung} was asked {one['asked']:,} of its {one['items']:,} items"
        for rung, one in told.items()
        if one.get("asked", 0) < one.get("items", 0)
    ]
    missing = [rung.name for rung in run.rungs if rung.name not in told]
    parts += [f"not asked: {', '.join(missing)}"] if missing else []
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _plot(run: Material, metric: str, held: dict[str, Any]) -> DotPlot:
    name = _name(run, metric)
    figures = [(rung, _read(own.get(metric))) for rung, own in held.items()]
    return plot_figures(name.label, name.meaning, figures, run.ship, "not asked")


def _plot_critical(run: Material, told: dict[str, Any], rungs: list[str]) -> list[DotPlot]:
    figures = [(rung, _rate(one)) for rung in rungs if (one := told[rung].get("critical"))]
    meaning = "answered where it had to abstain, and the upper bound of the rate"
    return [plot_figures("Critical failures", meaning, figures, run.ship)] if figures else []


def _rate(critical: dict[str, Any]) -> Estimate:
    """The rate of missed abstentions, up to its one-sided bound."""
    n, upper = int(critical["n"]), critical.get("upper")
    value = critical["missed"] / n if n else None
    return Estimate(value=value, low=None if upper is None else 0.0, high=upper, n=n)


def _read(figure: Any) -> Estimate | None:
    return Estimate.model_validate(figure) if figure else None


def _name(run: Material, metric: str) -> MetricName:
    task, _, own = metric.partition(".")
    name = name_metric(own, run.settings.tasks.get(task))
    return MetricName(f"{task}: {name.label}", name.meaning)


def _list_cells(run: Material, metric: str, held: dict[str, Any]) -> MetricRow:
    known = [(rung, _read(figures.get(metric))) for rung, figures in held.items()]
    return MetricRow(
        _name(run, metric),
        [Cell(write_value(f), write_interval(f), f.n if f else 0, rung == run.ship) for rung, f in known],
    )


def _count(run: Material, rung: str, told: dict[str, Any]) -> CriticalRow:
    figure = _rate(told)
    bound = NO_VALUE if figure.high is None else f"below {percent(figure.high)}"
    named = ", ".join(told.get("items") or ())
    return CriticalRow(rung, int(told["missed"]), figure.n, write_value(figure), bound, named, rung == run.ship)
