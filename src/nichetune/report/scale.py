"""Axes: where a value stands on one, in percent of its width, and which round numbers are written along it.

    share_scale().at(0.652) -> 65.2      log_scale([0.002, 1.3]).ticks -> 0.001, 0.01, 0.1, 1, 10

Positions are percentages, so that a plot fits a phone and a sheet of paper without its text being stretched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high` with its ticks, linear or logarithmic."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value, 0..100; what lies beyond an end is drawn at that end."""
        low, high, here = (self._warp(x) for x in (self.low, self.high, min(max(value, self.low), self.high)))
        return round(100 * (here - low) / (high - low), 2)

    def _warp(self, value: float) -> float:
        return math.log10(value) if self.log else value


def share_scale() -> Scale:
    """0 to 1, always whole: a cut axis would make small gains look large."""
    return Scale(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))


def linear_scale(values: Sequence[float], ticks: int = 5) -> Scale:
    """From below the least to above the greatest value, on round numbers."""
    low, high = min(values), max(values)
    step = _round_step((high - low or abs(high) or 1.0) / ticks)
    first, last = math.floor(low / step), math.ceil(high / step)
    last += first == last
    return Scale(first * step, last * step, tuple(round(n * step, 10) for n in range(first, last + 1)))


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def log_scale(values: Sequence[float]) -> Scale:
    """Whole decades around the positive values."""
    positive = [value for value in values if value > 0] or [1.0]
    first, last = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    last += first == last
    every = math.ceil((last - first) / 6)  # more labels than that run into one another on a phone
    return Scale(10.0**first, 10.0**last, tuple(10.0**n for n in range(first, last + 1, every)), log=True)
