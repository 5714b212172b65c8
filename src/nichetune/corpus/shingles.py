"""Cuts texts into shingles, runs of n words: one text into texts, many texts into numbers.

text -> shingles

    "now pinguecula of the right eye"  ->  {"now pinguecula of", "pinguecula of the", "of the right", "the right eye"}

As a number a shingle is 54 bits of a hash. Two different ones among the 200 of a pair of texts share them with a chance
of one in a million million.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nichetune.corpus.digests import mix
from nichetune.corpus.words import FACTOR, Ragged, cut_blocks, join_rows, start_rows

SHINGLE_BITS = 54  # beside ten for the place in a block


def shingle(text: str, words: int) -> frozenset[str]:
    """The runs of `words` words in a text."""
    return frozenset(list_runs(text.split(), words))


def list_runs(tokens: Sequence[str], words: int) -> Iterator[str]:
    """All runs of `words` tokens, in order, repeated ones too."""
    return map(" ".join, zip(*(tokens[at:] for at in range(words)), strict=False))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Size of the intersection over size of the union."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared) if a or b else 0.0


def cut_shingles(words: Ragged, run: int) -> Ragged:
    """The shingles of each text, sorted, each once.

    Args:
        words: hashes of the words of texts.
        run: words in a shingle.
    """
    blocks = (words.slice(*block) for block in cut_blocks(words.starts))
    return join_rows(sort_rows(_hash_runs(block, run)) for block in blocks)


def _hash_runs(block: Ragged, run: int) -> Ragged:
    """All shingles of texts, in order, repeated ones too."""
    sizes = np.maximum(block.sizes - (run - 1), 0)
    starts = start_rows(sizes)
    many = max(0, len(block.values) - (run - 1))
    hashed = block.values[:many].copy()
    for at in range(1, run):
        hashed *= FACTOR
        hashed += block.values[at : at + many]
    inside = np.repeat(block.starts[:-1] - starts[:-1], sizes) + np.arange(starts[-1])  # no run crosses into a text
    return Ragged(mix(hashed[inside]) >> np.uint64(64 - SHINGLE_BITS), starts)


def sort_rows(block: Ragged) -> Ragged:
    """Sorts the values of each row and keeps each once. At most 1,024 rows, values below 2^54."""
    rows = np.repeat(np.arange(len(block), dtype=np.uint64), block.sizes)
    keys = rows << np.uint64(SHINGLE_BITS) | block.values
    keys.sort()
    keys = keys[np.flatnonzero(np.diff(keys, prepend=~keys[:1]))]
    sizes = np.bincount((keys >> np.uint64(SHINGLE_BITS)).astype(np.intp), minlength=len(block))
    return Ragged(keys & np.uint64((1 << SHINGLE_BITS) - 1), start_rows(sizes))
