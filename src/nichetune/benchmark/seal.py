"""Seal: fixes the benchmark under one digest before anything is tuned.

split/holdout.jsonl (+ split/blind.jsonl, users' suites) -> items.jsonl, boilerplate.json, suites/<name>.jsonl,
benchmark.json

    {"digest": "c1…", "primary": "triage.exact_form", "margin": 0.02, "alpha": 0.05, "seed": 7, "seeds": 1,
     "scorers": "9f…", "decision": "07…", "prices": {…}, "item_digests": {"int-0077": "51…", …}, "tasks": {…}, …}

The digest covers items and expected answers, tasks, the scorers' source, primary metric, margin, error level, seeds,
the source of the decision rule, prices, gates, suites, the blind holdout (its digest alone: it stays closed) and the
rules against leaks. Each item and each part also has a digest of its own, so that a change can be named.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from nichetune.benchmark.items import check_items
from nichetune.benchmark.suites import Suite, make_suites
from nichetune.core.errors import CheckFailed, UserError
from nichetune.core.files import hash_file, hash_value, read_json, read_records, write_json, write_jsonl
from nichetune.core.records import Example
from nichetune.core.settings import Settings, TaskSettings
from nichetune.core.stages import Report, code_version
from nichetune.corpus.split import BLIND, BOILERPLATE

ITEMS, HEADER, SUITES = "items.jsonl", "benchmark.json", "suites"
SUITE_INPUT = "suites/"  # inputs of the stage: a user's suite by name
_SCORERS, _DECISION = ("evaluate",), ("decide",)
_NO_PARTS = {"digest", "item_digests", "part_digests", "items"}


class SealedSuite(BaseModel):
    """A suite in the header: all but its items, which stand in a file of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tasks: dict[str, TaskSettings] = {}
    critical: bool = False
    slices: dict[str, str] = {}
    changed: list[str] = []
    item_digests: dict[str, str]


class Benchmark(BaseModel):
    """A sealed benchmark, read whole.

    Attributes:
        digest: SHA-256 over everything else here.
        scorers: version of the source that scores; `decision`: of the source that decides.
        seeds: trainings of each tuned rung that the verdict rests on.
        split: salt and shares that chose the items.
        prices: what a rung's cost is counted by; gates: what blocks a promotion.
        blind: number and digest of the blind holdout; empty without one.
        boilerplate: digests of word runs that count as no leak.
        item_digests: SHA-256 of each item with its expected answer, by id.
        part_digests: SHA-256 of every other part, by its name here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    digest: str
    primary: str
    margin: float
    alpha: float
    bootstrap: int
    seed: int
    seeds: int
    split: dict[str, float | str]
    scorers: str
    decision: str
    prices: dict[str, Any]
    gates: dict[str, Any]
    tasks: dict[str, TaskSettings]
    overlap_words: int
    blind: dict[str, int | str] = {}
    suites: dict[str, SealedSuite] = {}
    item_digests: dict[str, str]
    part_digests: dict[str, str] = {}
    items: list[Example] = []
    boilerplate: list[str] = []
    suite_items: dict[str, list[Example]] = {}

    def compute_digest(self) -> str:
        """The digest that this content has."""
        content = self.model_dump(mode="json", exclude={"digest", "items", "suite_items"})
        return hash_value(content | {"items": [hash_value(item) for item in self.items]})

    def digest_parts(self) -> dict[str, str]:
        """Digest of each part but the items, by name."""
        plain = self.model_dump(mode="json", exclude={*_NO_PARTS, "suite_items"})
        return {name: hash_value(value) for name, value in plain.items()}

    @property
    def items_digest(self) -> str:
        """Digest over the items and answers alone: a new rule leaves it as it was."""
        return hash_value(self.item_digests)

    def suite(self, name: str) -> Suite:
        """A suite with its items."""
        told = self.suites[name]
        items = self.suite_items.get(name, [])
        return Suite(**told.model_dump(exclude={"item_digests", "tasks"}), tasks=told.tasks, items=items)


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Seals the holdout of `inputs["split"]`, and what `inputs["suites/NAME"]` hold.

    Raises:
        UserError: an item that no answer could be right for, or a suite that cannot be made.
    """
    split = inputs["split"]
    items = read_records(split / "holdout.jsonl", Example)
    check_items(items, settings.tasks, "the benchmark")
    boilerplate = read_json(split / BOILERPLATE)
    files = {name.removeprefix(SUITE_INPUT): path for name, path in inputs.items() if name.startswith(SUITE_INPUT)}
    suites = make_suites(settings, items, files)
    benchmark = seal_benchmark(settings, items, boilerplate, suites, describe_blind(split))
    write_benchmark(benchmark, out)
    by_task = dict(sorted(Counter(item.task for item in items).items()))
    counts = {"items": len(items), "groups": len({item.group for item in items})}
    more = {"blind": int(benchmark.blind["items"])} if benchmark.blind else {}
    more |= {f"suite {name}": len(suite.items) for name, suite in suites.items()}
    return Report(counts=counts | more, facts={"benchmark_digest": benchmark.digest, "by_task": by_task})


