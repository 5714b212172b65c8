"""Turns a generator's dial until the true gain is the one that `nichetune benchmark power` names.

    find_gain("latent", design, named, seed) -> Truth(shift=0.31, gain=0.084, discordant=0.12, ...)

What the power statement is given is the truth of the world: the share of items on which the two rungs differ and the
design effect of its groups, from many draws, and of these the gain is the expected one. What it says is the shipped
code's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from worlds.designs import Design, Floats
from worlds.generators import DIALS, GENERATORS, MEANS, rate_mean

_ITEMS = 60_000  # drawn for each stand of the dial: the design effect is then known to some 2%
_LEAST, _MOST = 60, 400  # worlds


@dataclass(frozen=True)
class Truth:
    """What is true of two rungs: the gain of the second, and how their differences vary."""

    shift: float
    gain: float
    discordant: float
    design_effect: float


def measure_truth(name: str, design: Design, shift: float, seed: int) -> Truth:
    """Gain, discordance and design effect at this dial, from draws of the same seed for every dial."""
    mean = MEANS.get(name, rate_mean)
    gain = mean(design, shift) - mean(design, 0.0)
    draws = int(np.clip(_ITEMS // design.items, _LEAST, _MOST))
    scores = GENERATORS[name](design, (0.0, shift), draws, np.random.default_rng(seed))
    differences = scores[:, 1] - scores[:, 0]  # [draws, items]
    square = float((differences**2).mean())
    starts = np.concatenate([[0], np.cumsum(design.sizes)[:-1]])
    sums: Floats = np.add.reduceat(differences, starts, axis=1) - gain * design.sizes  # [draws, groups]
    clustered = float((sums**2).mean(axis=0).sum())  # variance of the sum over all items
    effect = clustered / (design.items * max(square - gain**2, 1e-12))
    return Truth(shift, gain, square, max(1.0, effect))


def find_gain(name: str, design: Design, named: Callable[[Truth], float | None], seed: int) -> Truth | None:
    """The truth at which the gain is the named one; None where no dial reaches it."""

    def spare(shift: float) -> float:
        truth = measure_truth(name, design, shift, seed)
        gain = named(truth)
        return truth.gain - (1.0 if gain is None else gain)

    most = DIALS.get(name, 1.0)
    if spare(most) < 0:
        return None
    return measure_truth(name, design, float(brentq(spare, 0.0, most, xtol=5e-4 * most)), seed)
