"""Exact bounds of a share of independent trials: Clopper and Pearson 1934, Biometrika 26.

    bound_share(3, 200) -> (0.0031, 0.0432)        bound_above(0, 100) -> 0.0295

Hits and trials may be fractional: an effective number of trials is. The one home of these bounds; who counts groups
instead of items, or a rate of failures that should be none, says so where it calls them.
"""

from __future__ import annotations


def bound_share(hits: float, trials: float, alpha: float = 0.05) -> tuple[float, float]:
    """The exact (1 - alpha) interval of a share, alpha / 2 on each side; (0, 1) without trials."""
    return 1 - bound_above(trials - hits, trials, alpha / 2), bound_above(hits, trials, alpha / 2)


def bound_above(hits: float, trials: float, alpha: float = 0.05) -> float:
    """What a share is below with confidence 1 - alpha, one-sided: none of 100 leaves 1 - 0.05 ** (1 / 100) = 3.0%."""
    if hits >= trials:
        return 1.0
    from scipy.stats import beta  # half a second to import, and most who import this ask nothing

    return float(beta.ppf(1 - alpha, hits + 1, trials - hits))
