"""Tuned against tuned + retrieval in every part of a suite that is cut by time: who keeps up as the domain moves on?

evaluate/<rung>/suites/<suite>/ -> the verdict's `drift`, and sentences:

    [{"suite": "drift", "a": "qlora", "b": "qlora+rag", "part": "2026", "difference": 0.34, "low": 0.02,
      "high": 0.61, "n": 38}]
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nichetune.benchmark.seal import SUITES
from nichetune.decide.paired import compare_paired, six_digits
from nichetune.decide.reasons import points
from nichetune.decide.suite_scores import read_members, read_suite_scores
from nichetune.evaluate.drift import LEAST_SLICES
from nichetune.evaluate.metrics import SUCCESS

_EVALUATE, _RAG = "evaluate/", "+rag"
_RESAMPLES = 10_000


def compare_over_time(
    inputs: Mapping[str, Path], suites: Mapping[str, Mapping[str, Any]], alpha: float, seed: int
) -> list[dict[str, Any]]:
    """The paired difference of success, in every part of every suite that has parts."""
    found = []
    for suite, rungs in suites.items():
        for a in [rung for rung in rungs if f"{rung}{_RAG}" in rungs]:
            sides = [inputs[f"{_EVALUATE}{rung}"] for rung in (a, f"{a}{_RAG}")]
            for part in read_members(sides[0] / SUITES / suite):
                told = _compare(sides, suite, part, alpha, seed)
                found.append({"suite": suite, "a": a, "b": f"{a}{_RAG}", "part": part, **told})
    return found


def _compare(sides: list[Path], suite: str, part: str, alpha: float, seed: int) -> dict[str, Any]:
    old, new = (read_suite_scores(side, suite, part) for side in sides)
    items = sorted(old.keys() & new.keys())
    a, b = ([side[item].scores[SUCCESS] for item in items] for side in (old, new))
    groups = [old[item].group for item in items]
    paired = compare_paired(a, b, groups, alpha=alpha, resamples=_RESAMPLES, seed=seed)
    told = {name: six_digits(getattr(paired, name)) for name in ("difference", "low", "high")}
    return told | {"n": paired.n}


def say_drift(found: list[dict[str, Any]], suites: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One sentence a pair and suite, the slope where there are slices enough for one."""
    lines = []
    for suite, a, b in dict.fromkeys((one["suite"], one["a"], one["b"]) for one in found):
        told = "; ".join(
            f"{one['part']} {points(one['difference'])} ({points(one['low'])} to {points(one['high'])}, n = {one['n']})"
            for one in found
            if (one["suite"], one["a"]) == (suite, a)
        )
        few = len(suites[suite][a].get("slices") or {}) < LEAST_SLICES
        lines.append(f"Suite {suite}: {b} over {a}, in points: {told}.{' Too few slices for a slope.' * few}")
    return lines
