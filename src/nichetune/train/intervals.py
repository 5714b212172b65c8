"""An exact interval of a share, at the number of groups that it was seen in.

exact_interval([True, False, True], ["a", "b", "c"]) -> {"value": 0.667, "low": 0.094, "high": 0.992, "n": 3}
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from nichetune.core.exact import bound_share
from nichetune.core.records import Estimate

_DIGITS = 6


def exact_interval(hits: Sequence[bool], groups: Sequence[str], alpha: float = 0.05) -> Estimate:
    """The exact interval (`core/exact.py`) of the mean, with as many trials as there are groups.

    Where every group holds one item it is the exact interval of these items. Where groups hold several they count as
    one trial each, as if a group's items were wholly alike: never too narrow. No item gives None, never 0.
    """
    if not hits:
        return Estimate(value=None, low=None, high=None, n=0)
    held: defaultdict[str, list[bool]] = defaultdict(list)
    for hit, group in zip(hits, groups, strict=True):
        held[group].append(bool(hit))
    trials, mean = len(held), sum(hits) / len(hits)
    low, high = (round(end, _DIGITS) for end in bound_share(mean * trials, trials, alpha))
    return Estimate(value=round(mean, _DIGITS), low=low, high=high, n=len(hits))
