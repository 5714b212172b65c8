"""Texts as numbers: every word of many texts is hashed at once.

texts -> for each the hashes of its words

    hash_words([b"room  od", b"od"])  ->  Ragged(values=[5107…, 1180…, 1180…], starts=[0, 2, 3])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nichetune.corpus.digests import mix

# Rows that are worked on at once: few enough for a processor's cache.
BLOCK_ROWS, _BLOCK_VALUES = 1 << 10, 1 << 18
_BLANK = 32  # and below: what stands between words
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)  # of words up to eight bytes
FACTOR = np.uint64(0xD1342543DE82EF95)


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

    @property
    def places(self) -> np.ndarray:
        """Each value's place in its row. [values]"""
        return np.arange(self.starts[-1]) - np.repeat(self.starts[:-1], self.sizes)

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


def hash_words(texts: Sequence[bytes]) -> Ragged:
    """A hash of each word of normal texts in UTF-8, in order. Words up to eight bytes never share one."""
    joined = b"\n%b\n%b" % (b"\n".join(texts), bytes(8))
    is_solid = np.frombuffer(joined, dtype=np.uint8) > _BLANK
    edges = np.flatnonzero(is_solid[1:] != is_solid[:-1]) + 1
    starts, left = edges[::2], edges[1::2] - edges[::2]
    eight = np.ndarray((len(joined) - 7,), "<u8", joined, strides=(1,))  # the eight bytes from any place on
    hashed = mix(eight[starts] & _MASKS[np.minimum(left, 8)])
    long, at = np.flatnonzero(left > 8), 8
    while len(long):
        more = eight[starts[long] + at] & _MASKS[np.minimum(left[long] - at, 8)]
        hashed[long] = mix(hashed[long] * FACTOR + more)
        at += 8
        long = long[left[long] > at]
    ends = np.cumsum([len(text) + 1 for text in texts], dtype=np.int64)
    return Ragged(hashed, np.concatenate([[0], np.searchsorted(starts, ends)]))


def digest_rows(words: Ragged) -> np.ndarray:
    """A digest of each text by its words in their order. [texts]"""
    placed = words.values + words.places.astype(np.uint64) * FACTOR
    sums = np.zeros(len(placed) + 1, dtype=np.uint64)
    np.cumsum(mix(placed), out=sums[1:])
    return sums[words.starts[1:]] - sums[words.starts[:-1]]


def cut_blocks(starts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Some rows at a time, at least one."""
    row = 0
    while row < len(starts) - 1:
        most = int(np.searchsorted(starts, starts[row] + _BLOCK_VALUES, side="right")) - 1
        stop = min(len(starts) - 1, row + BLOCK_ROWS, max(row + 1, most))
        yield row, stop
        row = stop
