"""Proposes near-duplicate texts whose shingles are in memory: every pair at the threshold, and few others.

shingles of texts -> pairs

Two texts with Jaccard similarity t or above share t of the shingles of either. So in whatever order all shingles are
taken, each text's first n - ceil(t n) + 1 of n must hold a shared one (Chaudhuri, Ganti, Kaushik: A Primitive Operator
for Similarity Joins in Data Cleaning, 2006). With the rarest first hardly any other text has one of them: of letters
from one template, nothing but their own words is looked at.
"""

from __future__ import annotations

import numpy as np

from nichetune.corpus.minhash import pair_up
from nichetune.corpus.shingles import sort_rows
from nichetune.corpus.words import Ragged, cut_blocks

_KEY_BITS, _OFTEN = 40, (1 << 14) - 1  # of a shingle's hash, below how often it stands: 54 bits together
_MOST_COUNTERS = 1 << 24
_ROUNDING = 1e-9  # 0.8 * 15 is 12, whatever floating point says


def propose_pairs(shingles: Ragged, threshold: float) -> np.ndarray:
    """Pairs that may reach the threshold, each once, sorted, the smaller row first. [pairs, 2]"""
    counts = _count(shingles.values)
    rows, keys = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for start, stop in cut_blocks(shingles.starts):
        block = _cut_prefixes(shingles.slice(start, stop), counts, threshold)
        rows.append(np.repeat(np.arange(start, stop), block.sizes))
        keys.append(block.values)
    row = np.concatenate(rows)
    pairs = pair_up(row, np.concatenate(keys), shingles.sizes[row], threshold)
    numbers = np.unique(pairs[:, 0] * len(shingles) + pairs[:, 1])
    return np.stack(np.divmod(numbers, max(1, len(shingles))), axis=1)


def _count(values: np.ndarray) -> np.ndarray:
    """How often shingles stand in all texts, by their last bits: at least, since a few share a counter."""
    counts = np.zeros(min(_MOST_COUNTERS, 1 << len(values).bit_length()), dtype=np.uint32)
    for start in range(0, len(values), 1 << 18):
        np.add.at(counts, _place(values[start : start + (1 << 18)], counts), np.uint32(1))
    return counts


def _place(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return (values & np.uint64(len(counts) - 1)).astype(np.intp)


def _cut_prefixes(block: Ragged, counts: np.ndarray, threshold: float) -> Ragged:
    """Each text's rarest shingles, as many as it takes, but for those that no other text has."""
    often = counts[_place(block.values, counts)]
    left = block.sizes - np.ceil(threshold * block.sizes - _ROUNDING).astype(np.int64) + 1
    shared = often > 1
    left -= block.sizes - block.keep(shared).sizes  # the others are the rarest: they come first
    shared &= np.repeat(left > 0, block.sizes)
    rank = np.minimum(often[shared], _OFTEN).astype(np.uint64) << np.uint64(_KEY_BITS)
    rest = block.keep(shared)
    ranked = sort_rows(Ragged(rank | rest.values & np.uint64((1 << _KEY_BITS) - 1), rest.starts))
    return ranked.keep(ranked.places < np.repeat(left, ranked.sizes))
