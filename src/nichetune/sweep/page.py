"""The sweep's page: one file that opens without a network, with every trial on it.

Result -> HTML: what was found, each value against the objective, the looks, and all trials as a table
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nichetune.core.records import Estimate
from nichetune.report.page import render_template
from nichetune.report.plots import Curve, Tick, join_points, plot_figures
from nichetune.report.scale import Scale, linear_scale, log_scale
from nichetune.sweep.result import FINISHED, Result, TrialRow, say_figure

TOP, BOTTOM = 16.0, 196.0  # px
_LOG_FROM = 8.0  # a range so many times as wide as its start is read by order of magnitude


@dataclass(frozen=True)
class Mark:
    """A finished trial in a scatter: x in percent, y in px."""

    x: float
    y: float
    marked: bool


@dataclass(frozen=True)
class Slice:
    """One setting's values against the objective."""

    name: str
    marks: list[Mark]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


@dataclass(frozen=True)
class Looks:
    """The development loss of every trial over its training; the best one is drawn strong."""

    curves: list[Curve]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def render_sweep(project: str, result: Result) -> str:
    """The whole page; the same trials give the same bytes."""
    importance = [(key, Estimate(value=share, low=None, high=None, n=0)) for key, share in result.importance.items()]
    return render_template(
        "sweep.html.j2",
        project=project,
        result=result,
        headline=result.sentences[0],
        slices=[_draw_slice(result, key) for key in result.best.values],
        looks=_draw_looks(result),
        importance=plot_figures("Weight of each setting", "share of the differences between trials", importance, "")
        if importance else None,
        rows=[(row, say_figure(row), [_write(row.values.get(key)) for key in result.best.values])
              for row in result.trials],
    )  # fmt: skip


def _draw_slice(result: Result, key: str) -> Slice:
    rows = [row for row in result.trials if row.state == FINISHED and row.figure and row.figure.value is not None]
    figures = [float(row.figure.value) for row in rows if row.figure and row.figure.value is not None]
    y = linear_scale(figures, 4)
    places, ticks = _place_values([row.values[key] for row in rows])
    marks = [
        Mark(place, _height(y, figure), row is result.best)
        for row, place, figure in zip(rows, places, figures, strict=True)
    ]
    return Slice(key, marks, ticks, [Tick(_height(y, t), f"{t:g}") for t in y.ticks])


def _place_values(values: Sequence[Any]) -> tuple[list[float], list[Tick]]:
    """Numbers on an axis, by order of magnitude where they are far apart; anything else side by side."""
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values) and len(set(values)) > 1:
        low, high = min(values), max(values)
        scale = log_scale(list(values)) if low > 0 and high > _LOG_FROM * low else linear_scale(list(values))
        return [_inset(scale.at(v)) for v in values], [Tick(_inset(scale.at(t)), f"{t:g}") for t in scale.ticks]
    names = sorted({_write(v) for v in values})
    spots = {name: _inset(100 * (n + 0.5) / len(names)) for n, name in enumerate(names)}
    return [spots[_write(v)] for v in values], [Tick(at, name) for name, at in spots.items()]


def _draw_looks(result: Result) -> Looks | None:
    rows = [row for row in result.trials if len(row.looks) > 1]
    if not rows:
        return None
    most = max(len(row.looks) for row in rows)
    y = linear_scale([loss for row in rows for loss in row.looks], 4)
    curves = [_draw_curve(row, most, y, row.number == result.best.number) for row in rows]
    ticks = [Tick(100.0 * n / most, f"{n / most:.0%}") for n in range(most + 1)]
    return Looks(curves, ticks, [Tick(_height(y, t), f"{t:g}") for t in y.ticks])


def _draw_curve(row: TrialRow, most: int, y: Scale, best: bool) -> Curve:
    points = join_points([(100.0 * (n + 1) / most, _height(y, loss)) for n, loss in enumerate(row.looks)])
    return Curve(f"trial {row.number}", points if best else "", "" if best else points)


def _height(scale: Scale, value: float) -> float:
    return round(BOTTOM - scale.at(value) / 100 * (BOTTOM - TOP), 2)


def _inset(at: float) -> float:
    """Leaves room at both edges, so that no dot is cut."""
    return round(8 + 0.84 * at, 2)


def _write(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
