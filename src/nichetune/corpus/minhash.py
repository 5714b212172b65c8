"""Proposes near-duplicate texts by MinHash and LSH: signatures, bands, and the pairs of a band.

sets of shingles -> band keys -> pairs

A signature of k minimum hashes over a text's shingles is cut into bands of r = k / bands rows; two texts that agree in
a whole band are candidates. P(candidate | s) = 1 - (1 - s^r)^bands (Leskovec, Rajaraman, Ullman: Mining of Massive
Datasets, section 3.4.2), so with 128 hashes in 32 bands of 4:

    s      0.3    0.5    0.6    0.7    0.8     0.9
    P      0.23   0.87   0.99   0.999  >0.9999 1.0

Whether a candidate is a pair its true similarity says: candidates.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from nichetune.core.settings import DedupeSettings
from nichetune.corpus.dataplane import Series

# Within a bucket all pairs are compared up to this size. In a larger one each text is compared with the first ones
# and with those just before it: k near copies are joined by a few links each as well as by k^2 / 2.
_ALL_PAIRS = 64
# Stands for the space inside a shingle, so that Daft takes each shingle for one word; no normalised text holds it.
_JOINT = "·"
_BETWEEN = "\n"


@dataclass(frozen=True, order=True, slots=True)
class Pair:
    """Two texts that are nearly the same, by their places in the list; `equal` if all their shingles are."""

    a: int
    b: int
    similarity: float
    equal: bool = False


def detection_probability(similarity: float, settings: DedupeSettings) -> float:
    """Probability that two texts of this similarity become candidates."""
    rows = settings.permutations // settings.bands
    return 1.0 - (1.0 - similarity**rows) ** settings.bands


def cut_into_bands(texts: Sequence[frozenset[str]], settings: DedupeSettings, seed: int) -> np.ndarray:
    """A 32-bit hash of each band of the signatures of texts, which are given as their shingles. [texts, bands]"""
    height = settings.permutations // settings.bands
    # On the column itself: a query engine for it would cost 0.3 s and 50 MB, and is no faster piece by piece.
    runs = Series.from_pylist([_join(one) for one in texts])
    signed = runs.minhash(num_hashes=settings.bands * height, ngram_size=1, seed=seed)
    values = signed.to_arrow().flatten().to_numpy()
    return _hash_bands(values.reshape(len(texts), settings.bands, height))


def _join(shingles: frozenset[str]) -> str:
    """One word a shingle: first all spaces inside shingles, then those between them."""
    return _BETWEEN.join(shingles).replace(" ", _JOINT).replace(_BETWEEN, " ") or _JOINT


def _hash_bands(signatures: np.ndarray) -> np.ndarray:
    """Mixes the rows of a band into one number. [texts, bands, rows] -> [texts, bands]

    Two bands that collide by chance cost a comparison, never a false pair.
    """
    mixed = np.zeros(signatures.shape[:2], dtype=np.uint64)
    for row in range(signatures.shape[2]):
        mixed = (mixed ^ signatures[:, :, row].astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(32)).astype(np.uint32)


def pair_up(rows: np.ndarray, keys: np.ndarray, sizes: np.ndarray, threshold: float) -> np.ndarray:
    """Pairs of texts with one key in one band, each with the smaller row first. [pairs, 2]

    Args:
        rows: numbers of the texts, in any order.
        keys: of this band, beside the rows.
        sizes: numbers of shingles. J <= smaller / larger: most false candidates end here.
    """
    order = np.lexsort((rows, keys))
    rows, keys, sizes = rows[order], keys[order], sizes[order]
    pairs = [pair for bucket in _find_buckets(keys) for pair in _pairs_of(bucket)]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    one, other = sizes[found[:, 0]], sizes[found[:, 1]]
    fits = np.minimum(one, other) >= threshold * np.maximum(one, other)
    paired: np.ndarray = rows[found[fits]]
    return paired


def _find_buckets(keys: np.ndarray) -> Iterator[range]:
    """Places with the same key, where there are two or more; keys are sorted."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(keys)) + 1])
    stops = np.concatenate([starts[1:], [len(keys)]])
    for at in np.flatnonzero(stops - starts > 1).tolist():
        yield range(int(starts[at]), int(stops[at]))


def _pairs_of(bucket: range) -> Iterable[tuple[int, int]]:
    if len(bucket) <= _ALL_PAIRS:
        return combinations(bucket, 2)
    half = _ALL_PAIRS // 2
    return (
        (bucket[other], bucket[n])
        for n in range(1, len(bucket))
        for other in {*range(min(half, n)), *range(max(0, n - half), n)}
    )
