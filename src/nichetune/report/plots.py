"""What is drawn: dots with whiskers, a scatter, curves, as positions that the templates turn into SVG.

figures + a scale -> `DotPlot(rows=[DotRow(name="qlora", at=65.2, low=58.0, high=71.7, ...)])`, no drawing here
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nichetune.core.records import Estimate
from nichetune.decide.reasons import percent
from nichetune.report.scale import Scale, share_scale
from nichetune.report.words import write_interval, write_value


@dataclass(frozen=True)
class Tick:
    """A round number on an axis, with its place; `anchor` keeps the text inside the plot."""

    at: float
    text: str

    @property
    def anchor(self) -> str:
        """SVG's text-anchor."""
        return "start" if self.at < 2 else "end" if self.at > 98 else "middle"


@dataclass(frozen=True)
class DotRow:
    """One line of a dot plot: places in percent; None where there is no figure or no interval."""

    name: str
    at: float | None
    low: float | None
    high: float | None
    value: str
    interval: str
    note: str = ""
    marked: bool = False
    bound: float | None = None


@dataclass(frozen=True)
class Line:
    """A vertical line of reference."""

    at: float
    text: str
    kind: str = "zero"


@dataclass(frozen=True)
class DotPlot:
    """Dots with whiskers, one row a rung or a pair."""

    title: str
    meaning: str
    rows: list[DotRow]
    ticks: list[Tick]
    lines: list[Line]


def plot_figures(
    title: str, meaning: str, figures: Sequence[tuple[str, Estimate | None]], marked: str, absent: str = "no figure"
) -> DotPlot:
    """A dot plot of shares, 0 to 100%."""
    scale = share_scale()
    rows = [_place_figure(name, figure, scale, marked, absent) for name, figure in figures]
    return DotPlot(title, meaning, rows, [Tick(scale.at(t), percent(t).replace(".0", "")) for t in scale.ticks], [])


def _place_figure(name: str, figure: Estimate | None, scale: Scale, marked: str, absent: str) -> DotRow:
    if figure is None or figure.value is None:
        return DotRow(name, None, None, None, absent, "", marked=name == marked)
    low, high = (None if end is None else scale.at(end) for end in (figure.low, figure.high))
    value, interval = write_value(figure), write_interval(figure)
    return DotRow(name, scale.at(figure.value), low, high, value, interval, f"n = {figure.n}", name == marked)


@dataclass(frozen=True)
class Curve:
    """A line through points, as SVG's `points` in a box of 100 x `height`."""

    name: str
    points: str
    faint: str = ""


def join_points(points: Sequence[tuple[float, float]]) -> str:
    """SVG's notation for a line's points."""
    return " ".join(f"{x:g},{y:g}" for x, y in points)
