"""Risk against coverage: how wrong a rung is on the answers that it is surest of, down to all of them.

Material (predictions with a confidence) -> curves, their areas, and a table of risk by coverage

    confidences [0.9, 0.8, 0.2], right [1, 1, 0] -> coverage [1/3, 2/3, 1], risk [0, 0, 1/3], area 0.111

Selective risk is the mean loss of the covered items (El-Yaniv and Wiener 2010, JMLR 11); the area is its mean over the
k surest items, k = 1..n (Geifman and El-Yaniv 2017). Equal confidences are covered together, as a threshold would; in
the area their losses are spread evenly, which is the expectation over their orders.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from nichetune.decide.reasons import percent
from nichetune.evaluate.metrics import ALL_TASKS
from nichetune.report.material import Material, Rung
from nichetune.report.plots import Curve, Tick, join_points
from nichetune.report.scale import linear_scale, share_scale
from nichetune.report.words import NO_VALUE

TOP, BOTTOM = 14.0, 226.0  # px
COVERAGES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
WHY_MISSING = (
    "Not drawn: no answer of this run holds a confidence. Only a rung whose engine tells how likely its own answer "
    "was can be ordered by it."
)


@dataclass(frozen=True)
class RiskPoint:
    """The loss of the surest share of the items."""

    coverage: float
    risk: float


@dataclass(frozen=True)
class RiskRow:
    """One rung's risks at the table's coverages."""

    rung: str
    n: int
    cells: list[str]
    area: str
    marked: bool


@dataclass(frozen=True)
class RiskCoverage:
    """Curves and their table; `missing` says why there are none."""

    metric: str
    missing: str
    curves: list[Curve]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    columns: list[str]
    rows: list[RiskRow]
    without: list[str]


def build_risk(run: Material) -> RiskCoverage:
    """Always there: that no confidence is known is worth a line."""
    traced = {rung.name: trace_risk(*_read_scores(run, rung)) for rung in run.rungs}
    known = {name: points for name, points in traced.items() if points}
    x, y = share_scale(), linear_scale([0.0, *(p.risk for points in known.values() for p in points), 0.05], 4)

    def height(risk: float) -> float:
        return round(BOTTOM - y.at(risk) / 100 * (BOTTOM - TOP), 2)

    def draw(points: Sequence[RiskPoint]) -> str:
        return join_points([(x.at(p.coverage), height(p.risk)) for p in points])

    return RiskCoverage(
        metric=run.primary,
        missing="" if known else WHY_MISSING,
        curves=[Curve(name, draw(points)) for name, points in known.items()],
        x_ticks=[Tick(x.at(t), percent(t).replace(".0", "")) for t in x.ticks],
        y_ticks=[Tick(height(t), percent(t).replace(".0", "")) for t in y.ticks],
        columns=[f"{share:.0%}" for share in COVERAGES],
        rows=[_describe(run, name, points) for name, points in known.items()],
        without=[rung.name for rung in run.rungs if rung.name not in known and rung.figure(run.primary)],
    )


def _read_scores(run: Material, rung: Rung) -> tuple[list[float], list[float]]:
    """Confidences and scores of the items that the primary metric judges; empty where one tells no confidence."""
    task, _, metric = run.primary.partition(".")
    confidences, scores = [], []
    for item in run.items:
        score, prediction = rung.scores.get(item.id), rung.predictions.get(item.id)
        if score is None or prediction is None or task not in (item.task, ALL_TASKS) or metric not in score.scores:
            continue
        told = getattr(prediction, "confidence", None)  # predictions from before it was kept have none
        if told is None:
            return [], []
        confidences.append(float(told))
        scores.append(score.scores[metric])
    return confidences, scores


def trace_risk(confidences: Sequence[float], scores: Sequence[float]) -> list[RiskPoint]:
    """Risk by coverage, the surest first: one point each distinct confidence."""
    ordered = sorted(zip(confidences, scores, strict=True), key=lambda pair: -pair[0])
    points, covered, lost = [], 0, 0.0
    for _, alike in itertools.groupby(ordered, key=lambda pair: pair[0]):
        losses = [1 - score for _, score in alike]
        covered, lost = covered + len(losses), lost + sum(losses)
        points.append(RiskPoint(covered / len(ordered), lost / covered))
    return points


def measure_area(points: Sequence[RiskPoint], n: int) -> float:
    """The mean risk of the k surest of n items, k = 1..n."""
    total, covered, lost = 0.0, 0, 0.0
    for point in points:
        reached = round(point.coverage * n)
        each = (point.risk * reached - lost) / (reached - covered)  # of the items of equal confidence
        total += sum((lost + each * (k - covered)) / k for k in range(covered + 1, reached + 1))
        covered, lost = reached, point.risk * reached
    return total / n


def risk_at(points: Sequence[RiskPoint], coverage: float) -> float | None:
    """The risk at the smallest coverage of at least this; None where that is more than a tenth away."""
    found = next((p for p in points if p.coverage >= coverage - 1e-9), None)
    return found.risk if found is not None and found.coverage - coverage <= 0.1 else None


def _describe(run: Material, name: str, points: Sequence[RiskPoint]) -> RiskRow:
    cells = [NO_VALUE if (risk := risk_at(points, share)) is None else percent(risk) for share in COVERAGES]
    n = len(_read_scores(run, next(rung for rung in run.rungs if rung.name == name))[0])
    return RiskRow(name, n, cells, f"{measure_area(points, n):.3f}", name == run.ship)
