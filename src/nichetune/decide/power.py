"""What a number of items can show: the smallest gain found four times in five, and the n that a gain needs.

Reads n, the share of items on which two rungs differ, and the design effect of groups -> a gain or an n:

    smallest_gain(100, 0.10) -> 0.088      smallest_gain(60, 0.10) -> None      items_needed(0.05, 0.10) -> 312

A paired 0/1 difference of mean g that is not 0 in a share d of the items has variance d - g^2 an item, and d under
"no difference" (Miettinen 1968, Biometrics 24; Connor 1987, Biometrics 43). Groups that resemble each other inflate
both by the design effect (Kish 1965).
"""

from __future__ import annotations

import math

from scipy import stats
from scipy.optimize import brentq

POWER = 0.8


def achieved_power(gain: float, n: int, discordant: float, alpha: float = 0.05, design_effect: float = 1.0) -> float:
    """The chance that a true gain is told from none, two-sided at alpha."""
    items = n / design_effect
    miss = float(stats.norm.ppf(1 - alpha / 2)) * math.sqrt(discordant) - gain * math.sqrt(items)
    return float(stats.norm.cdf(-miss / math.sqrt(max(discordant - gain**2, 1e-12))))


def smallest_gain(
    n: int, discordant: float, alpha: float = 0.05, power: float = POWER, design_effect: float = 1.0
) -> float | None:
    """The smallest gain that n items show with this power; None where even all differences one way do not."""
    if discordant <= 0 or achieved_power(discordant, n, discordant, alpha, design_effect) < power:
        return None

    def short(gain: float) -> float:
        return achieved_power(gain, n, discordant, alpha, design_effect) - power

    return float(brentq(short, 1e-9, discordant))


def smallest_one_way_gain(
    n: int, alpha: float = 0.05, power: float = POWER, design_effect: float = 1.0
) -> float | None:
    """The smallest gain shown where the dearer rung loses no item: each difference then is a gain (d = g)."""

    def short(gain: float) -> float:
        return achieved_power(gain, n, gain, alpha, design_effect) - power

    return float(brentq(short, 1e-9, 1.0)) if short(1.0) >= 0 else None


def items_needed(
    gain: float, discordant: float, alpha: float = 0.05, power: float = POWER, design_effect: float = 1.0
) -> int | None:
    """How many items show a gain with this power; None for no gain at all."""
    gain, discordant = abs(gain), max(discordant, abs(gain))
    if gain <= 0:
        return None
    reach = float(stats.norm.ppf(1 - alpha / 2)) * math.sqrt(discordant)
    reach += float(stats.norm.ppf(power)) * math.sqrt(max(0.0, discordant - gain**2))
    return math.ceil((reach / gain) ** 2 * design_effect - 1e-9)
