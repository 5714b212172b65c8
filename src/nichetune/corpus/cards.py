"""What the split decides and tells by, a few numbers a record.

examples -> Cards, some 45 bytes a record
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from nichetune.core.files import canonical_json
from nichetune.core.records import Example
from nichetune.core.settings import SplitSettings, TaskSettings
from nichetune.core.stages import name_digest
from nichetune.corpus.answers import answer_key
from nichetune.corpus.dataplane import write_parts
from nichetune.corpus.normal import normalise_text
from nichetune.corpus.traits import build_columns, load_columns

_NUMBERS = ("groups", "draws", "words", "abstain")
_NAMES = ("tasks", "strata", "dates", "choices")


@dataclass(frozen=True)
class Cards:
    """One row a record. [records] each

    Attributes:
        groups: the first 64 bits of the group's salted digest: which group it is, and its place in the draw.
        draws: the same of the id.
        words: of the normal text.
        abstain: whether abstaining is right.
        tasks, strata, dates, choices: places in `names`; choices are answers of closed lists, as JSON.
    """

    groups: np.ndarray
    draws: np.ndarray
    words: np.ndarray
    abstain: np.ndarray
    tasks: np.ndarray
    strata: np.ndarray
    dates: np.ndarray
    choices: np.ndarray
    names: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.groups)

    def count_groups(self, places: np.ndarray) -> int:
        """How many groups some examples have."""
        return len(np.unique(self.groups[places]))


@dataclass(frozen=True)
class CardReader:
    """Reads the cards of some examples; travels to the workers."""

    examples: Sequence[Example]
    rules: SplitSettings
    tasks: Mapping[str, TaskSettings]

    def __call__(self, first: int, places: np.ndarray) -> pa.Table:
        rows = [self._read(self.examples[n]) for n in places.tolist()]
        return build_columns(rows, _NUMBERS, _NAMES, [pa.uint64(), pa.uint64(), pa.int32(), pa.uint8()])

    def _read(self, one: Example) -> tuple[int | str, ...]:
        salt = self.rules.salt
        return (
            _draw(salt, one.group), _draw(salt, one.id), len(normalise_text(one.prompt).split()),
            int(one.expected.abstain), one.task, name_stratum(one, self.rules), one.valid_from or "",
            canonical_json(_list_choices(one, self.tasks.get(one.task))),
        )  # fmt: skip


def read_cards(
    examples: Sequence[Example], rules: SplitSettings, tasks: Mapping[str, TaskSettings], folder: Path | None = None
) -> Cards:
    """Reads the cards of all examples, part by part.

    Args:
        folder: for what is done so far; by default nothing is kept.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return read_cards(examples, rules, tasks, Path(temporary))
    files = write_parts("reading", CardReader(examples, rules, tasks), np.arange(len(examples)), folder)
    numbers, names = load_columns(files, _NUMBERS, _NAMES)
    return Cards(**numbers, names=names)


def _draw(salt: str, name: str) -> int:
    """A salted place in a draw."""
    return int(name_digest(salt, name)[:16], 16)


def name_stratum(one: Example, rules: SplitSettings) -> str:
    """Within what the shares of the split are met."""
    if rules.stratify == "label":
        return name_digest(one.task, answer_key(one))
    return one.task if rules.stratify == "task" else name_digest(one.task, one.document_class)


def _list_choices(one: Example, task: TaskSettings | None) -> dict[str, str]:
    """Answers of closed lists: whatever else is written is somebody's text."""
    if task is None:
        return {}
    if task.kind == "choice":
        return {} if one.expected.abstain else {"answer": one.expected.answer or ""}
    closed = [name for name, field in task.fields.items() if field.values]
    return {name: (one.expected.fields or {}).get(name, "") for name in closed}
