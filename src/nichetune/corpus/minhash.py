"""Finds near-duplicate texts by MinHash and LSH, every candidate verified by its true similarity.

texts -> pairs (a, b, similarity), a < b

    Pair(a=3, b=17, similarity=0.91)

A signature of k minimum hashes over a text's shingles is cut into bands of r = k / bands rows; two texts that agree in
a whole band are candidates. P(candidate | s) = 1 - (1 - s^r)^bands (Leskovec, Rajaraman, Ullman: Mining of Massive
Datasets, section 3.4.2), so with 128 hashes in 32 bands of 4:

    s      0.3    0.5    0.6    0.7    0.8     0.9
    P      0.23   0.87   0.99   0.999  >0.9999 1.0

Candidates below the threshold are thrown out by the Jaccard similarity of their shingles: no false positives.
Texts without a shingle have no signature; neighbours.py looks after them.

Memory: 4 bytes a band and text, 128 MB a million texts; signatures are cut into bands piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from nichetune.core.settings import DedupeSettings
from nichetune.corpus.dataplane import col, daft, minhash
from nichetune.corpus.shingles import jaccard, shingle

__all__ = ["Pair", "detection_probability", "find_near_pairs", "jaccard", "shingle"]

# Within a bucket all pairs are compared up to this size. In a larger one each text is compared with the first ones
# and with those just before it: k near copies are joined by a few links each as well as by k^2 / 2.
_ALL_PAIRS = 64
_PIECE_TEXTS = 20_000
# Stands for the space inside a shingle, so that Daft takes each shingle for one word; no normalised text holds it.
_JOINT = "·"
_BETWEEN = "\n"
_KEPT_CUTS = 50_000  # shingles of the texts that were compared last
_MOST_KEYS = 20_000_000  # 160 MB


@dataclass(frozen=True, order=True)
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


def find_near_pairs(
    texts: Sequence[str],
    settings: DedupeSettings,
    seed: int,
    labels: Sequence[Hashable] | None = None,
    telling: Callable[[int], frozenset[str]] | None = None,
) -> list[Pair]:
    """All verified pairs, sorted: alike in all their shingles, and in those that tell something.

    Args:
        labels: what else must be the same for two to be copies. Of equal texts with the same label each pairs with
            the first alone: what holds for that one holds for them, and thousands of them cost nothing.
        telling: the shingles of the text at a place by which it is found; by default all. A similarity is the
            smaller of both.
    """
    cut = _Cut(texts, settings.ngram_words, telling)
    first: dict[tuple[str, Hashable], int] = {}
    pairs = []
    for n, text in enumerate(texts):
        original = first.setdefault((text, labels[n] if labels else None), n)
        if original != n and cut.is_long(n):
            pairs.append(Pair(original, n, 1.0, equal=True))
    rows = [n for n in first.values() if cut.is_long(n)]
    for a, b in _find_candidates(rows, cut, settings, seed):
        similarity = cut.compare(a, b, settings.threshold)
        if similarity >= settings.threshold:
            pairs.append(Pair(a, b, similarity))
    return sorted(pairs)


class _Cut:
    """Shingles of texts, cut when they are needed: all of them at once would be many times the corpus."""

    def __init__(self, texts: Sequence[str], words: int, telling: Callable[[int], frozenset[str]] | None) -> None:
        self._texts, self._words = texts, words
        self.cut = telling or self._cut_all
        self.telling = lru_cache(_KEPT_CUTS)(self.cut)
        self._all = lru_cache(_KEPT_CUTS)(self._cut_all) if telling else None

    def is_long(self, n: int) -> bool:
        return self._texts[n].count(" ") + 1 >= self._words

    def compare(self, a: int, b: int, threshold: float) -> float:
        similarity = jaccard(self.telling(a), self.telling(b))
        if self._all is None or similarity < threshold:
            return similarity
        return min(similarity, jaccard(self._all(a), self._all(b)))

    def _cut_all(self, n: int) -> frozenset[str]:
        return shingle(self._texts[n], self._words)


def _find_candidates(rows: Sequence[int], cut: _Cut, settings: DedupeSettings, seed: int) -> Iterator[tuple[int, int]]:
    """Pairs that agree in a whole band and whose sizes allow the threshold, each once."""
    if len(rows) < 2:
        return
    bands, sizes = _cut_into_bands(rows, cut, settings, seed)
    count = len(rows)
    keys = [np.empty(0, dtype=np.int64)]
    for band in range(bands.shape[1]):
        found = _pair_up(bands[:, band], sizes, settings.threshold)
        keys.append(found[:, 0] * count + found[:, 1])
        if sum(map(len, keys)) > _MOST_KEYS:  # the same pair comes once a band: keep one of each
            keys = [np.unique(np.concatenate(keys))]
    for key in np.unique(np.concatenate(keys)).tolist():
        yield rows[key // count], rows[key % count]


def _pair_up(band: np.ndarray, sizes: np.ndarray, threshold: float) -> np.ndarray:
    """Pairs of one band. J <= smaller / larger: most false candidates end here. [pairs, 2]"""
    pairs = [pair for bucket in _find_buckets(band, sizes > 0) for pair in _pairs_of(bucket.tolist())]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    one, other = sizes[found[:, 0]], sizes[found[:, 1]]
    fits: np.ndarray = found[np.minimum(one, other) >= threshold * np.maximum(one, other)]
    return fits


def _cut_into_bands(
    rows: Sequence[int], cut: _Cut, settings: DedupeSettings, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """A 32-bit hash of each band of each signature, [texts, bands], and the number of shingles, [texts]."""
    height = settings.permutations // settings.bands
    bands = np.empty((len(rows), settings.bands), dtype=np.uint32)
    sizes = np.empty(len(rows), dtype=np.int64)
    for start in range(0, len(rows), _PIECE_TEXTS):
        sets = [cut.cut(n) for n in rows[start : start + _PIECE_TEXTS]]
        stop = start + len(sets)
        sizes[start:stop] = [len(one) for one in sets]
        piece = [_join(one) for one in sets]
        signed = daft.from_pydict({"runs": piece}).select(
            minhash(col("runs"), num_hashes=settings.bands * height, ngram_size=1, seed=seed).alias("signature")
        )
        values = signed.to_arrow()["signature"].combine_chunks().flatten().to_numpy()
        bands[start:stop] = _hash_bands(values.reshape(len(sets), settings.bands, height))
    return bands, sizes


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


def _find_buckets(keys: np.ndarray, signed: np.ndarray) -> Iterator[np.ndarray]:
    """Texts with the same key, in order, where there are two or more; those without a shingle have no key."""
    places = np.flatnonzero(signed)
    order = places[np.argsort(keys[places], kind="stable")]
    ends = np.flatnonzero(np.diff(keys[order])) + 1
    starts = np.concatenate([[0], ends])
    stops = np.concatenate([ends, [len(order)]])
    for at in np.flatnonzero(stops - starts > 1):
        yield order[starts[at] : stops[at]]


def _pairs_of(bucket: list[int]) -> Iterable[tuple[int, int]]:
    if len(bucket) <= _ALL_PAIRS:
        return combinations(bucket, 2)
    half = _ALL_PAIRS // 2
    return (
        (bucket[other], bucket[n])
        for n in range(1, len(bucket))
        for other in {*range(min(half, n)), *range(max(0, n - half), n)}
    )
