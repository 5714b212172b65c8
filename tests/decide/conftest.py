"""Evaluated rungs and a sealed benchmark on disk, as the stages before `decide` leave them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from nichetune.benchmark.seal import seal_benchmark
from nichetune.core.files import write_json, write_jsonl
from nichetune.core.records import Candidate, Example, Expected, ItemScore, Message, Source
from nichetune.core.settings import Settings
from nichetune.decide import verdict
from nichetune.evaluate.candidates import name_seed, split_seed
from nichetune.evaluate.metrics import summarise
from nichetune.evaluate.resources import Resources

TERAFLOPS_AN_ANSWER = {
    "classical": 0, "base": 1, "fewshot": 2, "rag": 3, "qlora": 4, "qlora+rag": 5, "lora": 6, "full": 7,
}  # fmt: skip


class Desk:
    """A small run's folder: items of a `choice` task, each in the group that the test gives it."""

    def __init__(self, folder: Path, groups: Sequence[str], **benchmark: Any) -> None:
        self.folder = folder
        self.settings = Settings.model_validate(
            {
                "project": "desk",
                "sources": [],
                "tasks": {"ask": {"kind": "choice", "values": ["yes", "no"], "abstain": {"answer": "unsure"}}},
                "benchmark": {"bootstrap": 2000} | benchmark,
            }
        )
        self.items = [self._item(n, group) for n, group in enumerate(groups)]
        self.seal()

    def seal(self) -> None:
        """Writes the benchmark of these items."""
        folder = self.folder
        sealed = seal_benchmark(self.settings, self.items, [])
        self.digest = sealed.digest
        write_jsonl(folder / "benchmark" / "items.jsonl", self.items)
        write_json(folder / "benchmark" / "boilerplate.json", [])
        header = sealed.model_dump(mode="json", exclude={"items", "boilerplate", "suite_items"})
        write_json(folder / "benchmark" / "benchmark.json", header)
        self.inputs = {"benchmark": folder / "benchmark"}

    def _item(self, n: int, group: str) -> Example:
        turn = Message(role="user", content=f"question {n}")
        return Example(
            id=f"q{n:03}", group=group, task="ask", messages=[turn], expected=Expected(answer="yes"),
            source=Source(file="f"),
        )  # fmt: skip

    def score(
        self, rung: str, exact: Sequence[float], name: str = "", digest: str = "", train_flops: float = 0, **more: Any
    ) -> Path:
        """Writes evaluate/<rung>; `more` holds further metrics by name (None: it does not apply to that item), and
        `candidate` fields. A rung may be named with its seed, `qlora@seed-2`."""
        stage, rung = rung, split_seed(rung)[0]
        candidate = Candidate(rung=rung, tasks=self.settings.tasks, **more.pop("candidate", {"adapter_digest": rung}))
        columns = {"exact": exact, **more}
        scores = [
            ItemScore(
                item=i.id,
                group=i.group,
                task="ask",
                scores={m: float(c[n]) for m, c in columns.items() if c[n] is not None},
            )
            for n, i in enumerate(self.items[: len(exact)])
        ]
        folder = self.folder / "evaluate" / (name or stage)
        flops = TERAFLOPS_AN_ANSWER[rung] * 1e12 * len(scores)
        write_json(folder / "candidate.json", candidate)
        write_jsonl(folder / "scores.jsonl", scores)
        write_json(folder / "metrics.json", summarise(self.items[: len(exact)], scores, self.settings.tasks))
        write_json(folder / "resources.json", Resources(items=len(scores), serve_flops=flops, train_flops=train_flops))
        write_json(folder / "manifest.json", {"facts": {"benchmark_digest": digest or self.digest}})
        if not name:
            self.inputs[f"evaluate/{stage}"] = folder
        return folder

    def score_seeds(self, rung: str, *by_seed: Sequence[float], **more: Any) -> None:
        """Writes a rung's evaluation for each of its seeds."""
        for seed, exact in enumerate(by_seed, start=1):
            self.score(name_seed(rung, seed), exact, **more)

    def price(self, **economics: Any) -> None:
        """Changes what things cost and what answers are worth."""
        prices = self.settings.economics.model_copy(update=economics)
        self.settings = self.settings.model_copy(update={"economics": prices})

    def decide(self, previous: Path | None = None) -> dict[str, Any]:
        """Runs the stage and returns verdict.json."""
        from nichetune.core.files import read_json

        out = self.folder / "decide"
        extra = {"previous": previous} if previous else {}
        verdict.run(self.settings, self.inputs | extra, out)
        return dict(read_json(out / "verdict.json"))


@pytest.fixture
def make_desk(tmp_path: Path):
    """`make_desk(groups, margin=…)`: a sealed benchmark whose items have these groups."""
    return lambda groups, **benchmark: Desk(tmp_path, [str(group) for group in groups], **benchmark)
