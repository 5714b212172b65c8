"""Quality against cost: what each rung costs over the horizon, and what it gives for it.

Material -> a scatter (dollars on a logarithmic axis), its frontier, and the table of costs
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from nichetune.decide.reasons import percent, usd
from nichetune.report.material import Material, Rung
from nichetune.report.plots import Tick, join_points
from nichetune.report.scale import Scale, log_scale, share_scale
from nichetune.report.words import write_value

TOP, BOTTOM = 16.0, 296.0  # px: between them lies 100% to 0%
_LABEL_HEIGHT = 17.0  # px
_LABEL_WIDTH = 30.0  # percent of a phone's width that a label may take


@dataclass(frozen=True)
class Mark:
    """One rung in the scatter: x in percent of the width, y in px; its label may stand a little lower."""

    name: str
    x: float
    y: float
    label_y: float
    marked: bool

    @property
    def anchor(self) -> str:
        """Labels near the right edge are written to the left of their dot."""
        return "end" if self.x > 60 else "start"

    @property
    def shift(self) -> int:
        """Distance of the label from the dot, px."""
        return -11 if self.x > 60 else 11


@dataclass(frozen=True)
class CostRow:
    """One rung's dollars."""

    name: str
    quality: str
    training: str
    storage: str
    serving: str
    total: str
    per_1000: str
    marked: bool


@dataclass(frozen=True)
class CostSection:
    """The scatter and its table."""

    metric: str
    answers: int
    months: float
    marks: list[Mark]
    frontier: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    rows: list[CostRow]


def build_cost(run: Material) -> CostSection:
    """Places the rungs that have the primary metric; the table names all."""
    scale = log_scale([rung.cost.usd_per_1000 for rung in run.rungs])
    answering = [rung for rung in run.rungs if rung.figure(run.primary)]
    marks = spread_labels([_place(rung, run, scale) for rung in answering])
    prices = run.settings.economics
    return CostSection(
        metric=run.primary,
        answers=prices.answers,
        months=prices.horizon_months,
        marks=marks,
        frontier=join_points(trace_frontier(marks)),
        x_ticks=[Tick(_inset(scale.at(t)), usd(t)) for t in scale.ticks],
        y_ticks=[Tick(_height(t), percent(t).replace(".0", "")) for t in share_scale().ticks],
        rows=[_describe(rung, run) for rung in run.rungs],
    )


def _inset(at: float) -> float:
    """Leaves room at both edges, so that no dot is cut."""
    return round(8 + 0.86 * at, 2)


def _height(share: float) -> float:
    return round(BOTTOM - share * (BOTTOM - TOP), 2)


def _place(rung: Rung, run: Material, scale: Scale) -> Mark:
    figure = rung.figure(run.primary)
    y = _height(figure.value or 0.0) if figure else BOTTOM
    return Mark(rung.name, _inset(scale.at(rung.cost.usd_per_1000)), y, y, rung.name == run.ship)


def spread_labels(marks: Sequence[Mark]) -> list[Mark]:
    """Moves labels apart: from the lowest dot up, each one is lifted clear of its neighbours that are written."""
    placed: list[Mark] = []
    for mark in sorted(marks, key=lambda m: (-m.y, m.x)):
        near = [other.label_y for other in placed if abs(other.x - mark.x) < _LABEL_WIDTH]
        label = mark.y
        for taken in sorted(near, reverse=True):
            if abs(label - taken) < _LABEL_HEIGHT:
                label = taken - _LABEL_HEIGHT
        placed.append(Mark(mark.name, mark.x, mark.y, round(label, 2), mark.marked))
    return sorted(placed, key=lambda m: (m.x, m.name))


def trace_frontier(marks: Sequence[Mark]) -> list[tuple[float, float]]:
    """The best quality that money buys so far, as a stair from left to right."""
    best: list[Mark] = []
    for mark in sorted(marks, key=lambda m: (m.x, m.y)):
        if not best or mark.y < best[-1].y:
            best.append(mark)
    if not best:
        return []
    corners = [[(b.x, a.y), (b.x, b.y)] for a, b in itertools.pairwise(best)]
    return [(best[0].x, best[0].y), *itertools.chain(*corners), (100.0, best[-1].y)]


def _describe(rung: Rung, run: Material) -> CostRow:
    cost = rung.cost
    amounts = (cost.training_usd, cost.storage_usd, cost.serving_usd, cost.total_usd, cost.usd_per_1000)
    quality = write_value(rung.figure(run.primary))
    return CostRow(rung.name, quality, *(usd(amount) for amount in amounts), marked=rung.name == run.ship)
