"""Holm's step-down over a family of comparisons, as p values and as the bounds that it compares with the margin.

Reads each pair's p value of "the gain is at most the margin" -> its adjusted p value and its level:

    p [0.001, 0.030, 0.200], alpha 0.05 -> adjusted [0.003, 0.060, 0.200], levels [0.0167, 0.025, 0.025]

Holm (1979, Scandinavian Journal of Statistics 6) keeps the chance that *any* rung is called better by more than the
margin, though it is not, at alpha, however the comparisons depend on one another.

What the bounds are, and are not. The pair of rank i (from 0, by p) is tested at alpha / (m - i); its bound is that
of an interval at this level, and it exceeds the margin exactly where Holm rejects. Pairs after the first that fails
get the level at which that one failed. So a bound above the margin is a claim with family-wise error alpha. The
bounds of the rejected pairs are not *simultaneous* confidence bounds: such ones, compatible with Holm, say no more
of a rejected pair than "above the margin" unless all are rejected (Strassburger and Bretz 2008, Statistics in
Medicine 27). The adjusted bounds are shown for the decision, and plain 95% intervals for the size of a gain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Holm:
    """One pair's place in the step-down: its adjusted p, its level, its bound there, and whether it was rejected."""

    p_adjusted: float
    level: float
    bound: float
    rejected: bool


def step_down(
    p_values: Sequence[float], bound_at: Callable[[int, float], float], margin: float, alpha: float
) -> list[Holm]:
    """Steps through the pairs by p; stops at the first whose bound does not exceed the margin.

    Args:
        p_values: of "the gain is at most the margin".
        bound_at: the lower bound of a pair's gain at a level.
    """
    count = len(p_values)
    found: dict[int, Holm] = {}
    adjusted, stopped_at = 0.0, 0.0
    for rank, pair in enumerate(sorted(range(count), key=lambda i: (p_values[i], i))):
        adjusted = max(adjusted, min(1.0, p_values[pair] * (count - rank)))
        level = stopped_at or alpha / (count - rank)
        bound = bound_at(pair, level)
        rejected = not stopped_at and bound > margin
        if not rejected and not stopped_at:
            stopped_at = level
        found[pair] = Holm(adjusted, level, bound, rejected)
    return [found[pair] for pair in range(count)]
