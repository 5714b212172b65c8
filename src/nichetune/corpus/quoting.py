"""Finds a document by its id, and what was masked in it, with no document in memory.

    quotable = Quotable(documents, replaced, IdIndex(path))
    quotable.find("H52.4") -> Quoted(original="…", masked=Masked(…))

On disk stand the digests of all ids in order, each with its document's place (16 bytes a document, which the system
reads as needed), and what was replaced in each document.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nichetune.core.records import Document, Record
from nichetune.corpus.lines import RecordFile
from nichetune.corpus.masker import Entity, Masked
from nichetune.corpus.traits import digest


class Replaced(Record):
    """What was replaced in one document's text: start, end, type and replacement of each stretch."""

    spans: list[tuple[int, int, str, str]]


@dataclass(frozen=True)
class Quoted:
    """A document's text as it was, and as it is masked."""

    original: str
    masked: Masked


class IdIndex:
    """Places of ids, in a file; travels to other processes as its path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open()

    def _open(self) -> None:
        self._rows: np.ndarray = np.load(self.path, mmap_mode="r")  # [2, ids]: digests in order, places

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._open()

    def find(self, name: str) -> Iterator[int]:
        """Places whose id may be this one, the last first: ids with one digest are rare, but need not be one id."""
        wanted = np.uint64(digest(name))
        first, last = (int(np.searchsorted(self._rows[0], wanted, side=side)) for side in ("left", "right"))
        return (int(place) for place in self._rows[1, first:last][::-1])


def write_index(digests: np.ndarray, path: Path) -> IdIndex:
    """Writes the places of some ids' digests, whole or not at all."""
    order = np.argsort(digests, kind="stable")
    unfinished = path.with_name(f".{path.name}")
    np.save(unfinished, np.stack([digests[order], order.astype(np.uint64)]))
    os.replace(unfinished, path)
    return IdIndex(path)


@dataclass(frozen=True)
class Quotable:
    """Documents that answers may quote, and what was replaced in each, place by place."""

    documents: RecordFile[Document]
    replaced: RecordFile[Replaced]
    index: IdIndex

    def find(self, name: str) -> Quoted | None:
        """The document of an id; None if there is none."""
        for place in self.index.find(name):
            document = self.documents[place]
            if document.id == name:
                entities = [Entity(*span) for span in self.replaced[place].spans]
                return Quoted(document.text, Masked.of(document.text, entities))
        return None
