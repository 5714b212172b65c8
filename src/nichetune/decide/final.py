"""The last word: the rung that ships against its runner-up, on the blind holdout that nobody saw before.

verdict.json + scores of both on the blind items -> final.json:

    {"ship": "qlora", "against": "classical", "primary": "triage.exact_form", "n": 84, "groups": 61,
     "rungs": {"qlora": {…}, "classical": {…}}, "difference": 0.41, "low": 0.29, "high": 0.52, "p": 0.0001,
     "margin": 0.02, "decision": "better", "holds": true, "sentence": "On the blind holdout …"}

`decision` says who is better, as `nichetune compare` does. Whether the verdict `holds` is asked by its own rule: a rung
that costs more has to be better by more than the margin, and one that costs less must not be worse by more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nichetune.core.errors import UserError
from nichetune.core.records import ItemScore
from nichetune.decide.compare import decide_difference
from nichetune.decide.paired import Paired, PairedSet, six_digits
from nichetune.decide.reasons import points
from nichetune.evaluate.intervals import estimate_mean
from nichetune.evaluate.metrics import ALL_TASKS

_MEANS = {True: "the verdict holds", False: "the verdict does not hold", None: "too few items to tell"}


def choose_runner_up(verdict: Mapping[str, Any]) -> str:
    """The best of the other rungs on the primary metric, the cheaper of equals; empty where there is no other."""
    primary = str(verdict["primary"])
    figures = {name: told["metrics"].get(primary, {}).get("value") for name, told in verdict["rungs"].items()}
    others = [name for name in verdict["rungs"] if name != verdict["ship"] and figures[name] is not None]
    return max(others, key=lambda name: float(figures[name]), default="")


def judge_final(verdict: Mapping[str, Any], scores: Mapping[str, Sequence[ItemScore]], rule: Any) -> dict[str, Any]:
    """What the blind items say.

    Args:
        scores: by rung: the one that ships, and its runner-up if there is one.
        rule: margin, alpha, resamples and seed that were sealed (decide/ladder.py).

    Raises:
        UserError: no item holds the primary metric.
    """
    primary, ship = str(verdict["primary"]), str(verdict["ship"])
    columns = {rung: _pick(own, primary) for rung, own in scores.items()}
    items = sorted(set.intersection(*(set(column) for column in columns.values())))
    if not items:
        raise UserError(f"no blind item holds {primary}, by which the verdict was decided: seal a larger split.blind")
    groups = [columns[ship][item].group for item in items]
    name = primary.partition(".")[2]
    rows = {rung: [column[item].scores[name] for item in items] for rung, column in columns.items()}
    told: dict[str, Any] = {
        "ship": ship, "against": None, "primary": primary, "n": len(items), "groups": len(set(groups)),
        "margin": rule.margin, "benchmark_digest": verdict["benchmark_digest"],
        "rungs": {rung: estimate_mean(row, groups, rule.alpha) for rung, row in rows.items()},
    }  # fmt: skip
    against = next((rung for rung in rows if rung != ship), "")
    if not against:
        return told | {"sentence": f"On the blind holdout ({_count(told)}) {ship} scored {_say(told, ship)}."}
    matrix = np.asarray([rows[against], rows[ship]], dtype=np.float64)
    paired = PairedSet(matrix, groups, [(0, 1)], rule.resamples, rule.seed).compare(0, rule.margin, rule.alpha)
    decision = decide_difference(paired, rule.margin)
    holds = _holds(paired, rule.margin, _cost(verdict, ship) > _cost(verdict, against))
    figures = {key: six_digits(getattr(paired, key)) for key in ("difference", "low", "high", "p")}
    sentence = (
        f"On the blind holdout ({_count(told)}) {ship} scored {_say(told, ship)} and {against} {_say(told, against)}: "
        f"{points(paired.difference)} points more ({points(paired.low)} to {points(paired.high)}). By the sealed rule "
        f"(margin {points(rule.margin)}) {_MEANS[holds]}."
    )
    return told | {"against": against, **figures, "decision": decision, "holds": holds, "sentence": sentence}


def _cost(verdict: Mapping[str, Any], rung: str) -> float:
    return float(verdict["rungs"][rung]["cost"]["total_usd"])


def _holds(paired: Paired, margin: float, dearer: bool) -> bool | None:
    """Whether the rung that ships earned its place on these items; None where they leave it open."""
    bar = margin if dearer else -margin
    if paired.low > bar:
        return True
    return False if paired.high <= bar else None


def _pick(scores: Sequence[ItemScore], metric: str) -> dict[str, ItemScore]:
    task, _, name = metric.partition(".")
    return {one.item: one for one in scores if task in (one.task, ALL_TASKS) and name in one.scores}


def _count(told: Mapping[str, Any]) -> str:
    return f"n = {told['n']}, {told['groups']} groups"


def _say(told: Mapping[str, Any], rung: str) -> str:
    one = told["rungs"][rung]
    span = "" if one.low is None or one.high is None else f" ({points(one.low)}-{points(one.high)})"
    return f"{points(one.value)}%{span}"
