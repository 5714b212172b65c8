"""Texts as numbers: each word is folded and hashed once, however often it stands in a corpus.

texts -> Spelled: for each text the numbers of its words; for each word two hashes

    words = Words()
    words.read(["Room 12, OD.", "room 7 OD"]).spell(words).hash_rows("loose")  ->  two equal numbers

What stands between two blanks is folded by itself (normal.py gives the same for it, alone or in its text), so a corpus
is split at blanks and looked up; the rest is done on arrays. *Exact* hashes tell numbers apart, *loose* ones do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from nichetune.corpus.digests import digest_all, mix
from nichetune.corpus.normal import loosen_normal, normalise_text

_DIGIT = re.compile(r"\d")
# Rows that are worked on at once: few enough for a processor's cache.
_BLOCK_ROWS, _BLOCK_VALUES = 1 << 10, 1 << 18


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths, one after another.

    Attributes:
        values: of all rows. [values]
        starts: where each row starts in them, and their end. [rows + 1]
    """

    values: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> np.ndarray:
        """Values of each row. [rows]"""
        return np.diff(self.starts)

    def take(self, rows: np.ndarray) -> Ragged:
        """Some rows, in any order."""
        sizes = self.sizes[rows]
        starts = start_rows(sizes)
        shift = np.repeat(self.starts[rows] - starts[:-1], sizes)
        return Ragged(self.values[shift + np.arange(starts[-1])], starts)

    def keep(self, picked: np.ndarray) -> Ragged:
        """The values that are picked. [values]"""
        return Ragged(self.values[picked], start_rows(picked)[self.starts])

    def slice(self, start: int, stop: int) -> Ragged:
        """Rows that follow each other; copies nothing."""
        starts = self.starts[start : stop + 1]
        return Ragged(self.values[starts[0] : starts[-1]], starts - starts[0])


def start_rows(sizes: np.ndarray) -> np.ndarray:
    """Where rows of these sizes start, and their end. [rows] -> [rows + 1]"""
    starts = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts


def join_rows(some: Iterable[Ragged]) -> Ragged:
    """All rows of all, in order."""
    values, sizes = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for one in some:
        values.append(one.values)
        sizes.append(one.sizes)
    starts = start_rows(np.concatenate(sizes))
    joined = np.empty(starts[-1], dtype=np.uint64)
    at = starts[-1]
    while values:  # from behind, each let go once it is copied: nothing is in memory twice
        last = values.pop()
        joined[at - len(last) : at] = last
        at -= len(last)
    return Ragged(joined, starts)


@dataclass(frozen=True)
class Spelled:
    """Texts as rows of words.

    Attributes:
        words: numbers of words.
        exact, loose: hashes by a word's number; in the second all numbers count as one word. The same array where
            no word holds a number. [words]
    """

    words: Ragged
    exact: np.ndarray
    loose: np.ndarray

    def take(self, rows: np.ndarray) -> Spelled:
        """Some texts, in any order."""
        return Spelled(self.words.take(rows), self.exact, self.loose)

    def hash_rows(self, hashes: np.ndarray) -> np.ndarray:
        """A digest of each whole text by `exact` or `loose`. [texts]"""
        digests = np.zeros(len(self.words), dtype=np.uint64)
        for start, stop in cut_blocks(self.words.starts):
            block = self.words.slice(start, stop)
            places = np.arange(block.starts[-1]) - np.repeat(block.starts[:-1], block.sizes)
            placed = hashes[block.values] + places.astype(np.uint64) * np.uint64(0xD1342543DE82EF95)
            sums = np.zeros(len(placed) + 1, dtype=np.uint64)
            np.cumsum(mix(placed), out=sums[1:])
            digests[start:stop] = sums[block.starts[1:]] - sums[block.starts[:-1]]
        return digests


class Words:
    """Numbers what stands between blanks, in the order in which it comes.

    Args:
        normal: texts are normalised and loosened already: what stands between blanks is a word.
    """

    def __init__(self, normal: bool = False) -> None:
        self._normal = normal
        self._numbers = _Numbers()

    def read(self, texts: Iterable[str]) -> Ragged:
        """The numbers of what stands between the blanks of texts."""
        sizes: list[int] = []

        def split() -> Iterator[list[str]]:
            for text in texts:
                chunks = text.split()
                sizes.append(len(chunks))
                yield chunks

        found = map(self._numbers.__getitem__, chain.from_iterable(split()))
        values = np.fromiter(found, dtype=np.uint32)
        return Ragged(values, start_rows(np.array(sizes, dtype=np.int64)))

    def spell(self, chunks: Ragged) -> Spelled:
        """The words of texts that were read: most chunks are one word, some are none or several."""
        tokens = [[chunk] if self._normal else _fold(chunk) for chunk in self._numbers]
        flat = list(chain.from_iterable(tokens))
        exact = loose = digest_all(flat)
        if not self._normal and any(map(_DIGIT.search, flat)):
            loose = digest_all(map(loosen_normal, flat))
        table = Ragged(np.arange(len(flat), dtype=np.uint32), start_rows(np.array([len(one) for one in tokens], dtype=np.int64)))
        return Spelled(_spread(chunks, table), exact, loose)


def _fold(chunk: str) -> list[str]:
    """The words between two blanks."""
    if chunk.isascii() and chunk.isalpha():  # the usual case, at a tenth of the cost
        return [chunk.lower()]
    return normalise_text(chunk).split()


class _Numbers(dict[str, int]):
    def __missing__(self, chunk: str) -> int:
        self[chunk] = number = len(self)
        return number


def _spread(chunks: Ragged, table: Ragged) -> Ragged:
    """Puts a chunk's words in its place."""
    if len(table) == len(table.values) and (table.sizes == 1).all():
        return chunks
    starts = start_rows(table.sizes[chunks.values])[chunks.starts]
    blocks = (chunks.slice(*block) for block in cut_blocks(chunks.starts))
    return Ragged(np.concatenate([table.take(block.values).values for block in blocks]), starts)


def cut_blocks(starts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Some rows at a time, at least one."""
    row = 0
    while row < len(starts) - 1:
        most = int(np.searchsorted(starts, starts[row] + _BLOCK_VALUES, side="right")) - 1
        stop = min(len(starts) - 1, row + _BLOCK_ROWS, max(row + 1, most))
        yield row, stop
        row = stop
