"""What a synthetic benchmark is made of before anybody answers it: groups, their sizes, a base rate.

A generator turns a `Design` into scores; how strongly rungs suit different groups is drawn here, so that one design
serves many worlds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BASES = (0.02, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.98)
MOST_IN_A_GROUP = 40
LEAST_GROUPS, MOST_GROUPS = 10, 100


@dataclass(frozen=True)
class Design:
    """One benchmark.

    Attributes:
        sizes: [groups], items of each.
        base: the rate at which the cheaper rung is right, 0..1.
        spread: how unlike groups are, 0..1; what it means is the generator's.
        suits: how much rungs suit different groups, 0..1; likewise.
    """

    sizes: NDArray[np.int64]
    base: float
    spread: float
    suits: float

    @property
    def index(self) -> NDArray[np.int64]:
        """Each item's group. [items]"""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @property
    def items(self) -> int:
        """How many items there are."""
        return int(self.sizes.sum())


def draw_design(rng: np.random.Generator, single: bool = False) -> Design:
    """A benchmark of 10 to 100 groups of 1 to 40 items; `single`: of groups of one item, up to 500 of them."""
    groups = int(np.exp(rng.uniform(np.log(LEAST_GROUPS), np.log(5 * MOST_GROUPS if single else MOST_GROUPS)))) + 1
    sizes = np.ones(groups, dtype=np.int64) if single else _draw_sizes(rng, min(groups, MOST_GROUPS))
    return Design(sizes, float(rng.choice(BASES)), float(rng.uniform(0, 1)), float(rng.uniform(0, 1)))


def _draw_sizes(rng: np.random.Generator, groups: int) -> NDArray[np.int64]:
    """Equal sizes, any sizes, or many small groups beside a few large ones."""
    shape = rng.integers(3)
    if shape == 0:
        return np.full(groups, int(rng.integers(2, 13)), dtype=np.int64)
    if shape == 1:
        return rng.integers(1, MOST_IN_A_GROUP + 1, groups)
    return np.minimum(rng.geometric(rng.uniform(0.1, 0.5), groups), MOST_IN_A_GROUP)
