"""What the tests of the gateway share: a small desk's settings, and versions trained on a dozen notes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import openai

from nichetune.core.files import hash_folder, hash_value, write_json, write_jsonl
from nichetune.core.records import Candidate, Example, Expected, Message, Source
from nichetune.core.settings import FieldSettings, Settings, SourceSettings, TaskSettings
from nichetune.registry.registry import Registry
from nichetune.registry.version import VersionInfo
from nichetune.train import classical

TRIAGE = TaskSettings(
    kind="form", fields={"side": FieldSettings(values=["right", "left"]), "finding": FieldSettings()}, max_new_tokens=24
)  # fmt: skip
CAPITAL = TaskSettings(kind="exact", prompt="Answer the question in one word.", max_new_tokens=12)
STORY = TaskSettings(kind="free", prompt="Tell a long story.", max_new_tokens=400)
SETTINGS = Settings(project="desk", sources=[SourceSettings(path="notes.csv", task="triage")], tasks={"triage": TRIAGE})
SOURCE = Source(file="notes.csv")
RIGHT, LEFT = "Pterygium of the right eye, seen today.", "Pterygium of the left eye, seen today."


@dataclass(frozen=True)
class Served:
    """A server that runs, and the registry that it serves."""

    url: str
    registry: Registry
    first: VersionInfo
    second: VersionInfo
    base: VersionInfo

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=60)


def make_note(number: int, side: str) -> Example:
    finding = ("Pterygium", "Arcus senilis", "Chalazion")[number % 3]
    return Example(
        id=f"note-{number}", group=f"g{number}", task="triage", source=Source(file="notes.csv", line=number + 1),
        messages=[Message(role="user", content=f"{finding} of the {side} eye, seen today.")],
        expected=Expected(fields={"side": side, "finding": finding}),
    )  # fmt: skip


def train_classical(work: Path, notes: list[Example]) -> Path:
    """Trains on the notes; returns the model's folder."""
    write_jsonl(work / "split" / "train.jsonl", notes)
    write_jsonl(work / "split" / "dev.jsonl", notes[:2])
    (work / "train" / "classical").mkdir(parents=True)
    classical.run(SETTINGS, {"split": work / "split"}, work / "train" / "classical")
    return work / "train" / "classical" / "model"


def register(
    registry: Registry, work: Path, candidate: Candidate, model: Path | None, index: Path | None = None
) -> VersionInfo:
    """Registers a candidate as the last stage of a run does, with evidence that is beside the point here."""
    write_json(work / "evaluate" / "metrics.json", {})
    write_json(work / "verdict.json", {"ship": candidate.rung, "benchmark_digest": "b1", "reasons": []})
    return registry.register(candidate, model, work / "evaluate", work / "verdict.json", index)


def register_classical(registry: Registry, work: Path, notes: list[Example]) -> VersionInfo:
    model = train_classical(work, notes)
    digest = hash_value(hash_folder(model))
    tasks = {"triage": TRIAGE}
    return register(
        registry, work, Candidate(rung="classical", adapter="model", adapter_digest=digest, tasks=tasks), model
    )
