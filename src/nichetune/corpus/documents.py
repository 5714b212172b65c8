"""Finds a document by its id, with no document in memory.

documents.jsonl -> DocumentFile.find("H52.4") -> Found(place=17, document=Document(id="H52.4", …))

Beside the file stand the digests of all ids in order, each with its document's place: 16 bytes a document, which the
system reads as needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nichetune.core.files import iter_records
from nichetune.core.records import Document
from nichetune.corpus.digests import digest
from nichetune.corpus.lines import RecordFile, write_array


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
    write_array(np.stack([digests[order], order.astype(np.uint64)]), path)
    return IdIndex(path)


@dataclass(frozen=True)
class Found:
    """A document, and its place in the file."""

    place: int
    document: Document


@dataclass(frozen=True)
class DocumentFile:
    """The documents of a file."""

    records: RecordFile[Document]
    index: IdIndex

    def find(self, name: str) -> Found | None:
        """The document of an id; None if there is none."""
        for place in self.index.find(name):
            document = self.records[place]
            if document.id == name:
                return Found(place, document)
        return None


def open_documents(path: Path, work: Path) -> DocumentFile:
    """Reads a file's ids; what is written down of them stands in `work`."""
    ids = np.fromiter((digest(one.id) for one in iter_records(path, Document)), dtype=np.uint64)
    return DocumentFile(RecordFile(path, work / "documents.npy", Document), write_index(ids, work / "ids.npy"))
