"""A suite over time: figures by slice, their slope, and what changed judged apart from what stayed.

a suite's slices and changed items + scores -> parts of suite.json, and members.json:

    {"2021": ["q1", …], "2026": ["q7", …], "changed": ["q7", …], "stayed": ["q1", …]}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from nichetune.benchmark.suites import Suite
from nichetune.core.records import Estimate, ItemScore
from nichetune.evaluate.intervals import DIGITS, Floats, effective_groups, estimate_mean, number_groups
from nichetune.evaluate.metrics import ALL_TASKS

MEMBERS = "members.json"
CHANGED, STAYED = "changed", "stayed"
LEAST_SLICES = 4  # through three points any line fits: fewer slices are compared, and get no slope
_BLOCKS = 60  # of whole groups, as for all jackknives here (evaluate/intervals.py)

Summarise = Callable[[set[str]], dict[str, Estimate]]


def list_members(suite: Suite) -> dict[str, list[str]]:
    """The items of each part that is judged apart: slices of time, the oldest first, then what changed and stayed."""
    parts: dict[str, list[str]] = {name: [] for name in sorted(set(suite.slices.values()))}
    for item, name in suite.slices.items():
        parts[name].append(item)
    if suite.changed:
        changed = set(suite.changed)
        parts[CHANGED] = [item.id for item in suite.items if item.id in changed]
        parts[STAYED] = [item.id for item in suite.items if item.id not in changed]
    return {name: items for name, items in parts.items() if items}  # where all has changed, nothing stayed


def judge_over_time(suite: Suite, scores: Sequence[ItemScore], summarise: Summarise, alpha: float) -> dict[str, Any]:
    """The keys of suite.json that tell of time.

    Args:
        summarise: the metrics of the items of these ids.
    """
    members = list_members(suite)
    slices = {name: summarise(set(members[name])) for name in sorted(set(suite.slices.values()))}
    told: dict[str, Any] = {"slices": slices, "slopes": {}, "changed": None}
    if len(slices) >= LEAST_SLICES:
        names = list(dict.fromkeys(metric for figures in slices.values() for metric in figures))
        told["slopes"] = {metric: _slope_of(metric, suite.slices, list(slices), scores, alpha) for metric in names}
    if suite.changed:
        changed = set(suite.changed)
        share = estimate_mean([float(i.id in changed) for i in suite.items], [i.group for i in suite.items], alpha)
        parts = {part: summarise(set(members[part])) for part in (CHANGED, STAYED) if part in members}
        told["changed"] = {"share": share, **parts}
    return told


def _slope_of(
    metric: str, slices: Mapping[str, str], order: list[str], scores: Sequence[ItemScore], alpha: float
) -> Estimate:
    task, _, name = metric.partition(".")
    held = [s for s in scores if s.item in slices and task in (s.task, ALL_TASKS) and name in s.scores]
    places = [order.index(slices[score.item]) for score in held]
    return estimate_slope([s.scores[name] for s in held], places, [s.group for s in held], alpha)


def estimate_slope(
    values: Sequence[float], places: Sequence[int], groups: Sequence[str], alpha: float = 0.05
) -> Estimate:
    """Change of a score from one slice to the next: least squares over items, with a delete-a-group jackknife's t
    interval (Efron 1982, chapter 3); None where fewer than four slices hold an item.

    Args:
        places: each item's slice, counted from 0.
    """
    n = len(values)
    if len(set(places)) < LEAST_SLICES:
        return Estimate(value=None, low=None, high=None, n=n)
    x, y = np.asarray(places, dtype=np.float64), np.asarray(values, dtype=np.float64)
    index, count = number_groups(groups)
    blocks = index % _BLOCKS
    value = _fit_slope(x, y)
    left = [_fit_slope(x[blocks != b], y[blocks != b]) for b in range(min(count, _BLOCKS))]
    known = np.asarray([one for one in left if not math.isnan(one)])
    spread = effective_groups(np.bincount(blocks).astype(np.float64))
    variance = (len(known) - 1) * float(known.var()) if len(known) else 0.0
    if variance < 1e-15:  # nothing varies: no interval is honest
        return Estimate(value=round(value, DIGITS), low=None, high=None, n=n)
    reach = float(stats.t.ppf(1 - alpha / 2, max(1.0, spread - 1))) * math.sqrt(variance)
    return Estimate(
        value=round(value, DIGITS), low=round(value - reach, DIGITS), high=round(value + reach, DIGITS), n=n
    )


def _fit_slope(x: Floats, y: Floats) -> float:
    """Least squares; NaN where all items are of one slice."""
    centred = x - x.mean() if len(x) else x
    square = float((centred**2).sum())
    return float((centred * y).sum()) / square if square else math.nan
