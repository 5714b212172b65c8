"""Lets a killed ingest go on behind the last record that it had noted as read.

harvest -> a file of counts, names of files and sizes, never of text

    {"sizes": {"examples.jsonl": 71204, …}, "harvest": {"read": 5120, "done_files": 12, "part": {"records": 310, …}, …}}

What was written behind those sizes is cut off. Ids that were met are read again from the records that stay.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from nichetune.core.files import read_json, write_json
from nichetune.core.records import Document, Dropped, Example
from nichetune.corpus.harvest import FileTally, Harvest, PartCounts
from nichetune.corpus.mapping import name_place
from nichetune.corpus.private import PrivateWriter, name_unfinished

_EVERY_S = 1.0  # so that neither a million letters nor a million lines become a million of these
_NOT_KEPT = ("writers", "seen")
_KINDS: dict[str, type[Example] | type[Document]] = {"example": Example, "document": Document}


@dataclass
class Checkpoint:
    """How far an ingest has come.

    Attributes:
        path: its own file; None to keep none.
        sizes: bytes that stay of each written file.
    """

    path: Path | None
    sizes: dict[str, int] = field(default_factory=dict)
    harvest: dict[str, Any] = field(default_factory=dict)
    _last: float = field(default_factory=time.monotonic)

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was done before."""
        return not self.harvest

    def save(self, harvest: Harvest, writers: Mapping[str, PrivateWriter]) -> None:
        """Writes down now and then what is done; to be called between two records."""
        if self.path is None or time.monotonic() - self._last < _EVERY_S:
            return
        self._last = time.monotonic()
        sizes = {name: writer.flush() for name, writer in writers.items()}
        kept = {one.name: getattr(harvest, one.name) for one in fields(harvest) if one.name not in _NOT_KEPT}
        write_json(self.path, {"sizes": sizes, "harvest": kept | {"part": vars(harvest.part)}})

    def restore(self, harvest: Harvest, folder: Path) -> None:
        """Puts the counts, names and ids back that were met before."""
        for name, value in self.harvest.items():
            if name == "part":
                value = PartCounts(**value | {"aside": Counter(value["aside"])})
            elif isinstance(getattr(harvest, name), Counter):
                value = Counter(value)
            elif name == "tallies":
                value = [FileTally.model_validate(one) for one in value]
            elif name == "first_broken" and value is not None:
                value = Dropped.model_validate(value)
            setattr(harvest, name, value)
        labels = {file: label for label, file in harvest.labels.items()}
        for kind, model in _KINDS.items():
            name = f"{kind}s.jsonl"
            for one in _read_first(name_unfinished(folder / name), model, self.sizes.get(name, 0)):
                file = one.source.file
                harvest.seen.add(one.kind, one.id, name_place(labels.get(file, file), one.source))


def open_checkpoint(path: Path | None, folder: Path) -> Checkpoint:
    """What a killed ingest left behind; a fresh one if it is nothing, or not all of it."""
    if path is None or not path.is_file():
        return Checkpoint(path)
    told = read_json(path)
    for name, size in told["sizes"].items():
        unfinished = name_unfinished(folder / name)
        if (folder / name).is_file():  # it was whole, and its stage was not
            os.replace(folder / name, unfinished)
        if not unfinished.is_file() or unfinished.stat().st_size < size:
            return Checkpoint(path)
    return Checkpoint(path, told["sizes"], told["harvest"])


def _read_first(path: Path, model: type[Example] | type[Document], size: int) -> Iterator[Example | Document]:
    """The records in the first bytes of a file."""
    if size:
        with path.open("rb") as handle:
            while handle.tell() < size:
                yield model.model_validate_json(handle.readline())
