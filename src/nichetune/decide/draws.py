"""Random halves and resamples of whole groups: what every test and interval of paired differences is made from.

Reads each group's summed difference and size -> mean differences over drawn groups:

    sums [2, -1, 0], sizes [3, 3, 1] -> halves [0.67, 0.17, ...], resamples [0.14, 0.0, ...]

Flipping the signs of some groups and asking whether the flipped sum reaches the observed one is, group sums written
out, asking whether the mean over the *flipped* groups alone is at most the gain under test. So one set of drawn
halves answers every margin and every level at once: its quantiles are the ends of the interval that the flip test
cannot reject (Hartigan 1969, "Using subsample values as typical values", JASA 64).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nichetune.evaluate.intervals import Floats

_CELLS = 4_000_000  # drawn numbers held at once: 32 MB as float64


@dataclass(frozen=True)
class Draws:
    """Mean differences over drawn groups, one column a pair of rungs.

    Attributes:
        halves: [draws, pairs], means over random halves of the groups, sorted; -inf where no group was drawn.
        highs: the same, sorted, with inf in that place: an empty half can refute nothing, on either side.
        resamples: [draws, pairs], means over as many groups as there are, drawn with replacement.
    """

    halves: Floats
    highs: Floats
    resamples: Floats


@dataclass(frozen=True)
class Ranks:
    """The gains that drawn halves can reject from below.

    Attributes:
        means: [values], means over halves, ascending, each once.
        tails: [values], one-sided p of "the gain is at most this".
        least: the smallest p that so many halves can give.
    """

    means: Floats
    tails: Floats
    least: float


def rank_halves(halves: Floats) -> Ranks:
    """Sorted means over halves with the share of halves at most as large; equal means count one half.

    The mid-distribution of Parzen, read between its points by straight lines (Ma, Genton and Parzen 2011, Annals of
    the Institute of Statistical Mathematics 63); the observed half, the empty one, always counts whole.
    """
    means, first, times = np.unique(np.clip(halves, -1.0, 1.0), return_index=True, return_counts=True)
    whole = len(halves) + 1
    return Ranks(means, (1 + first + times / 2) / whole, 1 / whole)


def draw_groups(sums: Floats, sizes: Floats, draws: int, seed: int) -> Draws:
    """Draws halves and resamples of whole groups.

    Args:
        sums: [groups, pairs], each group's summed differences.
        sizes: [groups], its items.
        draws: of each kind; where all halves are fewer than that, each is taken once instead.
    """
    rng = np.random.default_rng(seed)
    halves = _draw_halves(sums, sizes, draws, rng)
    resamples = _draw_resamples(sums, sizes, draws, rng)
    lows = np.where(np.isnan(halves), -np.inf, halves)
    highs = np.where(np.isnan(halves), np.inf, halves)
    return Draws(np.sort(lows, axis=0), np.sort(highs, axis=0), resamples)


def _draw_halves(sums: Floats, sizes: Floats, draws: int, rng: np.random.Generator) -> Floats:
    groups = len(sizes)
    if 2**groups - 1 <= draws:  # few groups: every half but the empty one, and the test is exact
        every = np.arange(1, 2**groups)[:, None]
        return _means((every >> np.arange(groups)) & 1, sums, sizes)
    return _in_pieces(draws, groups, lambda rows: _means(_random_bits(rng, rows, groups), sums, sizes))


def _random_bits(rng: np.random.Generator, rows: int, groups: int) -> np.ndarray:
    packed = np.frombuffer(rng.bytes(rows * -(-groups // 8)), dtype=np.uint8).reshape(rows, -1)
    return np.unpackbits(packed, axis=1, count=groups)


def _draw_resamples(sums: Floats, sizes: Floats, draws: int, rng: np.random.Generator) -> Floats:
    groups = len(sizes)

    def draw(rows: int) -> Floats:
        picked = rng.integers(0, groups, (rows, groups)) + np.arange(rows)[:, None] * groups
        times = np.bincount(picked.ravel(), minlength=rows * groups).reshape(rows, groups)
        return _means(times, sums, sizes)

    return _in_pieces(draws, groups, draw)


def _in_pieces(draws: int, groups: int, draw) -> Floats:  # type: ignore[no-untyped-def]
    step = max(1, _CELLS // groups)
    return np.concatenate([draw(min(step, draws - start)) for start in range(0, draws, step)])


def _means(times: np.ndarray, sums: Floats, sizes: Floats) -> Floats:
    """Means over groups taken so many times; NaN where none was. times: [draws, groups]."""
    weights = times.astype(np.float64)
    items = weights @ sizes  # [draws]
    with np.errstate(invalid="ignore"):
        return np.round((weights @ sums) / items[:, None], 12)  # equal means compare equal, whatever the order
