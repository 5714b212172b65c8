"""How far a judge agrees with people: Cohen's kappa with its interval, over yes and no.

measure_kappa([1, 1, 0, 0], [1, 0, 0, 0]) -> Estimate(value=0.5, low=…, high=…, n=4)
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from nichetune.core.records import Estimate
from nichetune.evaluate.intervals import DIGITS, Kept, estimate_statistic


def measure_kappa(
    judged: Sequence[int], labelled: Sequence[int], groups: Sequence[Hashable] | None = None, alpha: float = 0.05
) -> Estimate:
    """Agreement beyond chance (Cohen 1960), -1..1; None where one of the two said only one thing.

    The interval is the jackknife's of (kappa + 1) / 2.
    """
    a, b = np.asarray(judged, dtype=bool), np.asarray(labelled, dtype=bool)

    def half_kappa(kept: Kept) -> float | None:
        kappa = _kappa(a[kept], b[kept])
        return None if kappa is None else (kappa + 1) / 2

    found = estimate_statistic(half_kappa, range(len(a)) if groups is None else groups, alpha)
    ends = {name: getattr(found, name) for name in ("value", "low", "high")}
    return Estimate(**{k: None if v is None else round(2 * v - 1, DIGITS) for k, v in ends.items()}, n=found.n)


def _kappa(a: Kept, b: Kept) -> float | None:
    if not len(a):
        return None
    chance = float(a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean()))
    return (float((a == b).mean()) - chance) / (1 - chance) if chance < 1 else None
