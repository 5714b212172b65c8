"""Scores of all items -> one figure for each task and metric, with n and a 95% interval clustered by group.

Reads `ItemScore`s (scores.jsonl) -> metrics.json:

    {"triage.exact_form": {"value": 0.652, "low": 0.580, "high": 0.717, "n": 207}, ...}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nichetune.core.errors import UserError
from nichetune.core.records import Estimate, Example, ItemScore
from nichetune.core.settings import TaskSettings
from nichetune.evaluate.intervals import estimate_mean
from nichetune.evaluate.scoring import metric_names

ALL_TASKS, SUCCESS = "all", "success"
LOWER_IS_BETTER = frozenset(
    (
        "over_refusal",
        "invented_codes",
        "missed_abstention",
        "aurc",
        "ece",
        "brier",
        "ece_calibrated",
        "brier_calibrated",
    )
)


def fewer_is_better(metric: str) -> bool:
    """Whether a small value of `task.metric` is the good one."""
    return metric.partition(".")[2] in LOWER_IS_BETTER


def summarise(
    items: Iterable[Example], scores: Sequence[ItemScore], tasks: Mapping[str, TaskSettings], alpha: float = 0.05
) -> dict[str, Estimate]:
    """Every metric of every task that was scored; one that applies to no item is None with n = 0, never 0.

    Args:
        items: what should have been scored: the items of the tasks that this rung answers.

    Raises:
        UserError: an item without a score, or scored twice.
    """
    _check_complete([item.id for item in items], [score.item for score in scores])
    figures: dict[str, Estimate] = {}
    for name, task in tasks.items():
        own = [score for score in scores if score.task == name]
        if own:
            found = dict.fromkeys(metric for score in own for metric in score.scores if metric != SUCCESS)
            held = dict.fromkeys([*metric_names(task), *found])
            figures |= {f"{name}.{metric}": _estimate(own, metric, alpha) for metric in held}
    if len(figures) and len({score.task for score in scores}) > 1:
        figures[f"{ALL_TASKS}.{SUCCESS}"] = _estimate(list(scores), SUCCESS, alpha)
    return figures


def _estimate(scores: list[ItemScore], metric: str, alpha: float) -> Estimate:
    held = [score for score in scores if metric in score.scores]
    return estimate_mean([score.scores[metric] for score in held], [score.group for score in held], alpha)


def _check_complete(wanted: list[str], scored: list[str]) -> None:
    seen: set[str] = set()
    for name in scored:
        if name in seen:
            raise UserError(f"item {name} was scored twice: evaluate this rung again")
        seen.add(name)
    if missing := [name for name in wanted if name not in seen]:
        raise UserError(f"{len(missing)} items have no score, the first is {missing[0]}: evaluate this rung again")
