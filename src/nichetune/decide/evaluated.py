"""Reads what the evaluation of a rung left behind, and lines several rungs up on the same sealed items.

Reads evaluate/<rung>/{scores.jsonl, metrics.json, resources.json, candidate.json, manifest.json} -> `Evaluated`,
and of several of them `Aligned`: one row of scores a rung, one column an item. A rung that was trained from several
seeds is one `Evaluated` (its first seed, which ships) with the others as its reruns; its row is the mean over all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from nichetune.core.errors import UserError
from nichetune.core.files import read_json, read_records
from nichetune.core.records import Candidate, Estimate, ItemScore
from nichetune.evaluate.candidates import list_seeds, name_seed, split_seed
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
        reruns: the same rung trained from its other seeds, in their order.
        secrets_given_out: planted secrets that it wrote when asked (memorisation.json); 0 where none were planted.
    """

    rung: str
    candidate: Candidate
    scores: dict[str, ItemScore]
    metrics: dict[str, Estimate]
    resources: Resources | None
    benchmark: str
    secrets_given_out: int = 0
    reruns: tuple[Evaluated, ...] = ()

    @property
    def by_seed(self) -> tuple[Evaluated, ...]:
        """All its trainings, the one that ships first."""
        return (self, *self.reruns)

    def column(self, metric: str) -> dict[str, float]:
        """Score by item id of `task.metric`, where it applies."""
        task, _, name = metric.partition(".")
        own = {key: s for key, s in self.scores.items() if task in (s.task, ALL_TASKS)}
        return {key: s.scores[name] for key, s in own.items() if name in s.scores}


@dataclass(frozen=True)
class Aligned:
    """Scores of several rungs on the same items: rungs, item ids, groups, and scores [rungs, items].

    Attributes:
        scores: means over the seeds.
        by_seed: of the rungs with several, [seeds, items] each.
    """

    rungs: list[str]
    items: list[str]
    groups: list[str]
    scores: Floats
    by_seed: dict[str, Floats] = field(default_factory=dict)

    def between(self, a: str, b: str) -> Floats:
        """Differences b - a of two rungs, [items]."""
        return self.scores[self.rungs.index(b)] - self.scores[self.rungs.index(a)]


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


def group_seeds(rungs: Sequence[Evaluated], seeds: int) -> list[Evaluated]:
    """Puts the trainings of each rung together.

    Args:
        rungs: named as their stages, `qlora@seed-2` the second training of `qlora`.
        seeds: how many the benchmark was sealed for.

    Raises:
        UserError: a tuned rung has another number of them.
    """
    found: dict[str, dict[int, Evaluated]] = {}
    for one in rungs:
        rung, seed = split_seed(one.rung)
        found.setdefault(rung, {})[seed] = replace(one, rung=rung)
    for rung, own in found.items():
        wanted = [split_seed(name)[1] for name in list_seeds(rung, seeds)]
        if sorted(own) != wanted:
            raise UserError(
                f"rung {rung} was evaluated with {len(own)} seeds, and the benchmark was sealed for {len(wanted)} "
                "(benchmark.seeds): run the flow again"
            )
    return [replace(own[1], reruns=tuple(own[n] for n in sorted(own) if n > 1)) for own in found.values()]


def align_scores(rungs: Sequence[Evaluated], metric: str, items: Sequence[str], groups: Sequence[str]) -> Aligned:
    """Lines rungs up on the sealed items; an item to which the metric applies for no rung is left out.

    Raises:
        UserError: a rung has no score for an item that another one has.
    """
    columns = {name_seed(rung.rung, n): one.column(metric) for rung in rungs for n, one in enumerate(rung.by_seed, 1)}
    kept = [n for n, item in enumerate(items) if any(item in column for column in columns.values())]
    for name, column in columns.items():
        if missing := [items[n] for n in kept if items[n] not in column]:
            raise UserError(
                f"rung {name} has no {metric} for {len(missing)} of {len(kept)} sealed items, the first is "
                f"{missing[0]}: evaluate it again"
            )
    names = [items[n] for n in kept]
    return line_up(rungs, names, [groups[n] for n in kept], lambda one: one.column(metric))


def line_up(
    rungs: Sequence[Evaluated], items: list[str], groups: list[str], read: Callable[[Evaluated], Mapping[str, float]]
) -> Aligned:
    """One row of figures a rung, averaged over its seeds; `read` gives a training's figure by item."""
    by_seed: dict[str, Floats] = {}
    for rung in rungs:
        columns = [read(one) for one in rung.by_seed]
        by_seed[rung.rung] = np.asarray([[column[item] for item in items] for column in columns], dtype=np.float64)
    scores = np.stack([own.mean(axis=0) for own in by_seed.values()])
    several = {rung: own for rung, own in by_seed.items() if len(own) > 1}
    return Aligned(list(by_seed), items, groups, scores, several)
