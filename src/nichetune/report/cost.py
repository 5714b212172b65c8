"""Quality against cost: what each rung costs over the horizon, and what it gives for it.

Material -> a scatter (dollars on a logarithmic axis), its frontier, and the tables of costs and of what was counted
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nichetune.decide.reasons import percent, usd
from nichetune.evaluate.resources import Resources
from nichetune.report.material import Material, Rung
from nichetune.report.plots import Tick, join_points
from nichetune.report.scale import Scale, log_scale, share_scale
from nichetune.report.words import NO_VALUE, write_round_usd, write_value

TOP, BOTTOM = 16.0, 296.0  # px: between them lies 100% to 0%
_LABEL_HEIGHT = 17.0  # px
_LABEL_WIDTH = 30.0  # percent of a phone's width that a label may take


@dataclass(frozen=True)
class Mark:
    """One rung in the scatter: x in percent of the width, y in px; its label may stand a little higher."""

    name: str
    x: float
    y: float
    marked: bool
    label_y: float = 0.0
    anchor: str = "start"

    @property
    def shift(self) -> int:
        """Distance of the label from the dot, px."""
        return 11 if self.anchor == "start" else -11


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
    on_frontier: bool


@dataclass(frozen=True)
class UsedRow:
    """What one rung used, counted: tokens and operations of an answer, operations of all trainings, bytes that ship."""

    name: str
    prompt: str
    cached: str
    new: str
    serving: str
    training: str
    stored: str
    marked: bool


@dataclass(frozen=True)
class CostSection:
    """The scatter and its tables."""

    metric: str
    answers: int
    months: float
    marks: list[Mark]
    frontier: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    rows: list[CostRow]
    used: list[UsedRow]
    has_speed_page: bool


def build_cost(run: Material) -> CostSection:
    """Places the rungs that have the primary metric; the table names all."""
    scale = log_scale([rung.cost.usd_per_1000 for rung in run.rungs])
    answering = [rung for rung in run.rungs if rung.figure(run.primary)]
    marks = spread_labels([_place(rung, run, scale) for rung in answering])
    prices = run.settings.economics
    return CostSection(
        metric=run.primary,
        answers=round(prices.horizon_answers),
        months=prices.horizon_months,
        marks=marks,
        frontier=join_points(trace_frontier(marks)),
        x_ticks=[Tick(_inset(scale.at(t)), write_round_usd(t)) for t in scale.ticks],
        y_ticks=[Tick(_height(t), percent(t).replace(".0", "")) for t in share_scale().ticks],
        rows=[_describe(rung, run, {mark.name for mark in find_best(marks)}) for rung in run.rungs],
        used=[_count(rung, rung.resources, rung.name == run.ship) for rung in run.rungs if rung.resources],
        has_speed_page=run.has_speed_page,
    )


def _count(rung: Rung, used: Resources, marked: bool) -> UsedRow:
    training = used.train_flops + sum(one.train_flops for one in rung.other_seeds)
    return UsedRow(
        name=rung.name,
        prompt=f"{used.prompt_tokens / used.items:,.1f}",
        cached=f"{used.cached_prompt_tokens / used.items:,.1f}",
        new=f"{used.new_tokens / used.items:,.1f}",
        serving=_round_flops(used.serve_flops / used.items),
        training=_round_flops(training),
        stored=f"{used.storage_bytes / 2**20:,.1f}",
        marked=marked,
    )


def _round_flops(flops: float) -> str:
    """Operations in thousands of millions; a dash where none were counted."""
    if not flops:
        return NO_VALUE
    return f"{flops / 1e9:.3g}" if flops < 1e11 else f"{flops / 1e9:,.0f}"


def _inset(at: float) -> float:
    """Leaves room at both edges, so that no dot is cut."""
    return round(8 + 0.8 * at, 2)


def _height(share: float) -> float:
    return round(BOTTOM - share * (BOTTOM - TOP), 2)


def _place(rung: Rung, run: Material, scale: Scale) -> Mark:
    figure = rung.figure(run.primary)
    y = _height(figure.value or 0.0) if figure else BOTTOM
    return Mark(rung.name, _inset(scale.at(rung.cost.usd_per_1000)), y, rung.name == run.ship)


def spread_labels(marks: Sequence[Mark]) -> list[Mark]:
    """Writes labels away from close neighbours; from the lowest dot up, one that meets another is lifted over it."""
    placed: list[Mark] = []
    for mark in sorted(marks, key=lambda m: (-m.y, m.x)):
        anchor = _choose_anchor(mark, marks)
        label = mark.y
        for other in sorted(placed, key=lambda m: -m.label_y):
            near = abs(other.x - mark.x) < _LABEL_WIDTH and other.anchor == anchor
            if near and abs(label - other.label_y) < _LABEL_HEIGHT:
                label = other.label_y - _LABEL_HEIGHT
        placed.append(replace(mark, label_y=round(label, 2), anchor=anchor))
    return sorted(placed, key=lambda m: (m.x, m.name))


def _choose_anchor(mark: Mark, marks: Sequence[Mark]) -> str:
    """The side on which there is room: the plot's edges first, then whoever stands at the same height."""
    level = [m.x for m in marks if m is not mark and abs(m.y - mark.y) < _LABEL_HEIGHT]
    if mark.x > 85:
        return "end"
    if any(0 <= mark.x - x < _LABEL_WIDTH for x in level):
        return "start"
    crowded = any(0 < x - mark.x < _LABEL_WIDTH for x in level)
    return "end" if mark.x > 70 or (crowded and mark.x > 25) else "start"


def find_best(marks: Sequence[Mark]) -> list[Mark]:
    """The rungs to which none gives as much for less, the cheapest first."""
    best: list[Mark] = []
    for mark in sorted(marks, key=lambda m: (m.x, m.y)):
        if not best or mark.y < best[-1].y:
            best.append(mark)
    return best


def trace_frontier(marks: Sequence[Mark]) -> list[tuple[float, float]]:
    """The best quality that money buys so far, as a stair from left to right."""
    best = find_best(marks)
    if not best:
        return []
    corners = [[(b.x, a.y), (b.x, b.y)] for a, b in itertools.pairwise(best)]
    return [(best[0].x, best[0].y), *itertools.chain(*corners), (100.0, best[-1].y)]


def _describe(rung: Rung, run: Material, frontier: set[str]) -> CostRow:
    cost = rung.cost
    return CostRow(
        name=rung.name,
        quality=write_value(rung.figure(run.primary)),
        training=usd(cost.training_usd),
        storage=usd(cost.storage_usd),
        serving=usd(cost.serving_usd),
        total=usd(cost.total_usd),
        per_1000=usd(cost.usd_per_1000),
        marked=rung.name == run.ship,
        on_frontier=rung.name in frontier,
    )
