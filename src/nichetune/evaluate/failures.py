"""What kind of mistake an answer is: of form and manner, which preferences can move, or of content, which they cannot.

item + prediction + scores -> "form"

    not stopping   cut at task.max_new_tokens        form        not readable, or a value that the task does not know
    abstention     abstained where an answer was due, or answered where abstaining was
    content        readable, on time, and wrong
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from nichetune.core.records import Example, ItemScore, Prediction
from nichetune.core.settings import TaskSettings
from nichetune.core.tasks import is_abstention

Failure = Literal["not stopping", "form", "abstention", "content"]
FAILURES: tuple[Failure, ...] = ("not stopping", "form", "abstention", "content")
MOVABLE: tuple[Failure, ...] = FAILURES[:3]
_RIGHT = 0.5  # of `success`: a free text that shares half of its words with the reference is no failure


def count_failures(
    items: Iterable[Example],
    predictions: Mapping[str, Prediction],
    scores: Mapping[str, ItemScore],
    tasks: Mapping[str, TaskSettings],
) -> Counter[Failure]:
    """Failed items by kind, each under the first kind that fits it; what a rung did not answer is left out."""
    found: Counter[Failure] = Counter()
    for item in items:
        if item.id in predictions and item.id in scores:
            kind = name_failure(tasks[item.task], item, predictions[item.id], scores[item.id].scores)
            if kind is not None:
                found[kind] += 1
    return found


def name_failure(
    task: TaskSettings, item: Example, prediction: Prediction, scores: Mapping[str, float]
) -> Failure | None:
    """The kind of one failure; None where the answer is right."""
    if scores.get("success", 0.0) >= _RIGHT:
        return None
    if prediction.stopped == "length":
        return "not stopping"
    if not prediction.answer.parsed or scores.get("terminology", 1.0) < 1:
        return "form"
    due = item.expected.abstain or is_abstention(task, item.expected.fields or {})
    return "abstention" if prediction.answer.abstain != due else "content"
