"""Reads what the evaluation of a rung left behind, and lines several rungs up on the same sealed items.

Reads evaluate/<rung>/{scores.jsonl, metrics.json, resources.json, candidate.json, manifest.json} -> `Evaluated`,
and of several of them `Aligned`: one row of scores a rung, one column an item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nichetune.core.errors import UserError
from nichetune.core.files import read_json, read_records
from nichetune.core.records import Candidate, Estimate, ItemScore
from nichetune.evaluate.intervals import Floats
from nichetune.evaluate.memorisation import count_given_out
from nichetune.evaluate.metrics import ALL_TASKS
from nichetune.evaluate.resources import Resources


@dataclass(frozen=True)
class Evaluated:
    """One rung with its scores by item.

    Attributes:
        benchmark: digest of the sealed benchmark that it was scored on; empty where nothing says so.
        resources: None where only scores were kept (a version of the registry).
        secrets_given_out: planted secrets that it wrote when asked (memorisation.json); 0 where none were planted.
    """

    rung: str
    candidate: Candidate
    scores: dict[str, ItemScore]
    metrics: dict[str, Estimate]
    resources: Resources | None
    benchmark: str
    secrets_given_out: int = 0

    def column(self, metric: str) -> dict[str, float]:
        """Score by item id of `task.metric`, where it applies."""
        task, _, name = metric.partition(".")
        own = {key: s for key, s in self.scores.items() if task in (s.task, ALL_TASKS)}
        return {key: s.scores[name] for key, s in own.items() if name in s.scores}


@dataclass(frozen=True)
class Aligned:
    """Scores of several rungs on the same items: rungs, item ids, groups, and scores [rungs, items]."""

    rungs: list[str]
    items: list[str]
    groups: list[str]
    scores: Floats


def read_evaluated(folder: Path, rung: str = "") -> Evaluated:
    """Reads one rung's folder.

    Raises:
        UserError: a file is missing or broken, or an item stands twice.
    """
    candidate = Candidate.model_validate(read_json(folder / "candidate.json"))
    scores: dict[str, ItemScore] = {}
    for score in read_records(folder / "scores.jsonl", ItemScore):
        if score.item in scores:
            raise UserError(f"{folder / 'scores.jsonl'}: item {score.item} stands twice: evaluate this rung again")
        scores[score.item] = score
    metrics = {name: Estimate.model_validate(e) for name, e in read_json(folder / "metrics.json").items()}
    counted = folder / "resources.json"
    resources = Resources.model_validate(read_json(counted)) if counted.is_file() else None
    return Evaluated(
        rung or candidate.rung, candidate, scores, metrics, resources, scored_benchmark(folder), count_given_out(folder)
    )


def scored_benchmark(folder: Path) -> str:
    """The digest of the benchmark behind a folder's scores: the stage's manifest or the verdict beside them tells."""
    facts: Any = read_json(folder / "manifest.json").get("facts") if (folder / "manifest.json").is_file() else None
    if facts and facts.get("benchmark_digest"):
        return str(facts["benchmark_digest"])
    verdict = folder / "verdict.json"
    return str(read_json(verdict).get("benchmark_digest", "")) if verdict.is_file() else ""


def align_scores(rungs: Sequence[Evaluated], metric: str, items: Sequence[str], groups: Sequence[str]) -> Aligned:
    """Lines rungs up on the sealed items; an item to which the metric applies for no rung is left out.

    Raises:
        UserError: a rung has no score for an item that another one has.
    """
    columns = {rung.rung: rung.column(metric) for rung in rungs}
    kept = [n for n, item in enumerate(items) if any(item in column for column in columns.values())]
    for name, column in columns.items():
        if missing := [items[n] for n in kept if items[n] not in column]:
            raise UserError(
                f"rung {name} has no {metric} for {len(missing)} of {len(kept)} sealed items, the first is "
                f"{missing[0]}: evaluate it again"
            )
    scores = np.asarray([[column[items[n]] for n in kept] for column in columns.values()], dtype=np.float64)
    return Aligned(list(columns), [items[n] for n in kept], [groups[n] for n in kept], scores)
