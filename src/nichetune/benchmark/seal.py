"""Seal: fixes the benchmark under one digest before anything is tuned.

split/holdout.jsonl -> items.jsonl, boilerplate.json, benchmark.json

    {"digest": "c1…", "primary": "triage.exact_form", "margin": 0.02, "alpha": 0.05, "seed": 7, "scorers": "9f…",
     "items": {"int-0077": "51…", …}, "tasks": {…}, "overlap_words": 8, …}

The digest covers items and expected answers, tasks, the scorers' source, primary metric, margin, error level, seeds
and the rules against leaks. Each item also has a digest of its own, so that a change can be named.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nichetune.core.errors import CheckFailed, UserError
from nichetune.core.files import hash_value, read_json, read_records, write_json, write_jsonl
from nichetune.core.records import Example
from nichetune.core.settings import Settings, TaskSettings
from nichetune.core.stages import Report, code_version
from nichetune.corpus.split import BOILERPLATE

ITEMS, HEADER = "items.jsonl", "benchmark.json"
_SCORERS = ("evaluate",)


class Benchmark(BaseModel):
    """A sealed benchmark, read whole.

    Attributes:
        digest: SHA-256 over everything else here.
        scorers: version of the source that scores.
        seeds: trainings of every tuned rung that the verdict judges.
        split: salt and shares that chose the items.
        boilerplate: digests of word runs that count as no leak.
        item_digests: SHA-256 of each item with its expected answer, by id.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    digest: str
    primary: str
    margin: float
    alpha: float
    bootstrap: int
    seed: int
    seeds: int = Field(1, exclude_if=lambda seeds: seeds == 1)
    split: dict[str, float | str]
    scorers: str
    tasks: dict[str, TaskSettings]
    overlap_words: int
    item_digests: dict[str, str]
    items: list[Example] = []
    boilerplate: list[str] = []

    def compute_digest(self) -> str:
        """The digest that this content has."""
        content = self.model_dump(mode="json", exclude={"digest"})
        return hash_value(content | {"items": [hash_value(item) for item in self.items]})


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Seals the holdout of `inputs["split"]`."""
    items = read_records(inputs["split"] / "holdout.jsonl", Example)
    boilerplate = read_json(inputs["split"] / BOILERPLATE)
    benchmark = seal_benchmark(settings, items, boilerplate)
    write_jsonl(out / ITEMS, items)
    write_json(out / BOILERPLATE, boilerplate)
    write_json(out / HEADER, benchmark.model_dump(mode="json", exclude={"items", "boilerplate"}))
    by_task = dict(sorted(Counter(item.task for item in items).items()))
    counts = {"items": len(items), "groups": len({item.group for item in items})}
    return Report(counts=counts, facts={"benchmark_digest": benchmark.digest, "by_task": by_task})


def seal_benchmark(settings: Settings, items: list[Example], boilerplate: list[str]) -> Benchmark:
    """The benchmark that these items and settings make."""
    split = settings.split
    open_benchmark = Benchmark(
        digest="",
        primary=settings.primary_metric,
        margin=settings.benchmark.margin,
        alpha=settings.benchmark.alpha,
        bootstrap=settings.benchmark.bootstrap,
        seed=settings.seed,
        seeds=settings.benchmark.seeds,
        split={"salt": split.salt, "holdout": split.holdout, "dev": split.dev},
        scorers=code_version(_SCORERS),
        tasks=settings.tasks,
        overlap_words=split.overlap_words,
        item_digests={item.id: hash_value(item) for item in items},
        items=items,
        boilerplate=boilerplate,
    )
    return open_benchmark.model_copy(update={"digest": open_benchmark.compute_digest()})


def load_benchmark(folder: Path) -> Benchmark:
    """Reads a sealed benchmark without checking it; `verify_benchmark` does both.

    Raises:
        UserError: there is none, or it is no benchmark.
    """
    try:
        header: dict[str, Any] = read_json(folder / HEADER)
        items = read_records(folder / ITEMS, Example)
        return Benchmark(**header, items=items, boilerplate=read_json(folder / BOILERPLATE))
    except (ValidationError, TypeError):
        raise UserError(
            f"{folder}: this is no sealed benchmark: seal it again with `nichetune benchmark seal`"
        ) from None


def verify_benchmark(folder: Path, check_scorers: bool = True) -> Benchmark:
    """Reads a sealed benchmark and proves that nothing in it has changed.

    Args:
        check_scorers: also refuse one that was sealed with other scorers than this version's.

    Raises:
        CheckFailed: an item, a rule or the scorers changed; the first one is named.
        UserError: there is no benchmark.
    """
    benchmark = load_benchmark(folder)
    held = {item.id: hash_value(item) for item in benchmark.items}
    again = "seal again before training, or restore the file"
    for name, digest in benchmark.item_digests.items():
        if name not in held:
            raise CheckFailed(f"{folder / ITEMS}: sealed item {name} is missing: {again}")
        if held[name] != digest:
            raise CheckFailed(f"{folder / ITEMS}: sealed item {name} was changed: {again}")
    for name in held:
        if name not in benchmark.item_digests:
            raise CheckFailed(f"{folder / ITEMS}: item {name} was added after sealing: {again}")
    if benchmark.compute_digest() != benchmark.digest:
        raise CheckFailed(f"{folder}: the order of the items, a rule or a setting was changed after sealing: {again}")
    if check_scorers and benchmark.scorers != code_version(_SCORERS):
        raise CheckFailed(f"{folder}: it was sealed with other scorers than this version's: seal again, then train")
    return benchmark
