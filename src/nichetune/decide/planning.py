"""What this benchmark could show, and how many items would settle what it left open.

Reads the judged ladder and its scores -> `Outlook`:

    {"smallest_gain": 0.071, "smallest_gain_to_move": 0.104, "discordant": 0.21, "design_effect": 1.3,
     "items_needed": 640, "seeds_needed": 5}
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from nichetune.decide.evaluated import Aligned
from nichetune.decide.ladder import Comparison, Judgement, Rule
from nichetune.decide.power import POWER, Noise, detectable_gain, items_needed
from nichetune.decide.seeds import Luck, SeedSpread
from nichetune.evaluate.intervals import Floats, effective_groups, jackknife_variance, number_groups, sum_groups

_OUT_OF_REACH = 1_000_000  # items: a gain that needs more stands on the margin, and no benchmark settles it
MOST_SEEDS = 10  # trainings that are ever advised
_NEARLY = 1.2  # a seed more is not worth it that spares fewer items than a fifth


@dataclass(frozen=True)
class Spread:
    """How a pair's differences vary: their mean square (for 0/1 scores the share of items on which the two rungs
    differ), variance, the design effect of the groups, and items for each effective group; None: each stands alone."""

    discordant: float
    variance: float
    design_effect: float
    items_per_group: float | None

    @property
    def noise(self) -> Noise:
        """The same of the groups alone."""
        return Noise(self.design_effect, self.items_per_group)


@dataclass(frozen=True)
class Outlook:
    """What n items show, from the spread of the pair that decided (or that stayed open).

    Attributes:
        smallest_gain: true gain told from none, plain alpha, power 0.8; None where no gain is.
        smallest_gain_to_move: true gain at which the rule climbs so often: over the margin, at Holm's level.
        items_needed: to settle every open comparison; None where none is open, or no number would.
        seeds_needed: beside them, where rungs were trained from several; None where there is one.
        items_per_group: as many as Kish's number of groups makes of them; None where every item is alone.
    """

    pair: tuple[str, str]
    smallest_gain: float | None
    smallest_gain_to_move: float | None
    discordant: float
    design_effect: float
    items_needed: int | None
    seeds_needed: int | None = None
    items_per_group: float | None = None


@dataclass(frozen=True)
class Needed:
    """What would settle one open comparison; `seeds` is None where rungs have but one, or it needs no seed."""

    items: int
    seeds: int | None = None


def look_ahead(
    judgement: Judgement, aligned: Aligned, rule: Rule, seeds: SeedSpread | None = None,
    money: Callable[[Comparison], Needed | None] | None = None,
) -> Outlook | None:  # fmt: skip
    """The outlook of a ladder; None where there is but one rung.

    Args:
        seeds: the spread over seeds, where there are several.
        money: what would settle a gain that is proven, and of which it is open whether it pays.
    """
    if not judgement.comparisons:
        return None
    decisive = decisive_pair(judgement)
    spread = measure_spread(aligned, decisive)
    n = len(aligned.items)
    first_level = rule.alpha / len(judgement.comparisons)
    to_move = _detectable(n, spread, first_level)
    needed = [
        money(c) if money and c.decision == "better"
        else settle(c, measure_spread(aligned, c), rule, seeds.between(c.a, c.b) if seeds else None)
        for c in judgement.unsettled
    ]  # fmt: skip
    known = [one for one in needed if one is not None]
    settled = bool(known) and len(known) == len(needed)
    return Outlook(
        pair=(decisive.a, decisive.b),
        smallest_gain=_detectable(n, spread, rule.alpha),
        smallest_gain_to_move=None if to_move is None or to_move + rule.margin > 1 else to_move + rule.margin,
        discordant=spread.discordant,
        design_effect=spread.design_effect,
        items_per_group=spread.items_per_group,
        items_needed=max(one.items for one in known) if settled else None,
        seeds_needed=max((one.seeds for one in known if one.seeds), default=None) if settled else None,
    )


def decisive_pair(judgement: Judgement) -> Comparison:
    """The first open comparison, else the last climb, else the nearest try."""
    if judgement.unsettled:
        return judgement.unsettled[0]
    if len(judgement.path) > 1:
        return judgement.comparison(*judgement.path[-2:])
    own = [c for c in judgement.comparisons if c.a == judgement.held]
    return max(own, key=lambda c: c.paired.difference)


def measure_spread(aligned: Aligned, comparison: Comparison) -> Spread:
    """How the differences of a pair vary, within and between groups."""
    differences: Floats = aligned.between(comparison.a, comparison.b)
    index, count = number_groups(aligned.groups)
    sizes = sum_groups(np.ones_like(differences), index, count)
    variance = float(differences.var())
    effect = 1.0
    if count > 1 and variance > 0:
        sums = sum_groups(differences, index, count)
        effect = max(1.0, jackknife_variance(sums, sizes) * len(differences) / variance)
    per_group = None if count == len(differences) else len(differences) / effective_groups(sizes)
    return Spread(float((differences**2).mean()), variance, effect, per_group)


def _detectable(n: int, spread: Spread, alpha: float) -> float | None:
    return detectable_gain(n, spread.discordant, alpha, POWER, spread.noise)


def settle(comparison: Comparison, spread: Spread, rule: Rule, luck: Luck | None) -> Needed | None:
    """Items, and seeds beside them, after which an open comparison would be settled; None where nothing would.

    Of up to ten seeds, the fewest are advised that need hardly more items than ten would.
    """
    n = comparison.paired.n
    least = _least_items(comparison, spread, rule)
    if luck is None or least is None:
        return None if least is None else Needed(max(least, n + 1))
    distance, level = _distance(comparison, rule)
    found = {
        seeds: max(least, own)
        for seeds in range(luck.seeds, max(luck.seeds, MOST_SEEDS) + 1)
        if (own := _items_beside(luck.with_seeds(seeds), distance, level, spread)) is not None
    }
    if not found:
        return None
    enough = max(n, _NEARLY * min(found.values()))
    seeds = min(seeds for seeds, own in found.items() if own <= enough)
    return Needed(max(found[seeds], n + 1 if seeds == luck.seeds else n), seeds)


def _items_beside(luck: Luck, distance: float, level: float, spread: Spread) -> int | None:
    """Items that settle a distance with power 0.8 where the seeds leave this much open; None where no number does."""
    quantile, spare = float(stats.norm.ppf(1 - level / 2)), float(stats.norm.ppf(POWER))
    item = (spread.variance + distance**2) * spread.design_effect

    def short(items: float) -> float:
        reach = math.hypot(quantile * math.sqrt(item / items), luck.reach(level))
        return reach + spare * math.sqrt(item / items + luck.variance) - distance

    if short(_OUT_OF_REACH) > 0:
        return None
    return 1 if short(1.0) <= 0 else math.ceil(brentq(short, 1.0, _OUT_OF_REACH, rtol=1e-6))


def items_to_settle(comparison: Comparison, spread: Spread, rule: Rule) -> int | None:
    """Items after which the observed gain, if it is the true one, lies clear of the margin with power 0.8.

    Above the margin the bound at Holm's level must pass it; below, the upper end of the plain interval must fall
    to it, for which even equal answers need some number of groups (the square-and-add interval of no difference).
    """
    least = _least_items(comparison, spread, rule)
    return None if least is None else max(least, comparison.paired.n + 1)


def _least_items(comparison: Comparison, spread: Spread, rule: Rule) -> int | None:
    above = comparison.paired.difference > rule.margin
    distance, level = _distance(comparison, rule)
    spare = spread.variance + distance**2
    needed = items_needed(distance, spare, level, POWER, spread.noise) if distance > 1e-6 else None
    if needed is not None and not above:
        square = float(stats.norm.ppf(1 - level / 2)) ** 2
        quiet = square * (1 - rule.margin) / rule.margin if rule.margin > 0 else math.inf
        needed = None if math.isinf(quiet) else max(needed, math.ceil(quiet * (spread.items_per_group or 1.0)))
    return None if needed is None or needed > _OUT_OF_REACH else needed


def _distance(comparison: Comparison, rule: Rule) -> tuple[float, float]:
    """How far the observed gain lies from the margin, and the level of the interval that must not reach it."""
    gain = comparison.paired.difference
    return abs(gain - rule.margin), comparison.level if gain > rule.margin else rule.alpha
