"""Finds texts that mean the same, by the cosine of their vectors.

texts -> pairs (a, b, cosine), a < b

    Pair(a=3, b=17, similarity=0.97)

All pairs are compared, block by block: exact, no index to tune, and 20,000 texts take seconds. Encoders stand above
this layer, so whoever runs a stage hands one in as a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nichetune.corpus.minhash import Pair

Encode = Callable[[list[str]], np.ndarray]
Wanted = Callable[[np.ndarray, np.ndarray], np.ndarray]
_BLOCK = 2_048


def find_same_meaning(
    vectors: np.ndarray, threshold: float, others: np.ndarray | None = None, wanted: Wanted | None = None
) -> list[Pair]:
    """Pairs at or above the threshold, sorted.

    Args:
        vectors: unit rows. [n, dimension]
        others: unit rows to compare with instead of the same ones; `b` then is a place in them. [m, dimension]
        wanted: which of the pairs that were found count, asked for many at once: templated texts find millions.
    """
    columns = vectors if others is None else others
    pairs = []
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ columns.T  # [block, m]
        rows, places = np.nonzero(cosines >= threshold)
        keep = np.ones(len(rows), dtype=bool) if others is not None else rows + start < places
        if wanted:
            keep &= wanted(rows + start, places)
        found = zip((rows[keep] + start).tolist(), places[keep].tolist(), cosines[rows[keep], places[keep]].tolist(),
                    strict=True)  # fmt: skip
        pairs += [Pair(a, b, min(1.0, cosine)) for a, b, cosine in found]
    return sorted(pairs)


def encode_texts(encode: Encode, texts: Sequence[str]) -> np.ndarray:
    """Unit vectors, equal texts encoded once. [n, dimension]"""
    places: dict[str, int] = {}
    for text in texts:
        places.setdefault(text, len(places))
    vectors = encode(list(places))
    return vectors[[places[text] for text in texts]]
