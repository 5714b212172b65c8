"""How far the luck of a seed carries: the part of a difference between rungs that another training would change.

Reads each tuned rung's scores by seed, [seeds, items] -> `SeedSpread`, and of a pair its `Luck`:

    means 0.712, 0.701, 0.725 of three seeds -> variance of their mean 4.8e-5, so a reach of 3.0 points at 95%

Items and seeds are crossed: every training answers every item. The mean over both then varies by what the items'
groups bring, what the seeds bring, and what their meeting brings (Owen 2007, "The pigeonhole bootstrap", Annals of
Applied Statistics 1). The interval over groups of the scores averaged over seeds holds the first and the third; the
spread of the seeds' means holds the second, and the third once more. Both are summed, which errs on the safe side, as
squares of the distances to their ends: each keeps the quantile of its own degrees of freedom (Howe 1974, JASA 69;
Zou and Donner 2008, Statistics in Medicine 27, "MOVER").

Three seeds alone say little of a spread: a t quantile at two degrees of freedom is 4.3 at 95% and 14 at 99.5%. So
the spread is pooled over all trained methods, as a mixed model with one variance does; a rung whose own spread is
larger keeps its own, so that a steady method does not lend its calm to a wild one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from nichetune.evaluate.candidates import rung_method
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
    degrees: int
    seeds: int

    def reach(self, alpha: float) -> float:
        """Half the width of the seeds' own (1 - alpha) interval."""
        return float(stats.t.ppf(1 - alpha / 2, self.degrees)) * math.sqrt(self.variance)

    def widen(self, low: float, middle: float, high: float, alpha: float) -> tuple[float, float]:
        """An interval over items with the seeds' reach added to both sides, square and add."""
        reach = self.reach(alpha)
        return middle - math.hypot(middle - low, reach), middle + math.hypot(high - middle, reach)

    def with_seeds(self, seeds: int) -> Luck:
        """What would be left open with so many seeds, if they spread as these do."""
        return Luck(self.variance * self.seeds / seeds, self.degrees * (seeds - 1) // (self.seeds - 1), seeds)


@dataclass(frozen=True)
class SeedSpread:
    """The spread over seeds of several rungs: variance of each rung's mean over its seeds; 0 for an untuned one."""

    variances: dict[str, float]
    degrees: int
    seeds: int

    def between(self, a: str, b: str) -> Luck | None:
        """What the seeds leave open between two rungs; None where neither is trained from a seed."""
        variance = self.variances.get(a, 0.0) + self.variances.get(b, 0.0)
        tuned = a in self.variances or b in self.variances
        return Luck(variance, self.degrees, self.seeds) if tuned else None


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
    seeds = len(next(iter(tuned.values())))
    own = {rung: float(np.var(means, ddof=1)) for rung, means in tuned.items()}
    pooled = sum(own.values()) / len(own)
    methods = len({rung_method(rung) for rung in tuned})  # with and without retrieval it is the same training
    return SeedSpread({rung: max(v, pooled) / seeds for rung, v in own.items()}, methods * (seeds - 1), seeds)
