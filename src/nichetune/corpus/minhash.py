"""Proposes near-duplicate texts by MinHash and LSH: signatures, bands, and the pairs of a band.

shingles of texts -> band keys -> pairs

A signature of k minimum hashes over a text's shingles is cut into bands of r = k / bands rows; two texts that agree in
a whole band are candidates. P(candidate | s) = 1 - (1 - s^r)^bands (Leskovec, Rajaraman, Ullman: Mining of Massive
Datasets, section 3.4.2), so with 128 hashes in 32 bands of 4:

    s      0.3    0.5    0.6    0.7    0.8     0.9
    P      0.23   0.87   0.99   0.999  >0.9999 1.0

Whether a candidate is a pair its true similarity says: candidates.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nichetune.core.settings import DedupeSettings
from nichetune.corpus.digests import mix
from nichetune.corpus.words import Ragged, cut_blocks

# Within a bucket all pairs are compared up to this size. In a larger one each text is compared with the first ones
# and with those just before it: k near copies are joined by a few links each as well as by k^2 / 2.
_ALL_PAIRS = 64


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


def cut_into_bands(shingles: Ragged, settings: DedupeSettings, seed: int) -> np.ndarray:
    """A 32-bit hash of each band of the signatures of texts; 0 where a text has no shingle. [bands, texts]"""
    height = settings.permutations // settings.bands
    bands = np.zeros((settings.bands, len(shingles)), dtype=np.uint32)
    hashes = np.random.default_rng(seed).integers(0, 1 << 32, (settings.bands, height, 2), dtype=np.uint32)
    hashes[:, :, 0] |= 1  # odd, so that no two numbers fall together
    some = np.flatnonzero(shingles.sizes)
    full = Ragged(shingles.values, np.append(shingles.starts[some], shingles.starts[-1]))
    for start, stop in cut_blocks(full.starts):
        bands[:, some[start:stop]] = _sign(full.slice(start, stop), hashes)
    return bands


def _sign(block: Ragged, hashes: np.ndarray) -> np.ndarray:
    """Band hashes of texts that all have shingles; two that collide cost a comparison. [bands, texts]"""
    values = block.values.astype(np.uint32)  # the lower half of a hash is a hash
    hashed = np.empty_like(values)
    keys = np.zeros((len(hashes), len(block)), dtype=np.uint64)
    for band, rows in enumerate(hashes):
        for factor, addend in rows:
            np.multiply(values, factor, out=hashed)
            hashed += addend
            keys[band] = mix(keys[band] + np.minimum.reduceat(hashed, block.starts[:-1]))
    return (keys >> np.uint64(32)).astype(np.uint32)


def pair_up(rows: np.ndarray, keys: np.ndarray, sizes: np.ndarray, threshold: float) -> np.ndarray:
    """Pairs of texts with one key, each with the smaller row first. [pairs, 2]

    Args:
        rows: numbers of the texts, in any order.
        keys: beside the rows: of one band, or shingles.
        sizes: numbers of shingles. J <= smaller / larger: most false candidates end here.
    """
    order = np.lexsort((rows, keys))
    rows, keys, sizes = rows[order], keys[order], sizes[order]
    starts = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
    stops = np.append(starts, len(keys))[1:]
    long = stops - starts > _ALL_PAIRS
    found = [np.empty((0, 2), dtype=np.int64)]
    stop, is_long = np.repeat(stops, stops - starts), np.repeat(long, stops - starts)

    def note(a: np.ndarray, b: np.ndarray) -> None:
        fits = np.minimum(sizes[a], sizes[b]) >= threshold * np.maximum(sizes[a], sizes[b])
        found.append(np.stack([rows[a[fits]], rows[b[fits]]], axis=1))

    at = np.arange(len(rows))
    for apart in range(1, _ALL_PAIRS):
        at = at[at + apart < stop[at]]
        if apart > _ALL_PAIRS // 2:
            at = at[~is_long[at]]
        note(at, at + apart)
    for start, end in zip(starts[long].tolist(), stops[long].tolist(), strict=True):
        for first in range(start, start + _ALL_PAIRS // 2):
            far = np.arange(first + _ALL_PAIRS // 2 + 1, end)
            note(np.full_like(far, first), far)
    return np.concatenate(found)
