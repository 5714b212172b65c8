"""Every pair of a cheaper and a dearer rung, and what fell against production.

Material -> a plot of differences with the margin and the adjusted bound in it, and the tables behind
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from nichetune.decide.reasons import percent, points
from nichetune.report.material import Material
from nichetune.report.plots import DotPlot, DotRow, Line, Tick
from nichetune.report.scale import Scale, linear_scale
from nichetune.report.words import write_gain, write_p


@dataclass(frozen=True)
class PairRow:
    """One comparison in words; differences are dearer minus cheaper, in points."""

    name: str
    difference: str
    interval: str
    p: str
    p_adjusted: str
    bound: str
    method: str
    decision: str
    n: str
    decisive: bool


@dataclass(frozen=True)
class Comparisons:
    """The family of comparisons that the verdict is made from."""

    metric: str
    margin: str
    alpha: str
    plot: DotPlot
    rows: list[PairRow]


def build_comparisons(run: Material) -> Comparisons | None:
    """None where there is but one rung."""
    pairs = run.verdict["comparisons"]
    if not pairs:
        return None
    return Comparisons(
        metric=run.primary,
        margin=points(run.verdict["margin"]),
        alpha=f"{run.verdict['alpha']:g}",
        plot=_plot(run, pairs),
        rows=[_describe(run, pair) for pair in pairs],
    )


def _plot(run: Material, pairs: list[dict[str, Any]]) -> DotPlot:
    margin = float(run.verdict["margin"])
    ends = [pair[key] for pair in pairs for key in ("low", "high", "lower_adjusted")]
    scale = linear_scale([*ends, 0.0, margin])
    lines = [Line(scale.at(0.0), "no difference"), Line(scale.at(margin), f"margin {points(margin)}", "margin")]
    rows = [_place(pair, scale, _is_decisive(run, pair)) for pair in pairs]
    ticks = [Tick(scale.at(t), write_gain(t).replace(".0", "")) for t in scale.ticks]
    return DotPlot(f"Gain on {run.primary}, points", "dearer minus cheaper rung", rows, ticks, lines)


def _place(pair: dict[str, Any], scale: Scale, decisive: bool) -> DotRow:
    interval = f"{points(pair['low'])} to {points(pair['high'])}"
    return DotRow(
        _name(pair), scale.at(pair["difference"]), scale.at(pair["low"]), scale.at(pair["high"]),
        write_gain(pair["difference"]), interval, pair["decision"], decisive, scale.at(pair["lower_adjusted"]),
    )  # fmt: skip


def _name(pair: dict[str, Any]) -> str:
    return f"{pair['b']} − {pair['a']}"


def _is_decisive(run: Material, pair: dict[str, Any]) -> bool:
    """Whether the verdict climbed by this comparison."""
    path = run.verdict.get("path") or []
    return (pair["a"], pair["b"]) in itertools.pairwise(path)


def _describe(run: Material, pair: dict[str, Any]) -> PairRow:
    groups = f" in {pair['groups']} groups" if "groups" in pair else ""
    return PairRow(
        name=_name(pair),
        difference=write_gain(pair["difference"]),
        interval=f"{points(pair['low'])} to {points(pair['high'])}",
        p=write_p(pair["p"]),
        p_adjusted=write_p(pair["p_adjusted"]),
        bound=write_gain(pair["lower_adjusted"]),
        method=pair["method"],
        decision=pair["decision"],
        n=f"{pair['n']}{groups}" if "n" in pair else "",
        decisive=_is_decisive(run, pair),
    )


@dataclass(frozen=True)
class Fallen:
    """One metric that fell against what is in production."""

    metric: str
    old: str
    new: str
    difference: str
    interval: str
    p: str
    n: int


@dataclass(frozen=True)
class Regressions:
    """What fell, and what was compared with what."""

    note: str
    rows: list[Fallen]


def build_regressions(run: Material) -> Regressions:
    """Always there: that nothing fell, or that nothing was compared, is worth a line."""
    note = str(run.verdict.get("previous") or "nothing is in production yet")
    return Regressions(f"{note[0].upper()}{note[1:]}.", [_describe_fall(one) for one in run.verdict["regressions"]])


def _describe_fall(one: dict[str, Any]) -> Fallen:
    interval = f"{points(one['low'])} to {points(one['high'])}"
    old, new = percent(one["old"]), percent(one["new"])
    return Fallen(one["metric"], old, new, write_gain(one["difference"]), interval, write_p(one["p"]), one["n"])
