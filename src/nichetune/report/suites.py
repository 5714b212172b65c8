"""Suites beside the domain's holdout: policy, general, drift, retrieval and the user's own, rung by rung.

Material (the verdict's `suites`, `blocked`) -> one table a suite, and its critical failures with their bound
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nichetune.core.records import Estimate
from nichetune.decide.reasons import percent
from nichetune.report.material import Material
from nichetune.report.quality import Cell, MetricRow
from nichetune.report.words import NO_VALUE, MetricName, name_metric, write_interval, write_value


@dataclass(frozen=True)
class CriticalRow:
    """Missed abstentions of one rung in one suite; `bound` is one-sided, 95%."""

    rung: str
    missed: int
    n: int
    bound: str
    items: str


@dataclass(frozen=True)
class SuiteFigures:
    """One suite."""

    name: str
    rungs: list[str]
    rows: list[MetricRow]
    critical: list[CriticalRow]


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
    held = [told[rung]["metrics"] for rung in rungs]
    metrics = dict.fromkeys(metric for figures in held for metric in figures)
    rows = [_list_cells(run, metric, [figures.get(metric) for figures in held], rungs) for metric in metrics]
    critical = [_count(rung, one) for rung in rungs if (one := told[rung].get("critical"))]
    return SuiteFigures(name, rungs, rows, critical)


def _list_cells(run: Material, metric: str, figures: list[Any], rungs: list[str]) -> MetricRow:
    task, _, own = metric.partition(".")
    known = [Estimate.model_validate(figure) if figure else None for figure in figures]
    cells = [
        Cell(write_value(figure), write_interval(figure), figure.n if figure else 0, rung == run.ship)
        for figure, rung in zip(known, rungs, strict=True)
    ]
    name = name_metric(own, run.settings.tasks.get(task))
    return MetricRow(MetricName(f"{task}: {name.label}", name.meaning), cells)


def _count(rung: str, told: dict[str, Any]) -> CriticalRow:
    upper = told.get("upper")
    bound = NO_VALUE if upper is None else f"below {percent(upper)}"
    return CriticalRow(rung, int(told["missed"]), int(told["n"]), bound, ", ".join(told.get("items") or ()))
