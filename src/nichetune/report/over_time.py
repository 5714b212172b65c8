"""A suite over time: each rung's figures by slice, their slope, what changed judged apart, and what retrieval adds.

a suite's `slices`, `slopes`, `changed` by rung, and the verdict's `drift` -> curves, and the tables behind them

    {"2021": {"all.success": {"value": 0.7, …}}, "2026": {…}} -> a row a slice, a column a rung
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nichetune.core.records import Estimate
from nichetune.decide.reasons import points
from nichetune.evaluate.drift import CHANGED, LEAST_SLICES, STAYED
from nichetune.report.material import Material
from nichetune.report.plots import Curve, DotPlot, DotRow, Line, Tick, join_points
from nichetune.report.quality import Cell
from nichetune.report.scale import linear_scale, share_scale
from nichetune.report.words import NO_VALUE, write_gain, write_interval, write_value

TOP, BOTTOM = 14.0, 226.0  # px
_MOST_TICK = 10  # characters of a slice's name that fit below an axis on a phone


@dataclass(frozen=True)
class PartRow:
    """One metric in one part of the suite: a slice, what changed, what stayed; or its slope."""

    metric: str
    part: str
    cells: list[Cell]


@dataclass(frozen=True)
class GainRow:
    """What retrieval adds to a tuned rung in one part, in points."""

    pair: str
    part: str
    gain: str
    interval: str
    n: int


@dataclass(frozen=True)
class OverTime:
    """One suite's parts.

    Attributes:
        sentence: what the share of changed items is, and why there is no slope where there is none.
        curves: of `metric` by slice; none where there are not two slices.
    """

    sentence: str
    metric: str
    rungs: list[str]
    curves: list[Curve]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    rows: list[PartRow]
    gain_plot: DotPlot | None
    gains: list[GainRow]


def build_over_time(
    run: Material, suite: str, told: Mapping[str, Mapping[str, Any]], metrics: Sequence[str]
) -> OverTime | None:
    """None where the suite has no parts.

    Args:
        told: by rung, what it gave in the suite.
        metrics: those to be shown, the most telling first.
    """
    slices = list(dict.fromkeys(name for one in told.values() for name in one.get("slices") or ()))
    changed = [one["changed"] for one in told.values() if one.get("changed")]
    if not metrics or not (len(slices) > 1 or changed):
        return None
    drift = [one for one in run.verdict.get("drift") or () if one["suite"] == suite]
    x_ticks = [Tick(_across(n, slices), _shorten(name)) for n, name in enumerate(slices)]
    return OverTime(
        sentence=_say(slices, changed),
        metric=metrics[0],
        rungs=list(told),
        curves=[_draw(rung, one, slices, metrics[0]) for rung, one in told.items()] if len(slices) > 1 else [],
        x_ticks=x_ticks,
        y_ticks=[Tick(_height(t), f"{100 * t:g}%") for t in share_scale().ticks],
        rows=[row for metric in metrics for row in _list_parts(run, told, slices, metric)],
        gain_plot=_plot_gains(drift) if drift else None,
        gains=[_describe(one) for one in drift],
    )


def _say(slices: Sequence[str], changed: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    if changed:
        share = Estimate.model_validate(changed[0]["share"])
        parts.append(f"The right answer of {write_value(share)} of {share.n:,} items is no longer what it was.")
    if 1 < len(slices) < LEAST_SLICES:
        parts.append(f"Fewer than {LEAST_SLICES} slices of time: they are compared, and no slope is drawn.")
    return " ".join(parts)


def _across(place: int, slices: Sequence[str]) -> float:
    return round(100 * place / max(1, len(slices) - 1), 2)


def _height(share: float) -> float:
    return round(BOTTOM - share * (BOTTOM - TOP), 2)


def _shorten(name: str) -> str:
    """`1: 2026-01-02 to 2026-02-11` -> `1`: whole names stand in the table."""
    return name if len(name) <= _MOST_TICK else name.partition(":")[0][:_MOST_TICK]


def _figure(told: Mapping[str, Any] | None, metric: str) -> Estimate | None:
    figure = (told or {}).get(metric)
    return Estimate.model_validate(figure) if figure else None


def _draw(rung: str, told: Mapping[str, Any], slices: Sequence[str], metric: str) -> Curve:
    figures = [(n, _figure((told.get("slices") or {}).get(name), metric)) for n, name in enumerate(slices)]
    known = [(_across(n, slices), _height(f.value)) for n, f in figures if f is not None and f.value is not None]
    return Curve(rung, join_points(known))


def _list_parts(
    run: Material, told: Mapping[str, Mapping[str, Any]], slices: Sequence[str], metric: str
) -> list[PartRow]:  # fmt: skip
    rows = [PartRow(metric, name, [_cell(run, r, one, "slices", name, metric) for r, one in told.items()])
            for name in (slices if len(slices) > 1 else ())]  # fmt: skip
    for part, title in ((CHANGED, "what changed"), (STAYED, "what stayed")):
        if any(one.get("changed") for one in told.values()):
            cells = [_cell(run, rung, one, "changed", part, metric) for rung, one in told.items()]
            rows.append(PartRow(metric, title, cells))
    if len(slices) >= LEAST_SLICES:
        cells = [_write_slope(_figure(one.get("slopes"), metric), rung == run.ship) for rung, one in told.items()]
        rows.append(PartRow(metric, "slope, points a slice", cells))
    return rows


def _cell(run: Material, rung: str, told: Mapping[str, Any], kind: str, part: str, metric: str) -> Cell:
    figure = _figure((told.get(kind) or {}).get(part), metric)
    return Cell(write_value(figure), write_interval(figure), figure.n if figure else 0, rung == run.ship)


def _write_slope(figure: Estimate | None, marked: bool) -> Cell:
    if figure is None or figure.value is None:
        return Cell(NO_VALUE, "", 0, marked)
    return Cell(write_gain(figure.value), write_interval(figure), figure.n, marked)


def _plot_gains(drift: Sequence[Mapping[str, Any]]) -> DotPlot:
    scale = linear_scale([0.0, *(float(one[key]) for one in drift for key in ("low", "high", "difference"))])
    rows = [
        DotRow(
            f"{one['b']}, {one['part']}", scale.at(one["difference"]), scale.at(one["low"]), scale.at(one["high"]),
            write_gain(one["difference"]), _between(one),
        )
        for one in drift
    ]  # fmt: skip
    ticks = [Tick(scale.at(t), write_gain(t).replace(".0", "")) for t in scale.ticks]
    meaning = "points, the same tuned rung with retrieval minus without, on the same items"
    return DotPlot("What retrieval adds", meaning, rows, ticks, [Line(scale.at(0.0), "no difference")])


def _between(one: Mapping[str, Any]) -> str:
    return f"{points(one['low'])} to {points(one['high'])}"


def _describe(one: Mapping[str, Any]) -> GainRow:
    pair = f"{one['b']} − {one['a']}"
    return GainRow(pair, str(one["part"]), write_gain(one["difference"]), _between(one), int(one["n"]))
