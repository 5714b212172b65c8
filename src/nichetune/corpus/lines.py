"""Reads single records of a JSON Lines file by their place, so that no corpus need be in memory.

file -> a sequence of its records, each read when it is asked for

    examples = RecordFile(path, index, Example)
    examples[70_001].prompt

Where lines start is kept beside it in a file of numbers, eight bytes a record, which the system reads as needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar, overload

import numpy as np
from pydantic import BaseModel

from nichetune.core.errors import UserError

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
_BLOCK = 1 << 24
_NEWLINE = 10


class RecordFile(Sequence[M]):
    """The records of a JSON Lines file that nichetune itself wrote; travels to other processes as two paths.

    Raises:
        UserError: the file is missing.
    """

    def __init__(self, path: Path, index: Path, model: type[M]) -> None:
        self.path, self.index_path, self.model = path, index, model
        if not index.is_file():
            index.parent.mkdir(parents=True, exist_ok=True)
            write_array(find_lines(path), index)
        self._open()

    def _open(self) -> None:
        self._starts: np.ndarray = np.load(self.index_path, mmap_mode="r")
        self._handle: BinaryIO = self.path.open("rb")

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "index_path": self.index_path, "model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._open()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def line(self, n: int) -> bytes:
        """A record as it stands in the file, with a newline."""
        start, stop = self._starts[n : n + 2].tolist()
        self._handle.seek(start)
        return self._handle.read(stop - start).rstrip(b"\n") + b"\n"

    @overload
    def __getitem__(self, n: int) -> M: ...
    @overload
    def __getitem__(self, n: slice) -> Sequence[M]: ...
    def __getitem__(self, n: int | slice) -> M | Sequence[M]:
        if isinstance(n, slice):
            return [self[one] for one in range(*n.indices(len(self)))]
        if n >= len(self):
            raise IndexError(n)
        return self.model.model_validate_json(self.line(n))


def write_array(array: np.ndarray, path: Path) -> None:
    """Writes an array to a `.npy` file, whole or not at all."""
    unfinished = path.with_name(f".{path.name}")
    np.save(unfinished, array)
    os.replace(unfinished, path)


def find_lines(path: Path) -> np.ndarray:
    """Where the lines of a file start, and its end. [records + 1]

    Raises:
        UserError: the file is missing.
    """
    if not path.is_file():
        raise UserError(f"no such file: {path}")
    ends = [np.zeros(1, dtype=np.int64)]
    at = 0
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            ends.append(np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == _NEWLINE) + at + 1)
            at += len(block)
    starts = np.concatenate(ends)
    return starts if starts[-1] == at else np.append(starts, at)


class Lazy(Sequence[T], Generic[T]):
    """What `make` makes of some places, made when it is asked for."""

    def __init__(self, places: Sequence[int] | np.ndarray, make: Callable[[int], T]) -> None:
        self._places, self._make = places, make

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, n: int) -> T: ...
    @overload
    def __getitem__(self, n: slice) -> Sequence[T]: ...
    def __getitem__(self, n: int | slice) -> T | Sequence[T]:
        if isinstance(n, slice):
            return Lazy(self._places[n], self._make)
        return self._make(int(self._places[n]))

    def __iter__(self) -> Iterator[T]:
        return (self._make(int(place)) for place in self._places)
