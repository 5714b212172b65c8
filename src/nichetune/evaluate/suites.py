"""One rung on one suite: which items it is asked, with which tasks, and what comes of it.

predictions and scores of a suite's items -> predictions.jsonl, scores.jsonl, suite.json, where time matters
members.json (drift.py):

    {"items": 40, "asked": 40, "metrics": {"ask.abstain_recall": {"value": 0.95, …}}, "slices": {}, "slopes": {},
     "changed": null, "critical": {"missed": 2, "n": 40, "upper": 0.149, "items": ["policy-ask-input-04", …]}}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nichetune.benchmark.suites import Suite
from nichetune.core.files import write_json, write_jsonl
from nichetune.core.records import Estimate, Example, ItemScore, Prediction
from nichetune.core.settings import Settings
from nichetune.evaluate.drift import MEMBERS, judge_over_time, list_members
from nichetune.evaluate.intervals import estimate_rare
from nichetune.evaluate.metrics import summarise
from nichetune.evaluate.runner import CandidateRunner

RESULT = "suite.json"


def suite_items(suite: Suite, runner: CandidateRunner) -> list[Example]:
    """The items that the rung can be asked: a classical model knows no task but those that it was trained on."""
    return (
        suite.items if runner.candidate.rung != "classical" else [i for i in suite.items if i.task not in suite.tasks]
    )


def suite_runner(suite: Suite, runner: CandidateRunner) -> CandidateRunner:
    """The same candidate with the suite's own tasks beside its own; the weights stay in memory."""
    candidate = runner.candidate.model_copy(update={"tasks": runner.candidate.tasks | suite.tasks})
    return CandidateRunner(candidate, runner.adapter, runner.index, runner.device, runner.batch_size, runner.cache)


def write_suite(
    suite: Suite, asked: list[Example], predictions: list[Prediction], scores: list[ItemScore], settings: Settings,
    out: Path,
) -> None:  # fmt: skip
    """Writes what a suite gave; the settings hold its tasks, too."""
    write_jsonl(out / "predictions.jsonl", predictions)
    write_jsonl(out / "scores.jsonl", scores)
    alpha = settings.benchmark.alpha

    def summarise_part(ids: set[str]) -> dict[str, Estimate]:
        own = [score for score in scores if score.item in ids]
        return summarise([item for item in asked if item.id in ids], own, settings.tasks, alpha)

    result: dict[str, Any] = {
        "items": len(suite.items),
        "asked": len(asked),
        "metrics": summarise(asked, scores, settings.tasks, alpha),
        **judge_over_time(suite, scores, summarise_part, alpha),
        "critical": count_critical(asked, predictions) if suite.critical else None,
    }
    write_json(out / RESULT, result)
    if members := list_members(suite):
        write_json(out / MEMBERS, members)


def count_critical(items: list[Example], predictions: list[Prediction]) -> dict[str, Any]:
    """Missed abstentions, with the one-sided 95% upper bound of their rate: 0 of 100 is below 3.0%."""
    due = [(item, p) for item, p in zip(items, predictions, strict=True) if item.expected.abstain]
    missed = [item.id for item, prediction in due if not prediction.answer.abstain]
    rate = estimate_rare([not prediction.answer.abstain for _, prediction in due], [item.group for item, _ in due])
    return {"missed": len(missed), "n": len(due), "upper": rate.high, "items": missed}
