"""What a number of items can show: the smallest gain found four times in five, and the n that a gain needs.

Reads n, the share of items on which two rungs differ, and how items come in groups -> a gain or an n:

    smallest_gain(100, 0.10) -> 0.088      smallest_gain(60, 0.10) -> None      items_needed(0.05, 0.10) -> 312

A paired 0/1 difference of mean g that is not 0 in a share d of the items has variance d - g^2 an item, and d under
"no difference" (Miettinen 1968, Biometrics 24; Connor 1987, Biometrics 43). Groups that resemble each other inflate
both by the design effect (Kish 1965), and where groups are few their own spread is known but roughly: t instead of
normal quantiles. `bench/verdicts.py` holds the rule to what is said here.

What is asked of single items is asked of grouped ones and of several trainings by their `Noise`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special
from scipy.optimize import brentq

from nichetune.decide.seeds import Luck

POWER = 0.8
# The interval is the widest of three. Where groups hold several items they disagree: of gains that each alone found in
# 84% to 87% of the samples, the widest found 79% to 80% (latent and uneven groups, 1,475 and 1,750 samples).
_WIDEST = 1.05
_MOST_ITEMS = 1e12  # a gain that needs more is none


@dataclass(frozen=True)
class Noise:
    """What makes a mean difference vary beyond that of single items.

    Attributes:
        design_effect: its variance over that of as many items alone.
        items_per_group: for each effective group (Kish); None: every item stands alone, or nobody knows.
        luck: what the seeds leave open beside the items, where rungs are trained from several.
    """

    design_effect: float = 1.0
    items_per_group: float | None = None
    luck: Luck | None = None

    @property
    def inflation(self) -> float:
        """By how much groups inflate the variance that the interval must cover."""
        return self.design_effect * (1.0 if self.items_per_group is None else _WIDEST**2)


ALONE = Noise()


def achieved_power(
    gain: float,
    n: float,
    discordant: float,
    alpha: float = 0.05,
    noise: Noise = ALONE,
) -> float:
    """The chance that a true gain is told from none, two-sided at alpha."""
    freedom, item = _freedom(n, noise.items_per_group), noise.inflation / n
    reach = _quantile(1 - alpha / 2, freedom) * math.sqrt(discordant * item)
    spare = max(discordant - gain**2, 1e-12) * item
    if noise.luck is not None:
        reach, spare = math.hypot(reach, noise.luck.reach(alpha)), spare + noise.luck.variance
    return _chance((gain - reach) / math.sqrt(spare), freedom)


def smallest_gain(
    n: int,
    discordant: float,
    alpha: float = 0.05,
    power: float = POWER,
    noise: Noise = ALONE,
) -> float | None:
    """The smallest gain that n items show with this power; None where even all differences one way do not."""

    def short(gain: float) -> float:
        return achieved_power(gain, n, discordant, alpha, noise) - power

    return float(brentq(short, 1e-9, discordant)) if discordant > 0 and short(discordant) >= 0 else None


def smallest_one_way_gain(
    n: int,
    alpha: float = 0.05,
    power: float = POWER,
    noise: Noise = ALONE,
) -> float | None:
    """The smallest gain shown where the dearer rung loses no item: each difference then is a gain (d = g)."""

    def short(gain: float) -> float:
        return achieved_power(gain, n, gain, alpha, noise) - power

    return float(brentq(short, 1e-9, 1.0)) if short(1.0) >= 0 else None


def detectable_gain(
    n: int, discordant: float, alpha: float = 0.05, power: float = POWER, noise: Noise = ALONE
) -> float | None:
    """The smallest gain that n items show: at this discordance, or where that is too little for any, one way."""
    found = smallest_gain(n, discordant, alpha, power, noise)
    return found if found is not None else smallest_one_way_gain(n, alpha, power, noise)


def items_needed(
    gain: float,
    discordant: float,
    alpha: float = 0.05,
    power: float = POWER,
    noise: Noise = ALONE,
) -> int | None:
    """How many items show a gain with this power; None for no gain at all, or one that the seeds hide from any."""
    gain = abs(gain)
    if gain <= 0:
        return None
    return _items(gain, max(discordant, gain), 1 - alpha / 2, power, noise, gain)


def items_for_non_inferiority(
    margin: float,
    discordant: float,
    alpha: float = 0.05,
    power: float = POWER,
    noise: Noise = ALONE,
) -> int | None:
    """How many items show, with this power, that an equally good rung is not worse by `margin` or more.

    One-sided at alpha, as non-inferiority is tested (the lower end of a two-sided 1 - 2 alpha interval lies above
    -margin); the variance is that of no difference (Lu and Bean 1995, Statistics in Medicine 14).
    """
    if margin <= 0:
        return None
    return _items(margin, discordant, 1 - alpha, power, noise, 0.0)


def _items(
    distance: float,
    discordant: float,
    level: float,
    power: float,
    noise: Noise,
    gain: float,
) -> int | None:
    """Items at which `distance` is reached, by a one-sided `level`; None where no number does."""
    inflation, luck = noise.inflation, noise.luck
    open_reach, open_variance = (luck.reach(2 * (1 - level)), luck.variance) if luck else (0.0, 0.0)

    def short(items: float) -> float:
        freedom = _freedom(items, noise.items_per_group)
        reach = _quantile(level, freedom) * math.sqrt(discordant * inflation / items)
        spare = max(0.0, discordant - gain**2) * inflation / items + open_variance
        return math.hypot(reach, open_reach) + _quantile(power, freedom) * math.sqrt(spare) - distance

    if short(_MOST_ITEMS) > 0:
        return None
    return 1 if short(1.0) <= 0 else math.ceil(brentq(short, 1.0, _MOST_ITEMS, rtol=1e-12) - 1e-6)


def _freedom(items: float, items_per_group: float | None) -> float:
    """Degrees of freedom behind the spread of so many items."""
    return math.inf if items_per_group is None else max(1.0, items / items_per_group - 1)


def _quantile(chance: float, freedom: float) -> float:
    return float(special.ndtri(chance) if math.isinf(freedom) else special.stdtrit(freedom, chance))


def _chance(quantile: float, freedom: float) -> float:
    return float(special.ndtr(quantile) if math.isinf(freedom) else special.stdtr(freedom, quantile))
