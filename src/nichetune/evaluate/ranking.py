"""How well a ranking puts what is relevant before the rest: pure functions, each giving 0..1.

    recall_at(["H90", "H10", "H16"], {"H10"}, 2) -> 1.0        reciprocal_rank(…) -> 0.5        ndcg(…) -> 0.631

A document is relevant or not; every relevant one counts, whether it was found or not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set


def recall_at(ranked: Sequence[str], relevant: Set[str], k: int) -> float:
    """Share of the relevant documents, of which there are some, among the first `k`."""
    return len(relevant & set(ranked[:k])) / len(relevant)


def reciprocal_rank(ranked: Sequence[str], relevant: Set[str]) -> float:
    """1 / the place of the first relevant document, 0 where none was found; its mean is MRR (Voorhees 1999)."""
    return next((1 / place for place, name in enumerate(ranked, start=1) if name in relevant), 0.0)


def ndcg(ranked: Sequence[str], relevant: Set[str], k: int) -> float:
    """Discounted gain of the first `k` over the best that was possible (Järvelin and Kekäläinen 2002).

    A relevant document at place i gains 1 / log2(i + 1), once; the best order has min(k, all relevant) of them first.
    """
    first = list(dict.fromkeys(ranked))[:k]
    gained = sum(1 / math.log2(place + 1) for place, name in enumerate(first, start=1) if name in relevant)
    best = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(relevant)) + 1))
    return gained / best if best else 0.0
