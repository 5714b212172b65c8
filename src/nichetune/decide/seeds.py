"""How far the luck of a seed carries: the part of a difference between rungs that another training would change.

Reads each tuned rung's scores by seed, [seeds, items] -> `SeedSpread`, and of a pair its `Luck`:

    means 0.712, 0.701, 0.725 of three seeds -> variance of their mean 4.8e-5, so a reach of 3.0 points at 95%

Items and seeds are crossed: every training answers every item. The mean over both then varies by what the items'
groups bring, what the seeds bring, and what their meeting brings (Owen 2007, "The pigeonhole bootstrap", Annals of
Applied Statistics 1). The interval over groups of the scores averaged over seeds holds the first and the third; the
spread of the seeds' means holds the second, and the third once more. Both are summed, which errs on the safe side, as
squares of the distances to their ends: each keeps the quantile of its own degrees of freedom (Howe 1974, JASA 69;
Zou and Donner 2008, Statistics in Medicine 27, "MOVER").

A pair's degrees of freedom are Welch's, from what its own two rungs show (Welch 1938, Biometrika 29; Satterthwaite
1946). A rung's variance is never taken for less than the mean over all trained methods: three seeds may lie together by
luck. What is not borrowed are the other methods' degrees of freedom: where spreads are unequal, that called up to 12%
of equal rungs different (decision 0020).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from nichetune.evaluate.intervals import Floats


@dataclass(frozen=True)
class Luck:
    """What the seeds leave open in a difference of two rungs.

    Attributes:
        variance: of the difference, averaged over the seeds that there are.
        degrees: degrees of freedom behind it.
        seeds: trainings of each rung.
    """

    variance: float
    degrees: float
    seeds: int

    def reach(self, alpha: float) -> float:
        """Half the width of the seeds' own (1 - alpha) interval."""
        return float(special.stdtrit(self.degrees, 1 - alpha / 2)) * math.sqrt(self.variance)

    def widen(self, low: float, middle: float, high: float, alpha: float) -> tuple[float, float]:
        """An interval over items with the seeds' reach added to both sides, square and add."""
        reach = self.reach(alpha)
        return middle - math.hypot(middle - low, reach), middle + math.hypot(high - middle, reach)

    def with_seeds(self, seeds: int) -> Luck:
        """What would be left open with so many seeds, if they spread as these do."""
        return Luck(self.variance * self.seeds / seeds, self.degrees * (seeds - 1) / (self.seeds - 1), seeds)


@dataclass(frozen=True)
class SeedSpread:
    """The spread over seeds of several rungs; an untuned one has none.

    Attributes:
        own: variance of each rung's trainings.
        least: what none is taken to be below: the mean over all rungs.
        seeds: trainings of each rung.
    """

    own: dict[str, float]
    least: float
    seeds: int

    def between(self, a: str, b: str) -> Luck | None:
        """What the seeds leave open between two rungs; None where neither is trained from a seed."""
        own = [self.own[rung] for rung in (a, b) if rung in self.own]
        if not own:
            return None
        variance = sum(max(one, self.least) for one in own) / self.seeds
        return Luck(variance, welch_degrees(own, self.seeds), self.seeds)


def welch_degrees(variances: Sequence[float], seeds: int) -> float:
    """Degrees of freedom behind a sum of variances, each of so many trainings: between one rung's and all of them."""
    squares = sum(one**2 for one in variances)
    return (seeds - 1) * (sum(variances) ** 2 / squares if squares > 0 else 1.0)


def measure_seeds(by_seed: Mapping[str, Floats]) -> SeedSpread | None:
    """The spread of rungs over their seeds.

    Args:
        by_seed: scores of the tuned rungs, [seeds, items] each, all of as many seeds.

    Returns:
        None where there is one seed, which has no spread.
    """
    tuned = {rung: scores.mean(axis=1) for rung, scores in by_seed.items() if len(scores) > 1}
    if not tuned:
        return None
    own = {rung: float(np.var(means, ddof=1)) for rung, means in tuned.items()}
    return SeedSpread(own, sum(own.values()) / len(own), len(next(iter(tuned.values()))))
