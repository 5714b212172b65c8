"""Which metrics fell: a new rung against the one in production, paired on the sealed items that both answered.

Reads two `Evaluated` -> the metrics whose 95% interval of new - old lies on the wrong side of 0:

    [{"metric": "triage.side", "old": 0.93, "new": 0.88, "difference": -0.05, "low": -0.08, "high": -0.02, ...}]

Each metric is its own question ("did this one fall?"), so no correction for their number is made: a false alarm
costs a look, a missed fall costs trust.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nichetune.decide.evaluated import Evaluated
from nichetune.decide.ladder import Rule
from nichetune.decide.paired import PairedSet, six_digits
from nichetune.evaluate.metrics import fewer_is_better


@dataclass(frozen=True)
class Regression:
    """One metric that fell, new - old."""

    metric: str
    old: float
    new: float
    difference: float
    low: float
    high: float
    p: float
    n: int
    groups: int

    def to_json(self) -> dict[str, Any]:
        """For `verdict.json`."""
        return {key: six_digits(v) if isinstance(v, float) else v for key, v in asdict(self).items()}


def find_regressions(new: Evaluated, old: Evaluated, rule: Rule) -> list[Regression]:
    """Compares every metric that both hold on at least one common item."""
    names = [name for name in new.metrics if name in old.metrics]
    return [fallen for name in names if (fallen := _compare_metric(name, new, old, rule))]


def _compare_metric(name: str, new: Evaluated, old: Evaluated, rule: Rule) -> Regression | None:
    now, before = new.column(name), old.column(name)
    items = sorted(now.keys() & before.keys())
    scores = np.asarray([[before[i] for i in items], [now[i] for i in items]], dtype=np.float64)
    if not items or np.array_equal(scores[0], scores[1]):  # equal answers need no test
        return None
    groups = [new.scores[i].group for i in items]
    paired = PairedSet(scores, groups, [(0, 1)], rule.resamples, rule.seed).compare(0, 0.0, rule.alpha)
    fell = paired.low > 0 if fewer_is_better(name) else paired.high < 0
    if not fell:
        return None
    old_mean, new_mean = (float(row.mean()) for row in scores)
    return Regression(
        name, old_mean, new_mean, paired.difference, paired.low, paired.high, paired.p, paired.n, paired.groups
    )
