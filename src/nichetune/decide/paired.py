"""Two candidates on the same items: the difference, its interval, and whether it is more than chance.

Reads two arrays of scores and the items' groups -> `Paired`:

    {"difference": 0.123, "low": 0.061, "high": 0.182, "p": 0.0002, "n": 207, "groups": 118, "method": "group flips"}

The test is exact McNemar where every group holds one item and scores are 0 or 1; else whole groups change sides
(a sign-flip permutation), since McNemar on clustered pairs calls too many equal rungs different.

The interval is a cluster bootstrap's, widened where one of two others reaches further. Each mends a failure seen in
a simulation of 400 to 600 samples a cell, with 10 to 100 groups of 1 to 40 items:
  - what the group flips cannot reject. A percentile bootstrap called up to 10.9% of equal rungs different (20 uneven
    groups), the flips 5.6% at most; and so an interval that leaves out 0 never stands beside a p above alpha.
  - a square-and-add interval of gains and losses. Where few items differ, resamples know nothing of those that did
    not happen to: with 10 groups, base rate 0.02 and a true gain of 2 points, bootstrap and flips alike lay below
    the truth in 76% of the samples. This one also gives two equal rungs an honest width, never zero.

Where rungs were trained from several seeds, scores are means over them, and the interval is widened by what the
seeds leave open (`decide/seeds.py`); both p values are then the level at which it just reaches the gain in question.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from nichetune.decide.draws import Draws, draw_groups
from nichetune.decide.seeds import Luck
from nichetune.evaluate.intervals import Floats, bound_mean, number_groups, sum_groups

MCNEMAR = "exact McNemar"
FLIPS = "group flips"
SEEDED = "group flips and seeds"
_LEAST_P = 1e-6
_HALVINGS = 24  # of the logarithm of p: more digits than are ever written


@dataclass(frozen=True)
class Paired:
    """The difference b - a with its two-sided interval.

    Attributes:
        p: two-sided, of no difference.
        p_margin: of a gain of at most the margin; doubled, so that it compares with a two-sided alpha.
        method: the test behind `p`.
    """

    difference: float
    low: float
    high: float
    p: float
    p_margin: float
    n: int
    groups: int
    method: str


def compare_paired(
    a: Sequence[float] | Floats,
    b: Sequence[float] | Floats,
    groups: Sequence[Hashable],
    margin: float = 0.0,
    alpha: float = 0.05,
    resamples: int = 10_000,
    seed: int = 7,
) -> Paired:
    """Compares two candidates scored (0..1) on the same items, in the same order."""
    scores = np.asarray([a, b], dtype=np.float64)
    return PairedSet(scores, groups, [(0, 1)], resamples, seed).compare(0, margin, alpha)


class PairedSet:
    """Several pairs of candidates on the same items, compared over the same draws.

    Args:
        scores: [candidates, items], 0..1.
        groups: [items].
        pairs: (a, b) by row of `scores`; differences are b - a.
        luck: what the seeds leave open in each pair; None where neither was trained from several.
    """

    def __init__(
        self,
        scores: Floats,
        groups: Sequence[Hashable],
        pairs: Sequence[tuple[int, int]],
        resamples: int = 10_000,
        seed: int = 7,
        luck: Sequence[Luck | None] = (),
    ) -> None:
        self.index, self.groups = number_groups(groups)
        self.differences = np.stack([scores[b] - scores[a] for a, b in pairs], axis=1)  # [items, pairs]
        self.binary = bool(np.all((scores == 0) | (scores == 1)))
        self.luck: list[Luck | None] = list(luck) if luck else [None] * len(pairs)
        self._resamples, self._seed = resamples, seed

    @cached_property
    def draws(self) -> Draws:
        """Halves and resamples of the groups."""
        sums = np.stack([sum_groups(column, self.index, self.groups) for column in self.differences.T], axis=1)
        return draw_groups(sums, self.sizes, self._resamples, self._seed)

    @cached_property
    def sizes(self) -> Floats:
        """Items of each group."""
        return sum_groups(np.ones(len(self.index)), self.index, self.groups)

    def compare(self, pair: int, margin: float, alpha: float) -> Paired:
        """Difference, interval and tests of one pair."""
        differences = self.differences[:, pair]
        exact = self.binary and self.groups == len(differences)
        low, high = self.interval(pair, alpha)
        if self.luck[pair] is not None:
            p = min(self._crossing(pair, 0.0), self._crossing(pair, 0.0, above=True))
            own = float(differences.mean()), low, high, p, self._crossing(pair, margin)
            return Paired(*own, len(differences), self.groups, SEEDED)
        return Paired(
            difference=float(differences.mean()),
            low=low,
            high=high,
            p=mcnemar_p(differences) if exact else min(1.0, 2 * min(self._tails(pair, 0.0))),
            p_margin=min(1.0, 2 * self._tails(pair, margin)[0]),
            n=len(differences),
            groups=self.groups,
            method=MCNEMAR if exact else FLIPS,
        )

    def interval(self, pair: int, alpha: float) -> tuple[float, float]:
        """The two-sided (1 - alpha) interval of the difference, within -1..1."""
        reaches = (
            self._bootstrap(pair, alpha),
            (self.lower_bound(pair, alpha), self._flip_end(pair, alpha, upper=True)),
            square_and_add(self.differences[:, pair], self.index, self.groups, alpha),
        )
        low, high = min(r[0] for r in reaches), max(r[1] for r in reaches)
        if (luck := self.luck[pair]) is not None:
            low, high = luck.widen(low, float(self.differences[:, pair].mean()), high, alpha)
        return max(-1.0, low), min(1.0, high)

    def _crossing(self, pair: int, gain: float, above: bool = False) -> float:
        """The level at which the interval just reaches a gain from above (or, `above`, from below): its p value."""
        difference = float(self.differences[:, pair].mean())
        if difference >= gain if above else difference <= gain:
            return 1.0
        least, most = math.log(_LEAST_P), 0.0
        for _ in range(_HALVINGS):
            middle = (least + most) / 2
            low, high = self.interval(pair, math.exp(middle))
            clear = high < gain if above else low > gain
            least, most = (least, middle) if clear else (middle, most)
        return math.exp(most)

    def lower_bound(self, pair: int, alpha: float) -> float:
        """The smallest gain that the group flips cannot reject from below at alpha / 2."""
        return self._flip_end(pair, alpha, upper=False)

    def _flip_end(self, pair: int, alpha: float, upper: bool) -> float:
        drawn = self.draws.highs if upper else self.draws.halves
        beyond = math.floor(alpha / 2 * (len(drawn) + 1) + 1e-9) - 1  # halves that may lie outside
        if beyond < 0:  # too few groups for this level
            return 1.0 if upper else -1.0
        return float(np.clip(drawn[-1 - beyond if upper else beyond, pair], -1.0, 1.0))

    def _tails(self, pair: int, gain: float) -> tuple[float, float]:
        """One-sided p values of "the gain is at most `gain`" and "at least", the observed half counted in each."""
        below, above = self.draws.halves[:, pair], self.draws.highs[:, pair]
        at_most = 1 + int(np.searchsorted(below, gain + 1e-12, side="right"))
        at_least = 1 + len(above) - int(np.searchsorted(above, gain - 1e-12, side="left"))
        return at_most / (len(below) + 1), at_least / (len(above) + 1)

    def _bootstrap(self, pair: int, alpha: float) -> tuple[float, float]:
        """Cluster percentile bootstrap at widened levels (Hesterberg 2015, "What teachers should know about the
        bootstrap", section 4: percentiles taken where a t interval's would lie)."""
        if self.groups < 2:
            return -1.0, 1.0
        quantile = stats.t.ppf(alpha / 2, self.groups - 1) * math.sqrt(self.groups / (self.groups - 1))
        level = float(stats.norm.cdf(quantile))
        low, high = np.quantile(self.draws.resamples[:, pair], [level, 1 - level])
        return float(low), float(high)


def mcnemar_p(differences: Floats) -> float:
    """Exact two-sided McNemar test of 0/1 pairs: a binomial test of the discordant ones (McNemar 1947)."""
    won, lost = int((differences > 0).sum()), int((differences < 0).sum())
    return min(1.0, 2 * float(stats.binom.cdf(min(won, lost), won + lost, 0.5)))


def square_and_add(differences: Floats, index: NDArray[np.int64], groups: int, alpha: float) -> tuple[float, float]:
    """Interval of a difference from those of its gains and its losses (Newcombe 1998, Statistics in Medicine 17).

    Gains max(d, 0) and losses max(-d, 0) are means in 0..1, each with its clustered Wilson interval; the distances
    to their ends are squared and added.
    """
    gains = bound_mean(np.maximum(differences, 0.0), index, groups, alpha)
    losses = bound_mean(np.maximum(-differences, 0.0), index, groups, alpha)
    if gains.low is None or gains.high is None or losses.low is None or losses.high is None:
        return -1.0, 1.0
    middle = gains.mean - losses.mean
    low = middle - math.hypot(gains.mean - gains.low, losses.high - losses.mean)
    return low, middle + math.hypot(gains.high - gains.mean, losses.mean - losses.low)


def six_digits(figure: float) -> float:
    """A figure as it is written down: digests do not hang on the last bit of a sum, and a tiny p is never 0."""
    return float(f"{figure:.6g}") + 0.0
