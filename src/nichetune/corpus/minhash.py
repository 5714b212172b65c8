"""Finds near-duplicate texts by MinHash and LSH in Daft, every candidate verified by its true similarity.

texts -> pairs (a, b, similarity), a < b

    Pair(a=3, b=17, similarity=0.91)

Words are cut into shingles of n words. A signature of k minimum hashes is cut into bands of r = k / bands rows; two
texts that agree in a whole band are candidates. P(candidate | s) = 1 - (1 - s^r)^bands (Leskovec, Rajaraman, Ullman:
Mining of Massive Datasets, section 3.4.2), so with 128 hashes in 32 bands of 4:

    s      0.3    0.5    0.6    0.7    0.8     0.9
    P      0.23   0.87   0.99   0.999  >0.9999 1.0

Candidates below the threshold are thrown out by the Jaccard similarity of their shingles: no false positives.
Texts shorter than one shingle have no signature; only exact comparison can judge them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from nichetune.core.settings import DedupeSettings
from nichetune.corpus.dataplane import DataType, Series, col, daft, minhash

# Within a bucket all pairs are compared up to this size; in a larger one each text is compared with the first,
# since k near copies are joined by k - 1 links as well as by k^2 / 2.
_ALL_PAIRS = 64


@dataclass(frozen=True, order=True)
class Pair:
    """Two texts that are nearly the same, by their places in the list."""

    a: int
    b: int
    similarity: float


def detection_probability(similarity: float, settings: DedupeSettings) -> float:
    """Probability that two texts of this similarity become candidates."""
    rows = settings.permutations // settings.bands
    return 1.0 - (1.0 - similarity**rows) ** settings.bands


def find_near_pairs(texts: Sequence[str], settings: DedupeSettings, seed: int) -> list[Pair]:
    """All verified pairs, sorted."""
    shingles = [shingle(text, settings.ngram_words) for text in texts]
    rows = [(n, text) for n, text in enumerate(texts) if shingles[n]]
    if len(rows) < 2:
        return []
    candidates: set[tuple[int, int]] = set()
    for bucket in _find_buckets(rows, settings, seed):
        candidates.update(_pairs_of(sorted(bucket)))
    pairs = [Pair(a, b, jaccard(shingles[a], shingles[b])) for a, b in sorted(candidates)]
    return [pair for pair in pairs if pair.similarity >= settings.threshold]


def shingle(text: str, words: int) -> frozenset[str]:
    """The runs of `words` words in a text."""
    tokens = text.split()
    return frozenset(" ".join(tokens[at : at + words]) for at in range(len(tokens) - words + 1))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Size of the intersection over size of the union."""
    return len(a & b) / len(a | b) if a or b else 0.0


def _find_buckets(rows: list[tuple[int, str]], settings: DedupeSettings, seed: int) -> list[list[int]]:
    """Texts that agree in a whole band, band by band."""
    bands, height = settings.bands, settings.permutations // settings.bands

    @daft.udf(return_dtype=DataType.list(DataType.string()))
    def cut_into_bands(signatures: Series) -> list[list[str]]:
        return [
            [f"{n}:{signature[n * height : (n + 1) * height]}" for n in range(bands)]
            for signature in signatures.to_pylist()
        ]

    frame = daft.from_pydict({"row": [n for n, _ in rows], "text": [text for _, text in rows]})
    signature = minhash(col("text"), num_hashes=bands * height, ngram_size=settings.ngram_words, seed=seed)
    buckets = (
        frame.select(col("row"), cut_into_bands(signature).alias("band"))
        .explode("band")
        .groupby("band")
        .agg(col("row").list_agg().alias("rows"))
        .where(col("rows").list_count() > daft.lit(1))
    )
    found: list[list[int]] = buckets.to_pydict()["rows"]
    return found


def _pairs_of(bucket: list[int]) -> Iterable[tuple[int, int]]:
    if len(bucket) <= _ALL_PAIRS:
        return combinations(bucket, 2)
    return ((bucket[0], other) for other in bucket[1:])
