"""Whether two forms of one candidate answer alike: before and after a merge, a quantisation, another engine.

Reads benchmark items and two sets of predictions on them -> `Agreement`:

    {"items": 100, "same_text": {"value": 0.97, "low": 0.91, "high": 0.99, "n": 100}, "same_answer": {…},
     "metrics": {"triage.exact_form": {"before": {…}, "after": {…}}}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nichetune.core.files import hash_text
from nichetune.core.records import Candidate, Estimate, Example, ItemScore, Prediction, Record
from nichetune.core.settings import PRIMARY_METRICS, TaskSettings
from nichetune.evaluate.intervals import estimate_mean
from nichetune.evaluate.metrics import ALL_TASKS, SUCCESS, summarise
from nichetune.evaluate.runner import CandidateRunner, Done, read_output
from nichetune.evaluate.scoring import score_item

if TYPE_CHECKING:
    from nichetune.generate.llamacpp import LlamaCppEngine


class Change(Record):
    """One metric, of the original and of what was made of it."""

    before: Estimate
    after: Estimate


class Agreement(Record):
    """How alike two sets of answers to the same items are.

    Attributes:
        same_text: share of items with the same text, letter by letter.
        same_answer: share with the same parsed answer; texts that cannot be read must be the same.
        metrics: each task's primary metric, and the success over all tasks where there are several.
    """

    items: int
    same_text: Estimate
    same_answer: Estimate
    metrics: dict[str, Change]


def choose_items(items: Sequence[Example], count: int) -> list[Example]:
    """Up to `count` items, the same ones every time, in an order that no file or task decides."""
    return sorted(items, key=lambda item: hash_text(item.id))[:count]


def answer_with_gguf(
    runner: CandidateRunner, engine: LlamaCppEngine, items: Sequence[Example], done: Done = lambda n: None
) -> list[Prediction]:
    """A candidate's answers by llama.cpp: its prompts and passages, the file's tokenizer and template.

    Args:
        runner: of the original candidate; nothing is loaded by it but its index.
    """
    from nichetune.generate.llamacpp import ChatRequest
    from nichetune.generate.prompts import candidate_prompt

    candidate, found = runner.candidate, runner.passages(items)
    predictions = []
    for item in items:
        task, hits = candidate.tasks[item.task], found.get(item.id, [])
        request = ChatRequest(candidate_prompt(candidate, item, hits), task.max_new_tokens, task.kind == "form")
        output = engine.generate([request], done)[0]
        version = candidate.index_version if hits else ""
        predictions.append(read_output(candidate, item, output, [hit.id for hit in hits], version))
    return predictions


def compare_answers(
    candidate: Candidate, items: Sequence[Example], before: Sequence[Prediction], after: Sequence[Prediction],
    documents: Mapping[str, str] | None = None, alpha: float = 0.05,
) -> Agreement:  # fmt: skip
    """Sets two sets of predictions on the same items, in the items' order, side by side.

    Args:
        documents: text by document id, for the check of quotes.
        alpha: of the intervals.
    """
    groups = [item.group for item in items]
    pairs = list(zip(before, after, strict=True))
    texts = [float(a.text == b.text) for a, b in pairs]
    answers = [float(a.answer == b.answer and (a.answer.parsed or a.text == b.text)) for a, b in pairs]
    return Agreement(
        items=len(items),
        same_text=estimate_mean(texts, groups, alpha),
        same_answer=estimate_mean(answers, groups, alpha),
        metrics=_changes(candidate.tasks, items, (before, after), documents, alpha),
    )


def _changes(
    tasks: Mapping[str, TaskSettings], items: Sequence[Example], sides: tuple[Sequence[Prediction], ...],
    documents: Mapping[str, str] | None, alpha: float,
) -> dict[str, Change]:  # fmt: skip
    figures = [summarise(items, _score(tasks, items, side, documents), tasks, alpha) for side in sides]
    shown = [f"{name}.{PRIMARY_METRICS[task.kind]}" for name, task in tasks.items()] + [f"{ALL_TASKS}.{SUCCESS}"]
    return {name: Change(before=figures[0][name], after=figures[1][name]) for name in shown if name in figures[0]}


def _score(
    tasks: Mapping[str, TaskSettings], items: Sequence[Example], predictions: Sequence[Prediction],
    documents: Mapping[str, str] | None,
) -> list[ItemScore]:  # fmt: skip
    scored = []
    for item, prediction in zip(items, predictions, strict=True):
        scores: dict[str, Any] = score_item(tasks[item.task], item, prediction, documents)
        scores[SUCCESS] = scores.get(PRIMARY_METRICS[tasks[item.task].kind], 0.0)
        scored.append(ItemScore(item=item.id, group=item.group, task=item.task, scores=scores))
    return scored
