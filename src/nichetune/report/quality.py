"""How good each rung is: the primary metric, then each task's own, with intervals; abstention apart.

Material -> dot plots, and one table a task that holds every number in them
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nichetune.core.settings import TaskSettings
from nichetune.evaluate.metrics import ALL_TASKS
from nichetune.evaluate.scoring import metric_names
from nichetune.report.material import Material
from nichetune.report.plots import DotPlot, plot_figures
from nichetune.report.words import MetricName, name_metric, write_interval, write_value

ABSTENTION = (
    "abstain_precision", "abstain_recall", "over_refusal", "abstain_f1", "missed_abstention", "reliability",
)  # fmt: skip
# Told beside the reliability plot (calibration.py).
CONFIDENCE = ("aurc", "ece", "brier", "ece_calibrated", "brier_calibrated", "reliability_calibrated")
# Their dots would crowd out what decides.
_ONLY_IN_TABLE = (
    "terminology", "parsed", "fields", "term_precision", "term_recall", "key_precision", "key_recall", "invented_codes",
    "support_precision", "support_recall", "evidence_recall_1", "evidence_mrr", "evidence_ndcg", "rouge_l",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A figure in a table."""

    value: str
    interval: str
    n: int
    marked: bool


@dataclass(frozen=True)
class MetricRow:
    """One metric across all rungs."""

    name: MetricName
    cells: list[Cell]


@dataclass(frozen=True)
class TaskQuality:
    """One task: its plots, and the table behind them."""

    task: str
    kind: str
    plots: list[DotPlot]
    rungs: list[str]
    rows: list[MetricRow]


@dataclass(frozen=True)
class Quality:
    """The primary metric, which decides, and everything else by task."""

    primary: DotPlot
    tasks: list[TaskQuality]
    ship: str


def build_quality(run: Material) -> Quality:
    """All metrics but abstention's."""
    task, _, metric = run.primary.partition(".")
    name = name_metric(metric, run.settings.tasks.get(task))
    figures = [(rung.name, rung.figure(run.primary)) for rung in run.rungs]
    primary = plot_figures(run.primary, name.meaning, figures, run.ship, f"does not answer {task}")
    tasks = [
        _describe_task(run, task, settings, _list_metrics(run, task, settings))
        for task, settings in run.settings.tasks.items()
    ]
    return Quality(primary, [*_sum_up(run, task, metric), *(task for task in tasks if task.rows)], run.ship)


def _sum_up(run: Material, task: str, metric: str) -> list[TaskQuality]:
    """The table behind a primary metric that is a mean over all tasks."""
    if task != ALL_TASKS:
        return []
    row = MetricRow(name_metric(metric), _list_cells(run, run.primary))
    return [TaskQuality(task, "all tasks together", [], [rung.name for rung in run.rungs], [row])]


def _list_metrics(run: Material, task: str, settings: TaskSettings) -> list[str]:
    """The task's metrics in their order, then whatever else was measured of it."""
    own = metric_names(settings)
    held = (name.partition(".") for rung in run.rungs for name in rung.metrics)
    others = [metric for of, _, metric in held if of == task and metric not in own]
    return [metric for metric in dict.fromkeys([*own, *others]) if metric not in (*ABSTENTION, *CONFIDENCE)]


def build_abstention(run: Material) -> Quality | None:
    """Abstention's metrics, of the tasks in which it can be right; None where there is no such task."""
    able = {name: task for name, task in run.settings.tasks.items() if task.abstain is not None}
    tasks = [_describe_task(run, name, task, ABSTENTION) for name, task in able.items()]
    tasks = [task for task in tasks if task.rows]
    return Quality(tasks[0].plots[0], tasks, run.ship) if tasks else None


def _describe_task(run: Material, task: str, settings: TaskSettings, metrics: Sequence[str]) -> TaskQuality:
    own = metric_names(settings)
    held = [m for m in metrics if any(f"{task}.{m}" in rung.metrics for rung in run.rungs)]
    plots = [
        _plot_metric(run, task, metric, settings)
        for metric in held
        if metric in own and metric not in _ONLY_IN_TABLE and f"{task}.{metric}" != run.primary
    ]
    plots = [plot for plot in plots if any(row.at is not None for row in plot.rows)]
    rows = [MetricRow(name_metric(m, settings), _list_cells(run, f"{task}.{m}")) for m in held]
    return TaskQuality(task, settings.kind, plots, [rung.name for rung in run.rungs], rows)


def _plot_metric(run: Material, task: str, metric: str, settings: TaskSettings) -> DotPlot:
    name = name_metric(metric, settings)
    figures = [(rung.name, rung.figure(f"{task}.{metric}")) for rung in run.rungs]
    return plot_figures(name.label, name.meaning, figures, run.ship)


def _list_cells(run: Material, metric: str) -> list[Cell]:
    found = [(rung.name, rung.figure(metric)) for rung in run.rungs]
    return [Cell(write_value(f), write_interval(f), f.n if f else 0, name == run.ship) for name, f in found]
