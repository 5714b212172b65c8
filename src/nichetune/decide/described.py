"""Comparisons and outlook as verdict.json holds them: six digits, plain data.

{"a": "classical", "b": "qlora", "metric": "triage.exact_form", "difference": 0.123, "low": 0.061, ...}
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from nichetune.decide.ladder import Comparison
from nichetune.decide.paired import six_digits
from nichetune.decide.planning import Outlook


def describe_comparison(comparison: Comparison, metric: str) -> dict[str, Any]:
    """One pair of rungs; differences are dearer minus cheaper."""
    paired = comparison.paired
    figures = {name: six_digits(getattr(paired, name)) for name in ("difference", "low", "high", "p", "p_margin")}
    return {
        "a": comparison.a,
        "b": comparison.b,
        "metric": metric,
        **figures,
        "p_adjusted": six_digits(comparison.p_adjusted),
        "level": six_digits(comparison.level),
        "lower_adjusted": six_digits(comparison.lower_adjusted),
        "n": paired.n,
        "groups": paired.groups,
        "method": paired.method,
        "decision": comparison.decision,
        **({"pays": comparison.pays} if comparison.pays else {}),
    }


def describe_outlook(outlook: Outlook | None) -> dict[str, Any]:
    """What the benchmark can show, and what would settle what it left open."""
    if outlook is None:
        return {"smallest_detectable_gain": None, "n_needed": None, "seeds_needed": None, "power": None}
    plain = {key: six_digits(v) if isinstance(v, float) else v for key, v in asdict(outlook).items()}
    needed = {"n_needed": plain.pop("items_needed"), "seeds_needed": plain.pop("seeds_needed")}
    return {"smallest_detectable_gain": plain["smallest_gain"], **needed, "power": plain}
