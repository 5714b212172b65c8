"""What cleaning decides by, a few numbers a record: texts are read again only where two are compared.

examples -> Traits, some 60 bytes a record

Texts are told apart by their digests (digests.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nichetune.core.records import Example
from nichetune.core.settings import QualitySettings
from nichetune.corpus.answers import answer_key
from nichetune.corpus.dataplane import write_parts
from nichetune.corpus.digests import digest
from nichetune.corpus.normal import loosen_normal, normalise_text
from nichetune.corpus.quality import find_flaw

_NUMBERS = ("inputs", "answers", "texts", "groups", "words", "letters")
_NAMES = ("flaws", "tasks", "files", "dates")


@dataclass(frozen=True)
class Traits:
    """One row a record. [records] each

    Attributes:
        inputs: digest of tenant, task and normal text: what makes two inputs the same.
        answers: digest of tenant, task and answer: what makes one stand for another.
        texts: digest of the text in which numbers are alike.
        groups: digest of the group's name.
        words: of the normal text.
        letters: of the text as it stands.
        flaws: places in `names["flaws"]`; 0 is no flaw. `tasks`, `files` and `dates` likewise, in order of the names.
    """

    inputs: np.ndarray
    answers: np.ndarray
    texts: np.ndarray
    groups: np.ndarray
    words: np.ndarray
    letters: np.ndarray
    flaws: np.ndarray
    tasks: np.ndarray
    files: np.ndarray
    dates: np.ndarray
    names: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Reader:
    """Reads the traits of some examples; travels to the workers."""

    examples: Sequence[Example]
    quality: QualitySettings

    def __call__(self, first: int, places: np.ndarray) -> pa.Table:
        rows = [self._read(self.examples[n]) for n in places.tolist()]
        return build_columns(rows, _NUMBERS, _NAMES, [pa.uint64()] * 4 + [pa.int32()] * 2)

    def _read(self, one: Example) -> tuple[int | str, ...]:
        normal = normalise_text(one.prompt)
        return (
            digest(one.tenant, one.task, normal), digest(one.tenant, one.task, answer_key(one)),
            digest(loosen_normal(normal)), digest(one.group), normal.count(" ") + 1, len(one.prompt),
            find_flaw(one.prompt, self.quality, normal), one.task, one.source.file, one.valid_from or "",
        )  # fmt: skip


def read_traits(examples: Sequence[Example], quality: QualitySettings, folder: Path) -> Traits:
    """Reads the traits of all examples, part by part."""
    files = write_parts("reading", Reader(examples, quality), np.arange(len(examples)), folder)
    numbers, names = load_columns(files, _NUMBERS, _NAMES)
    return Traits(**numbers, names=names)


def build_columns(
    rows: Sequence[tuple[int | str, ...]], numbers: Sequence[str], names: Sequence[str], kinds: Sequence[pa.DataType]
) -> pa.Table:
    """A part's rows as columns; `kinds` are those of the numbers, names are texts."""
    fields = [*zip(numbers, kinds, strict=True), *((name, pa.string()) for name in names)]
    columns = zip(*rows, strict=True) if rows else [()] * len(fields)
    return pa.table([pa.array(c, kind) for c, (_, kind) in zip(columns, fields, strict=True)], pa.schema(fields))


def load_columns(
    files: Sequence[Path], numbers: Sequence[str], names: Sequence[str]
) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """Columns of parts: numbers as they are; names as places in the sorted list of all of them, the empty one first."""
    columns: dict[str, np.ndarray] = {}
    lists: dict[str, list[str]] = {}
    for name in numbers:
        columns[name] = np.concatenate([_load(file, name).to_numpy() for file in files] or [np.empty(0, np.uint64)])
    for name in names:
        columns[name], lists[name] = _number([_load(file, name) for file in files])
    return columns, lists


def _load(file: Path, name: str) -> pa.ChunkedArray:
    return pq.read_table(file, columns=[name])[name]


def _number(parts: list[pa.ChunkedArray]) -> tuple[np.ndarray, list[str]]:
    """Places of the texts in the list of all different ones, which is sorted and begins with the empty one."""
    coded = [part.combine_chunks().dictionary_encode() for part in parts]
    names = sorted({"", *(text for one in coded for text in one.dictionary.to_pylist())})
    places = {name: n for n, name in enumerate(names)}
    numbers = [
        np.array([places[text] for text in one.dictionary.to_pylist()], dtype=np.int32)[one.indices.to_numpy()]
        for one in coded
    ]
    return np.concatenate(numbers or [np.empty(0, np.int32)]), names
