"""Finds near-duplicate texts: those that fit into memory here, more of them part by part, with the same result.

texts -> pairs (a, b, similarity), a < b

    Pair(a=3, b=17, similarity=0.91)

Texts are cut into shingles, pairs are proposed, and every pair is verified: below the threshold it is thrown out, so
there are no false ones. Here, all pairs at the threshold are proposed (prefixes.py): of one part of texts, and of
however many where their shingles are in memory anyway. Of more texts nobody sees all shingles at once: MinHash
proposes, and finds 9,999 pairs of 10,000 or more (shuffles.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nichetune.core.settings import DedupeSettings
from nichetune.corpus.minhash import Pair
from nichetune.corpus.prefixes import propose_pairs
from nichetune.corpus.shingles import SHINGLE_BITS
from nichetune.corpus.subjects import Corpus
from nichetune.corpus.templates import Templates
from nichetune.corpus.words import Ragged, join_rows

READ_AT_ONCE = 2_000  # texts or pairs: some 10 KB a text are in memory
# Pairs that are compared at once: their number stands beside a shingle in 64 bits.
_MOST_PAIRS, _PAIR_VALUES = 1 << 10, 1 << 18


@dataclass(frozen=True)
class Found:
    """Verified pairs, and the rows of texts that hold no shingle of their own."""

    pairs: list[Pair]
    bare: np.ndarray


def find_candidates(
    corpus: Corpus, places: np.ndarray, templates: Templates, settings: DedupeSettings, seed: int, folder: Path
) -> Found:
    """Verified pairs of the texts at `places`; `a` and `b` are rows: places in `places`.

    Args:
        corpus: all texts; travels to the workers.
        templates: shingles by which no text is found. A similarity is the smaller of that without and with them.
        folder: for what is done so far; a second call with the same arguments goes on with it.
    """
    if not corpus.at_hand:  # the engine takes 60 MiB to load
        from nichetune.corpus import dataplane, shuffles

        if len(places) > dataplane.PART:
            return shuffles.shuffle_pairs(corpus, places, templates, settings, seed, folder)
    return _find_here(corpus, places, templates, settings)


def _find_here(corpus: Corpus, places: np.ndarray, templates: Templates, settings: DedupeSettings) -> Found:
    starts = range(0, len(places), READ_AT_ONCE)
    run = settings.ngram_words
    telling = join_rows(templates.strip(corpus.read(places[at : at + READ_AT_ONCE], run)) for at in starts)
    pairs = propose_pairs(telling, settings.threshold)
    similarity = _measure_jaccard(telling, pairs)
    bare = np.flatnonzero(telling.sizes == 0)
    if templates:
        good = np.flatnonzero(similarity >= settings.threshold)
        for at in range(0, len(good), READ_AT_ONCE):
            some = good[at : at + READ_AT_ONCE]
            similarity[some] = compare_pairs(corpus, places, templates, run, pairs[some])
    return Found(keep_good(pairs, similarity, settings.threshold), bare)


def compare_pairs(corpus: Corpus, places: np.ndarray, templates: Templates, run: int, pairs: np.ndarray) -> np.ndarray:
    """Jaccard similarity of pairs of rows, whose texts are read: without templates or with them, whichever is smaller.

    [pairs, 2] -> [pairs]
    """
    rows, ends = np.unique(pairs, return_inverse=True)
    read = corpus.read(places[rows], run)
    telling = templates.strip(read)
    similarity = _measure_jaccard(telling, ends.reshape(-1, 2))
    if telling is read.shingles:
        return similarity
    return np.minimum(similarity, _measure_jaccard(read.shingles, ends.reshape(-1, 2)))


def keep_good(pairs: np.ndarray, similarity: np.ndarray, threshold: float) -> list[Pair]:
    """The pairs at or above the threshold."""
    good = similarity >= threshold
    rows = zip(pairs[good].tolist(), similarity[good].tolist(), strict=True)
    return [Pair(a, b, value) for (a, b), value in rows]


def _measure_jaccard(shingles: Ragged, pairs: np.ndarray) -> np.ndarray:
    """Size of the intersection over size of the union; 0 where both are empty. [pairs, 2] -> [pairs]"""
    both = shingles.sizes[pairs].sum(axis=1)
    ends = np.cumsum(both)
    shared = np.zeros(len(pairs), dtype=np.int64)
    start = 0
    while start < len(pairs):
        fit = int(np.searchsorted(ends, ends[start] - both[start] + _PAIR_VALUES, side="right"))
        stop = max(start + 1, min(fit, start + _MOST_PAIRS))
        shared[start:stop] = _count_shared(shingles, pairs[start:stop])
        start = stop
    return np.divide(shared, both - shared, out=np.zeros(len(pairs)), where=both > 0)


def _count_shared(shingles: Ragged, pairs: np.ndarray) -> np.ndarray:
    """Shingles that both texts of a pair hold: those that come twice when both are laid together."""
    rows = shingles.take(pairs.ravel())
    pair = np.repeat(np.arange(len(pairs), dtype=np.uint64), rows.sizes.reshape(-1, 2).sum(axis=1))
    laid = pair << np.uint64(SHINGLE_BITS) | rows.values
    laid.sort()
    twice = laid[1:][laid[1:] == laid[:-1]]
    return np.bincount((twice >> np.uint64(SHINGLE_BITS)).astype(np.intp), minlength=len(pairs))
