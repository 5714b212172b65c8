"""Does the gain hold over other seeds, and over time?

Material (the verdict's `seeds`, `durability`) -> each tuned rung's score by seed, and the gain in each
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nichetune.decide.reasons import percent, points
from nichetune.report.material import Material
from nichetune.report.plots import DotPlot, DotRow, Tick
from nichetune.report.scale import share_scale
from nichetune.report.words import NO_VALUE, write_gain


@dataclass(frozen=True)
class SeedRow:
    """One tuned rung: its score by seed, their mean and standard deviation."""

    rung: str
    scores: list[str]
    mean: str
    deviation: str
    marked: bool


@dataclass(frozen=True)
class TimeRow:
    """The gain on the items of one slice of time."""

    slice: str
    gain: str
    interval: str
    n: int


@dataclass(frozen=True)
class Seeds:
    """Scores and gains by seed; without several seeds only the sentence.

    Attributes:
        pair: "dearer over cheaper", the pair that decided; empty where neither is tuned.
        gains: of that pair, by seed, in points.
    """

    sentence: str
    metric: str
    count: int
    plot: DotPlot | None
    rows: list[SeedRow]
    pair: str
    gains: list[str]
    holds: int
    times: list[TimeRow]


def build_seeds(run: Material) -> Seeds:
    """Always there: that durability was not tested is worth a line."""
    told: dict[str, Any] = run.verdict.get("seeds") or {}
    scores = {str(rung): [float(s) for s in one["scores"]] for rung, one in (told.get("rungs") or {}).items()}
    pair, gains = told.get("pair"), [float(gain) for gain in told.get("gains") or ()]
    return Seeds(
        sentence=str(run.verdict.get("durability") or "The verdict says nothing of seeds."),
        metric=run.primary,
        count=max((len(own) for own in scores.values()), default=0),
        plot=_plot(run, scores) if scores else None,
        rows=[_describe(run, rung, own, told["rungs"][rung]) for rung, own in scores.items()],
        pair=f"{pair[1]} over {pair[0]}" if pair and gains else "",
        gains=[write_gain(gain) for gain in gains],
        holds=int(told.get("holds") or 0),
        times=[_describe_time(one) for one in run.verdict.get("slices") or ()],
    )


def _plot(run: Material, scores: dict[str, list[float]]) -> DotPlot:
    """One row a rung: its seeds' range as the line, their mean as the dot."""
    scale = share_scale()
    rows = [_place(rung, own, rung == run.ship) for rung, own in scores.items()]
    ticks = [Tick(scale.at(t), percent(t).replace(".0", "")) for t in scale.ticks]
    return DotPlot(f"{run.primary} by seed", "the mean of all seeds, and the range of their scores", rows, ticks, [])


def _place(rung: str, scores: Sequence[float], marked: bool) -> DotRow:
    scale, mean = share_scale(), sum(scores) / len(scores)
    low, high = min(scores), max(scores)
    return DotRow(
        rung, scale.at(mean), scale.at(low), scale.at(high), percent(mean), f"{points(low)} to {points(high)}",
        marked=marked,
    )  # fmt: skip


def _describe(run: Material, rung: str, scores: Sequence[float], told: dict[str, Any]) -> SeedRow:
    deviation = told.get("deviation")
    mean = sum(scores) / len(scores)
    spread = NO_VALUE if deviation is None else points(float(deviation))
    return SeedRow(rung, [percent(s) for s in scores], percent(mean), spread, rung == run.ship)


def _describe_time(one: dict[str, Any]) -> TimeRow:
    interval = f"{points(one['low'])} to {points(one['high'])}"
    return TimeRow(str(one["slice"]), write_gain(one["difference"]), interval, int(one["n"]))
