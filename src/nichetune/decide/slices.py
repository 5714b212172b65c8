"""The gain by time slice: does it hold on items of every year, or is it one good month's?

Reads the items' `valid_from` and the differences of a pair -> `Slice`s in order of time:

    {"slice": "2024", "difference": 0.12, "low": 0.05, "high": 0.19, "n": 84}

Slices are years, or months where all items are of one year. Fewer than ten items are too few to say anything of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nichetune.benchmark.slicing import name_slices
from nichetune.decide.evaluated import Aligned
from nichetune.decide.ladder import Pair, Rule
from nichetune.decide.paired import PairedSet, six_digits
from nichetune.decide.seeds import measure_seeds

_LEAST_ITEMS = 10


@dataclass(frozen=True)
class Slice:
    """One slice of time, with the difference on its items."""

    slice: str
    difference: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """For `verdict.json`."""
        return {key: six_digits(v) if isinstance(v, float) else v for key, v in asdict(self).items()}


def slice_gain(aligned: Aligned, pair: Pair, dates: Mapping[str, str | None], rule: Rule) -> list[Slice]:
    """The gain in each slice, its interval over groups and seeds; nothing where there are not two slices.

    Args:
        dates: `valid_from` by item id.
    """
    names = name_slices([dates.get(item) for item in aligned.items])
    wanted = sorted({name for name in names if name and names.count(name) >= _LEAST_ITEMS})
    if len(wanted) < 2:
        return []
    return [_measure(aligned, pair, np.asarray([own == name for own in names]), name, rule) for name in wanted]


def _measure(aligned: Aligned, pair: Pair, kept: np.ndarray, name: str, rule: Rule) -> Slice:
    groups = [group for group, own in zip(aligned.groups, kept, strict=True) if own]
    spread = measure_seeds({rung: scores[:, kept] for rung, scores in aligned.by_seed.items()})
    scores = np.stack([aligned.scores[aligned.rungs.index(rung)][kept] for rung in pair])
    luck = [spread.between(*pair)] if spread else ()
    paired = PairedSet(scores, groups, [(0, 1)], rule.resamples, rule.seed, luck)
    low, high = paired.interval(0, rule.alpha)
    return Slice(name, float(paired.differences.mean()), low, high, int(kept.sum()))
