"""Loss curves: one for each trained method, every step faint and a running mean over it.

Material (train/<method>/loss.jsonl) -> `Training`, or None where nothing was tuned
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nichetune.report.material import LossPoint, Material
from nichetune.report.plots import Curve, Tick, join_points
from nichetune.report.scale import Scale, linear_scale

TOP, BOTTOM = 14.0, 226.0  # px
_WINDOWS = 20  # the running mean spans a twentieth of the steps
_MOST_POINTS = 300  # more cannot be seen, and would only make the file heavy
_TABLE_POINTS = 6


@dataclass(frozen=True)
class LossRow:
    """One method's running mean at a few steps."""

    method: str
    cells: list[str]


@dataclass(frozen=True)
class LossTable:
    """Steps differ between methods, so the columns are shares of the training."""

    columns: list[str]
    rows: list[LossRow]


@dataclass(frozen=True)
class Training:
    """Curves and their table."""

    curves: list[Curve]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    table: LossTable


def build_training(run: Material) -> Training | None:
    """Draws all methods on the same axes."""
    losses = {method: points for method, points in run.losses.items() if points}
    if not losses:
        return None
    x = linear_scale([0.0, *(float(p.step) for points in losses.values() for p in points)])
    y = linear_scale([0.0, *(p.loss for points in losses.values() for p in points)], 4)
    return Training(
        curves=[_draw(method, points, x, y) for method, points in losses.items()],
        x_ticks=[Tick(x.at(t), f"{t:,g}") for t in x.ticks],
        y_ticks=[Tick(_height(y, t), f"{t:g}") for t in y.ticks],
        table=_tabulate(losses),
    )


def _height(scale: Scale, loss: float) -> float:
    return round(BOTTOM - scale.at(loss) / 100 * (BOTTOM - TOP), 2)


def _draw(method: str, points: Sequence[LossPoint], x: Scale, y: Scale) -> Curve:
    def place(some: Sequence[LossPoint]) -> str:
        return join_points([(x.at(p.step), _height(y, p.loss)) for p in thin_out(some)])

    return Curve(method, place(smooth(points)), place(points))


def smooth(points: Sequence[LossPoint]) -> list[LossPoint]:
    """The running mean of each step and those before it."""
    width = max(1, len(points) // _WINDOWS)
    means = []
    for n, point in enumerate(points):
        window = points[max(0, n - width + 1) : n + 1]
        means.append(LossPoint(point.step, sum(p.loss for p in window) / len(window)))
    return means


def thin_out(points: Sequence[LossPoint], most: int = _MOST_POINTS) -> list[LossPoint]:
    """Evenly chosen points, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(n * (len(points) - 1) / (most - 1))] for n in range(most)]


def _tabulate(losses: dict[str, list[LossPoint]]) -> LossTable:
    shares = [n / (_TABLE_POINTS - 1) for n in range(_TABLE_POINTS)]
    rows = []
    for method, points in losses.items():
        smoothed = smooth(points)
        chosen = [smoothed[round(share * (len(smoothed) - 1))] for share in shares]
        rows.append(LossRow(method, [f"{p.loss:.3f} (step {p.step:,})" for p in chosen]))
    return LossTable([f"{share:.0%}" for share in shares], rows)
