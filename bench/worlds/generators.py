"""Six ways in which scores of rungs may come about; each can make equal rungs, or one that gains by a dial.

    draw_scores(design, shifts, worlds, rng) -> scores [worlds, rungs, items], 0..1

A rung's `shift` is 0 where it is no better than the base rate; equal shifts are rungs of equal expected score. The
dial has another meaning in each generator, and `calibrate.py` finds where it stands for a gain. Each takes another view
of what makes a group's items alike; none is what the rule or its tests assume.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import expit, ndtr, ndtri

from worlds.designs import Design, Floats

Generator = Callable[[Design, Sequence[float], int, np.random.Generator], Floats]


def draw_single(design: Design, shifts: Sequence[float], worlds: int, rng: np.random.Generator) -> Floats:
    """Items alone in their groups: a share is answered alike by all rungs, the rest by each for itself."""
    alike = rng.random((worlds, 1, design.items)) < design.spread
    common, own = rng.random((worlds, 1, design.items)), rng.random((worlds, len(shifts), design.items))
    rates = np.minimum(design.base + np.asarray(shifts), 1.0)[:, None]
    return (np.where(alike, common, own) < rates).astype(np.float64)


def draw_latent(design: Design, shifts: Sequence[float], worlds: int, rng: np.random.Generator) -> Floats:
    """Probit: a group is hard or easy for all, each rung has groups that suit it, and items vary."""
    groups, rungs = len(design.sizes), len(shifts)
    hard, suit = 1.2 * design.spread, 1.2 * design.suits
    ability = rng.normal(0, 1, (worlds, 1, groups)) * hard + rng.normal(0, 1, (worlds, rungs, groups)) * suit
    item = 0.7 * rng.normal(0, 1, (worlds, 1, design.items)) + 0.7 * rng.normal(0, 1, (worlds, rungs, design.items))
    threshold = ndtri(design.base) * np.sqrt(hard**2 + suit**2 + 2 * 0.7**2)
    return (ability[:, :, design.index] + item + threshold + np.asarray(shifts)[:, None] > 0).astype(np.float64)


def draw_uneven(design: Design, shifts: Sequence[float], worlds: int, rng: np.random.Generator) -> Floats:
    """Beta-binomial: each rung has a rate of its own in each group, and they vary more from rung to rung.

    Rungs of equal mean then have differences that are skewed: equal on the whole, and in hardly any group.
    """
    rungs = len(shifts)
    means = np.clip(design.base + np.asarray(shifts), 1e-3, 1 - 1e-3)[:, None]
    weight = (1 + 30 * (1 - design.suits)) * np.asarray([1.0 if n % 2 else 6.0 for n in range(rungs)])[:, None]
    rates = rng.beta(means * weight, (1 - means) * weight, (worlds, rungs, len(design.sizes)))
    return (rng.random((worlds, rungs, design.items)) < rates[:, :, design.index]).astype(np.float64)


def draw_copies(design: Design, shifts: Sequence[float], worlds: int, rng: np.random.Generator) -> Floats:
    """Groups of near copies: one answer goes for all items of the group, but for a few that go their own way."""
    rungs, groups = len(shifts), len(design.sizes)
    alike = rng.random((worlds, 1, groups)) < 0.5 * design.spread  # all rungs know the group, or none does
    common, own = rng.random((worlds, 1, groups)), rng.random((worlds, rungs, groups))
    drawn = np.where(alike, common, own)[:, :, design.index]
    strays = rng.random((worlds, 1, design.items)) < 0.05 + 0.4 * (1 - design.suits)
    drawn = np.where(strays, rng.random((worlds, rungs, design.items)), drawn)
    return (drawn < np.minimum(design.base + np.asarray(shifts), 1.0)[:, None]).astype(np.float64)


def draw_patches(design: Design, shifts: Sequence[float], worlds: int, rng: np.random.Generator) -> Floats:
    """Every group suits one rung, which does well there at the cost of the rest; nobody is the best everywhere."""
    rungs, groups = len(shifts), len(design.sizes)
    suited = (
        rng.integers(0, rungs, (worlds, groups))[:, None, :] == np.arange(rungs)[:, None]
    )  # [worlds, rungs, groups]
    lift = 0.5 * design.suits
    means = (design.base + np.asarray(shifts))[:, None]
    rates = np.clip(means + np.where(suited, lift, -lift / (rungs - 1)), 0.0, 1.0)
    luck = np.where(rng.random((worlds, 1, design.items)) < design.spread * 0.6,
                    rng.random((worlds, 1, design.items)), rng.random((worlds, rungs, design.items)))  # fmt: skip
    return (luck < rates[:, :, design.index]).astype(np.float64)


def draw_seeds(design: Design, shifts: Sequence[float], worlds: int, rng: np.random.Generator) -> Floats:
    """Each rung trained with three seeds, an item's score their mean: a seed is lucky in some groups (logistic)."""
    rungs, groups, seeds = len(shifts), len(design.sizes), 3
    hard = rng.normal(0, 1.5 * design.spread, (worlds, 1, 1, groups))
    luck = rng.normal(0, 1.5 * design.suits, (worlds, rungs, seeds, groups))
    item = rng.logistic(0, 1, (worlds, 1, 1, design.items))
    centre = np.log(design.base / (1 - design.base)) * np.sqrt(1 + 0.35 * 2.25 * (design.spread**2 + design.suits**2))
    level = (hard + luck)[..., design.index] + item + centre + np.asarray(shifts)[:, None, None]
    return (rng.random((worlds, rungs, seeds, design.items)) < expit(2 * level)).mean(axis=2)


def rate_mean(design: Design, shift: float) -> float:
    """Expected score where the dial adds to the rate itself."""
    return min(design.base + shift, 1.0)


def latent_mean(design: Design, shift: float) -> float:
    """Expected score of the probit: all that varies is normal."""
    spread = np.sqrt((1.2 * design.spread) ** 2 + (1.2 * design.suits) ** 2 + 2 * 0.7**2)
    return float(ndtr(ndtri(design.base) + shift / spread))


def patches_mean(design: Design, shift: float) -> float:
    """Expected score of one of two rungs: half of the groups suit it."""
    lift = 0.5 * design.suits
    return float(np.clip([design.base + shift + lift, design.base + shift - lift], 0.0, 1.0).mean())


def seeds_mean(design: Design, shift: float, draws: int = 40_000) -> float:
    """Expected score of the logistic worlds, over single items of the same draws for every dial."""
    alone = Design(np.ones(draws, dtype=np.int64), design.base, design.spread, design.suits)
    return float(draw_seeds(alone, (shift,), 1, np.random.default_rng(1)).mean())


DIALS = {"latent": 6.0, "seeds": 6.0}  # where a dial ends; a rate's ends at 1
MEANS = {"latent": latent_mean, "patches": patches_mean, "seeds": seeds_mean}  # else the rate's
CLUSTERED: dict[str, Generator] = {
    "latent": draw_latent,
    "uneven": draw_uneven,
    "copies": draw_copies,
    "patches": draw_patches,
    "seeds": draw_seeds,
}
GENERATORS: dict[str, Generator] = {"single": draw_single} | CLUSTERED