def write_benchmark(benchmark: Benchmark, out: Path) -> None:
    """Writes a benchmark as `load_benchmark` reads it."""
    write_jsonl(out / ITEMS, benchmark.items)
    write_json(out / BOILERPLATE, benchmark.boilerplate)
    for name, own in benchmark.suite_items.items():
        write_jsonl(out / SUITES / f"{name}.jsonl", own)
    write_json(out / HEADER, benchmark.model_dump(mode="json", exclude={"items", "boilerplate", "suite_items"}))


def describe_blind(split: Path) -> dict[str, int | str]:
    """Number of lines and digest of the blind holdout, whose items stay unread; empty without one."""
    file = split / BLIND
    if not file.is_file():
        return {}
    with file.open("rb") as lines:
        return {"items": sum(1 for _ in lines), "digest": hash_file(file)}


def seal_benchmark(
    settings: Settings, items: list[Example], boilerplate: list[str], suites: dict[str, Suite] | None = None,
    blind: dict[str, int | str] | None = None,
) -> Benchmark:  # fmt: skip
    """The benchmark that these items and settings make."""
    split, held = settings.split, suites or {}
    opened = Benchmark(
        digest="",
        primary=settings.primary_metric,
        margin=settings.benchmark.margin,
        alpha=settings.benchmark.alpha,
        bootstrap=settings.benchmark.bootstrap,
        seed=settings.seed,
        seeds=settings.benchmark.seeds,
        split={"salt": split.salt, "holdout": split.holdout, "blind": split.blind, "dev": split.dev},
        scorers=code_version(_SCORERS),
        decision=code_version(_DECISION),
        prices=settings.economics.model_dump(mode="json"),
        gates=settings.gates.model_dump(mode="json"),
        tasks=settings.tasks,
        overlap_words=split.overlap_words,
        blind=blind or {},
        suites={name: _seal_suite(suite) for name, suite in held.items()},
        item_digests={item.id: hash_value(item) for item in items},
        items=items,
        boilerplate=boilerplate,
        suite_items={name: suite.items for name, suite in held.items()},
    )
    named = opened.model_copy(update={"part_digests": opened.digest_parts()})
    return named.model_copy(update={"digest": named.compute_digest()})


def _seal_suite(suite: Suite) -> SealedSuite:
    told = suite.model_dump(exclude={"items"})
    return SealedSuite(**told, item_digests={item.id: hash_value(item) for item in suite.items})


def load_benchmark(folder: Path) -> Benchmark:
    """Reads a sealed benchmark without checking it; `verify_benchmark` does both.

    Raises:
        UserError: there is none, or it is no benchmark.
    """
    try:
        header: dict[str, Any] = read_json(folder / HEADER)
        items = read_records(folder / ITEMS, Example)
        suites = {name: read_records(folder / SUITES / f"{name}.jsonl", Example) for name in header.get("suites", {})}
        boilerplate = read_json(folder / BOILERPLATE)
        return Benchmark(**header, items=items, boilerplate=boilerplate, suite_items=suites)
    except (ValidationError, TypeError, AttributeError):
        raise UserError(
            f"{folder}: this is no sealed benchmark: seal it again with `nichetune benchmark seal`"
        ) from None


def verify_benchmark(folder: Path, check_scorers: bool = True) -> Benchmark:
    """Reads a sealed benchmark and proves that nothing in it has changed.

    Args:
        check_scorers: also refuse one that was sealed with other scorers, or another decision rule, than this
            version's.

    Raises:
        CheckFailed: an item, a rule or the scorers changed; the first one is named.
        UserError: there is no benchmark.
    """
    benchmark = load_benchmark(folder)
    _check_items(folder / ITEMS, benchmark.items, benchmark.item_digests)
    for name, suite in benchmark.suites.items():
        _check_items(folder / SUITES / f"{name}.jsonl", benchmark.suite_items[name], suite.item_digests)
    again = "seal again before training, or restore the file"
    for name, digest in benchmark.digest_parts().items():
        if benchmark.part_digests.get(name) != digest:
            raise CheckFailed(f"{folder}: {name}: a rule or a setting was changed after sealing: {again}")
    if benchmark.compute_digest() != benchmark.digest:
        raise CheckFailed(f"{folder}: the order of the items, or a digest, was changed after sealing: {again}")
    if check_scorers:
        for part, held, layers in (("scorers", benchmark.scorers, _SCORERS),
                                   ("decision rule", benchmark.decision, _DECISION)):  # fmt: skip
            if held != code_version(layers):
                raise CheckFailed(f"{folder}: it was sealed with other {part} than this version's: run the flow "
                                  "again, it seals anew and says so in the log")  # fmt: skip
    return benchmark


def _check_items(file: Path, items: list[Example], sealed: dict[str, str]) -> None:
    held = {item.id: hash_value(item) for item in items}
    again = "seal again before training, or restore the file"
    for name, digest in sealed.items():
        if name not in held:
            raise CheckFailed(f"{file}: sealed item {name} is missing: {again}")
        if held[name] != digest:
            raise CheckFailed(f"{file}: sealed item {name} was changed: {again}")
    for name in held:
        if name not in sealed:
            raise CheckFailed(f"{file}: item {name} was added after sealing: {again}")
