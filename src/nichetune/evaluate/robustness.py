"""How far a candidate falls when the sealed questions are written otherwise: the same items, paired.

items + a candidate + its scores on them as they are -> robustness.json:

    {"typos": {"triage": {"before": 0.65, "after": 0.61, "difference": {"value": -0.04, "low": -0.07, "high": -0.01,
     "n": 207}}, "all": {…}}, …}

Only items that a perturbation changes are asked; what is scored is `success`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nichetune.core.progress import track
from nichetune.core.records import Candidate, Example, ItemScore, Prediction
from nichetune.core.settings import Settings, TaskSettings
from nichetune.evaluate.intervals import DIGITS, estimate_change
from nichetune.evaluate.metrics import ALL_TASKS, SUCCESS
from nichetune.evaluate.perturb import PERTURBATIONS, Perturbation, perturb_item
from nichetune.evaluate.runner import CandidateRunner

Score = Callable[[list[Example], list[Prediction]], list[ItemScore]]


def measure_robustness(
    settings: Settings, runner: CandidateRunner, items: Sequence[Example], scores: Sequence[ItemScore], score: Score
) -> dict[str, Any]:
    """Asks every item again in every way that changes it.

    Args:
        scores: of the items as they are, in their order.
        score: scores predictions on items.
    """
    before = {one.item: one.scores[SUCCESS] for one in scores}
    found: dict[str, Any] = {}
    with track(f"robustness of {runner.candidate.rung}", len(PERTURBATIONS), "suites") as tick:
        for kind in PERTURBATIONS:
            after = _ask_again(settings, runner, items, kind, score)
            found[kind] = _compare(settings, before, after)
            tick(1)
    return found


def _ask_again(
    settings: Settings, runner: CandidateRunner, items: Sequence[Example], kind: Perturbation, score: Score
) -> list[ItemScore]:
    candidate = runner.candidate
    other = reorder_keys(candidate) if kind == "order" else candidate
    changed = [
        perturbed if perturbed is not None else item
        for item in items
        if (perturbed := perturb_item(item, kind, settings.seed)) is not None
        or _lists_otherwise(other, candidate, item.task)
    ]
    if not changed:
        return []
    asked = CandidateRunner(other, runner.adapter, runner.index, runner.device, runner.batch_size, runner.cache)
    return score(changed, asked.answer(changed))


def reorder_keys(candidate: Candidate) -> Candidate:
    """The candidate whose prompts list a form's keys the other way round, where prompts list them."""
    if candidate.prompt_style != "full" or candidate.rung == "classical":
        return candidate
    return candidate.model_copy(update={"tasks": {name: _turn_around(task) for name, task in candidate.tasks.items()}})


def _turn_around(task: TaskSettings) -> TaskSettings:
    return task.model_copy(update={"fields": dict(reversed(task.fields.items()))})


def _lists_otherwise(other: Candidate, candidate: Candidate, task: str) -> bool:
    """Whether the keys come in another order: dictionaries are equal whatever their order."""
    return list(other.tasks[task].fields) != list(candidate.tasks[task].fields)


def _compare(settings: Settings, before: Mapping[str, float], after: Sequence[ItemScore]) -> dict[str, Any]:
    tasks = [name for name in settings.tasks if any(one.task == name for one in after)]
    found = {name: [one for one in after if one.task == name] for name in tasks}
    if len(tasks) > 1:
        found[ALL_TASKS] = list(after)
    return {name: _describe(before, own, settings.benchmark.alpha) for name, own in found.items()}


def _describe(before: Mapping[str, float], after: Sequence[ItemScore], alpha: float) -> dict[str, Any]:
    old, new = [before[one.item] for one in after], [one.scores[SUCCESS] for one in after]
    return {
        "before": round(sum(old) / len(old), DIGITS),
        "after": round(sum(new) / len(new), DIGITS),
        "difference": estimate_change(old, new, [one.group for one in after], alpha),
    }
