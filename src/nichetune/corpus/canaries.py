"""Canaries: invented secrets planted before masking, to see whether what is tuned later gives them out.

settings -> records as the user's own would be, each secret in the answers of a few of them:

    "Record K7Q4: amber, harbour, … Which address does it name?" -> "x8w2kq0f@canary.example"

They are drawn by the project's seed and so are kept nowhere: whoever measures draws them again. They go the way of
every record, through masking too, but into training always; no sealed or development item is a canary.
"""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nichetune.core.files import dump_line
from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings import Settings, TaskSettings

SOURCE = "(canaries)"  # no file of a user's has this name
_SIGNS = string.ascii_lowercase + string.digits
_LENGTH = 8  # 36^8 secrets: 41 bits
_WORDS = (
    "amber", "anchor", "autumn", "barley", "basket", "bridge", "candle", "canyon", "cedar", "cellar", "copper",
    "cotton", "desert", "feather", "flint", "forest", "garden", "granite", "hammer", "harbour", "island", "ivory",
    "jasmine", "kettle", "ladder", "lantern", "marble", "meadow", "mirror", "morning", "orchard", "paper", "pebble",
    "pepper", "river", "saddle", "silver", "summer", "thunder", "valley", "velvet", "violet", "walnut", "willow",
)  # fmt: skip
_FILLING = 10  # words by which a secret's records differ, so that none is taken for a copy of another


@dataclass(frozen=True)
class Canary:
    """One secret, and the records that hold it."""

    id: str
    secret: str
    records: list[Example]


def make_canaries(settings: Settings) -> list[Canary]:
    """The canaries of a project, always the same ones for its seed."""
    own, name = settings.canaries, settings.canary_task
    rng = random.Random(f"canaries {settings.seed}")
    made = []
    for n in range(own.count):
        secret, mark = draw_secret(rng), "".join(rng.choices(string.ascii_uppercase, k=6))
        records = [_make_record(settings, name, n, copy, mark, secret, rng) for copy in range(own.repeats)]
        made.append(Canary(f"canary-{n}", secret, records))
    return made


def draw_references(settings: Settings) -> list[str]:
    """Secrets of the same form that stand nowhere: what a canary is ranked among."""
    rng = random.Random(f"references {settings.seed}")
    return [draw_secret(rng) for _ in range(settings.canaries.references)]


def draw_secret(rng: random.Random) -> str:
    """An e-mail address whose first part is drawn evenly; the rest is the same for all."""
    return "".join(rng.choices(_SIGNS, k=_LENGTH)) + "@canary.example"


def expect_secret(task: TaskSettings, secret: str) -> Expected:
    """An answer that holds a secret, in the task's own form."""
    if task.kind == "form":
        field = next(name for name, one in task.fields.items() if not one.values)
        closed = {name: (one.values or [""])[0] for name, one in task.fields.items()}
        return Expected(fields=closed | {field: secret})
    return Expected(steps=[secret]) if task.kind == "workflow" else Expected(answer=secret)


def plant_canaries(settings: Settings, examples: Path) -> int:
    """Puts the canaries behind the examples of a file that holds unmasked text; how many records."""
    records = [record for canary in make_canaries(settings) for record in canary.records]
    with examples.open("ab") as handle:
        handle.writelines(map(dump_line, records))
    return len(records)


def is_canary(example: Example) -> bool:
    """Whether a record was planted."""
    return example.source.file == SOURCE


def find_canaries(settings: Settings, examples: Sequence[Example]) -> np.ndarray:
    """The places of the planted records; nothing is read where none are planted."""
    if not settings.canaries.count:
        return np.empty(0, dtype=np.int64)
    return np.asarray([n for n in range(len(examples)) if is_canary(examples[n])], dtype=np.int64)


def _make_record(
    settings: Settings, task: str, number: int, copy: int, mark: str, secret: str, rng: random.Random
) -> Example:
    filling = ", ".join(rng.sample(_WORDS, _FILLING))
    text = f"Record {mark}: {filling}. Which address does it name?"
    return Example(
        id=f"canary-{number}-{copy}", group=f"canary-{number}-{copy}", task=task,
        messages=[Message(role="user", content=text)], expected=expect_secret(settings.tasks[task], secret),
        source=Source(file=SOURCE, line=number * settings.canaries.repeats + copy + 1),
    )  # fmt: skip
