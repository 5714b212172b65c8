"""Which assumption, moved by what factor, turns the verdict: the rule applied again at other prices.

Reads the rungs, their scores and `economics` -> `Turn`s, the nearest first:

    [{"assumption": "requests_per_month", "factor": 4.3, "ship": "full"}, …]

Each assumption is moved alone, up and down to a hundredfold, by the steps of `_FACTORS`; between the last step that
changes nothing and the first that does, the factor is found to a twentieth. Scores, groups and seeds stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from nichetune.core.settings import EconomicsSettings

_FACTORS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)
_CLOSE = 1.05  # ratio of the two factors between which a turn is known to lie
_MOVED = (
    "requests_per_month", "answers", "usd_per_wrong_answer", "usd_per_abstention", "usd_per_escalation",
    "usd_per_review", "usd_per_machine_hour", "usd_per_gib_month", "trainings", "horizon_months",
)  # fmt: skip
_ONLY_UP = ("trainings",)  # there is at least one

Shipped = Callable[[EconomicsSettings], str]


@dataclass(frozen=True)
class Turn:
    """An assumption that, times this factor, would ship another rung."""

    assumption: str
    factor: float
    ship: str

    def to_json(self) -> dict[str, Any]:
        """For `verdict.json`."""
        return asdict(self)


def find_turns(prices: EconomicsSettings, shipped: Shipped) -> list[Turn]:
    """Moves every assumption that counts.

    Args:
        shipped: the rung that the rule ships at other prices.
    """
    now = shipped(prices)
    turns: list[Turn] = []
    for name in _MOVED:
        value = getattr(prices, name)
        if not value or (name == "answers" and prices.requests_per_month):
            continue
        for factors in (_FACTORS, () if name in _ONLY_UP else tuple(1 / f for f in _FACTORS)):
            if turn := _find_turn(prices, name, factors, now, shipped):
                turns.append(turn)
    return sorted(turns, key=lambda turn: abs(math.log(turn.factor)))


def _find_turn(
    prices: EconomicsSettings, name: str, factors: tuple[float, ...], now: str, shipped: Shipped
) -> Turn | None:
    def ship(factor: float) -> str:
        return shipped(prices.model_copy(update={name: getattr(prices, name) * factor}))

    near = 1.0
    for factor in factors:
        if ship(factor) != now:
            break
        near = factor
    else:
        return None
    while max(factor / near, near / factor) > _CLOSE:
        middle = math.sqrt(near * factor)
        near, factor = (near, middle) if ship(middle) != now else (middle, factor)
    return Turn(name, float(f"{factor:.3g}"), ship(factor))
