"""What this benchmark can show, and how often it was looked at.

Material (the verdict's `power`, `looks`) -> a curve of the smallest gain by number of items, and tables

Figures of other sizes hold the observed discordance and design effect fixed: a plan, not a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nichetune.decide.power import POWER, Noise, detectable_gain, items_needed
from nichetune.decide.reasons import percent, points
from nichetune.report.material import Material
from nichetune.report.plots import Curve, Tick, join_points
from nichetune.report.scale import linear_scale
from nichetune.report.words import NO_VALUE

TOP, BOTTOM = 14.0, 226.0  # px
_SIZES = (0.5, 1, 2, 4, 8)  # times the items that there are
_GAINS = (0.01, 0.02, 0.03, 0.05, 0.10)
_CURVE_POINTS = 60


@dataclass(frozen=True)
class Plan:
    """What was observed of two candidates on n items, as far as planning needs it.

    Attributes:
        pair: "B and A", for people.
        discordant: mean square of the differences; for 0/1 scores the share of items on which they differ.
        design_effect: variance of the mean difference over that of as many items alone.
        items_per_group: as many as Kish's number of groups makes of them; None where every item is alone.
    """

    pair: str
    n: int
    groups: int
    discordant: float
    design_effect: float
    alpha: float
    margin: float
    items_per_group: float | None = None

    @property
    def noise(self) -> Noise:
        """What groups add to it."""
        return Noise(self.design_effect, self.items_per_group)

    def find_gain(self, n: int) -> float | None:
        """The smallest gain that n items show: at this discordance, else where each difference is a gain."""
        return detectable_gain(n, self.discordant, self.alpha, POWER, self.noise)

    def find_items(self, gain: float) -> int | None:
        """Items that show this gain."""
        return items_needed(gain, self.discordant, self.alpha, POWER, self.noise)


@dataclass(frozen=True)
class SizeRow:
    """A number of items and what it shows."""

    items: int
    gain: str
    own: bool


@dataclass(frozen=True)
class GainRow:
    """A true gain and the items that show it."""

    gain: str
    items: str
    is_margin: bool


@dataclass(frozen=True)
class LookRow:
    """How often one candidate, named by its digest, was scored on the sealed items."""

    rung: str
    candidate: str
    looks: int


@dataclass(frozen=True)
class Looks:
    """How often each candidate was scored on the sealed items; no rows where the verdict does not say."""

    rows: list[LookRow]
    warnings: list[str]


@dataclass(frozen=True)
class PowerSection:
    """Power and looks; `sentence` for those who read no table."""

    sentence: str
    pair: str
    discordance: str
    design_effect: str
    power: str
    alpha: str
    curve: Curve | None
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    sizes: list[SizeRow]
    gains: list[GainRow]
    looks: Looks | None


def build_power(run: Material) -> PowerSection | None:
    """None where there is nothing to tell apart."""
    told = run.verdict.get("power")
    if not told:
        return None
    n, groups = int(run.verdict["n"]), int(run.verdict["groups"])
    needed = run.verdict.get("n_needed")
    plan = Plan(
        pair=f"{told['pair'][1]} and {told['pair'][0]}",
        n=n,
        groups=groups,
        discordant=float(told["discordant"]),
        design_effect=float(told["design_effect"]),
        alpha=float(run.verdict["alpha"]),
        margin=float(run.verdict["margin"]),
        items_per_group=told.get("items_per_group"),
    )
    open_line = f" About {needed:,} items would settle what stayed open." if needed else ""
    return describe_power(plan, told.get("smallest_gain"), open_line, read_looks(run.verdict))


def describe_power(plan: Plan, gain: float | None, open_line: str, looks: Looks | None) -> PowerSection:
    """The section of a plan.

    Args:
        gain: the smallest that these items show.
        open_line: what else the sentence says.
    """
    curve, x_ticks, y_ticks = _draw(plan)
    gains = sorted({*_GAINS, plan.margin} - {0.0})
    return PowerSection(
        sentence=_write_sentence(plan, gain) + open_line,
        pair=plan.pair,
        discordance=percent(plan.discordant),
        design_effect=f"{plan.design_effect:.2f}",
        power=f"{POWER:g}",
        alpha=f"{plan.alpha:g}",
        curve=curve,
        x_ticks=x_ticks,
        y_ticks=y_ticks,
        sizes=[SizeRow(size, _write_gain(plan.find_gain(size)), size == plan.n) for size in _list_sizes(plan.n)],
        gains=[GainRow(points(one), _write_items(plan.find_items(one)), one == plan.margin) for one in gains],
        looks=looks,
    )


def _list_sizes(n: int) -> list[int]:
    return [max(2, round(n * times)) for times in _SIZES]


def _write_gain(gain: float | None) -> str:
    return "none" if gain is None else points(gain)


def _write_items(items: int | None) -> str:
    return NO_VALUE if items is None else f"{items:,}"


def _write_sentence(plan: Plan, gain: float | None) -> str:
    if gain is None:
        return f"With {plan.n:,} items no gain at all would be found four times in five."
    return (
        f"With {plan.n:,} items in {plan.groups:,} groups a true gain of {points(gain)} points is told from none "
        "four times in five; a smaller one is missed more often."
    )


def _draw(plan: Plan) -> tuple[Curve | None, list[Tick], list[Tick]]:
    """The smallest gain by number of items, linear in both."""
    most = plan.n * _SIZES[-1]
    least = plan.n / 4  # with fewer the curve is a wall
    sizes = [max(2, round(least + (most - least) * (k / _CURVE_POINTS) ** 2)) for k in range(_CURVE_POINTS + 1)]
    known = [(size, gain) for size in dict.fromkeys(sizes) if (gain := plan.find_gain(size)) is not None]
    if len(known) < 2:
        return None, [], []
    x, y = linear_scale([0.0, float(most)]), linear_scale([0.0, *(gain for _, gain in known)], 4)

    def height(gain: float) -> float:
        return round(BOTTOM - y.at(gain) / 100 * (BOTTOM - TOP), 2)

    return (
        Curve("smallest gain", join_points([(x.at(size), height(gain)) for size, gain in known])),
        [Tick(x.at(t), f"{t:,g}") for t in x.ticks],
        [Tick(height(t), points(t).removesuffix(".0")) for t in y.ticks],
    )


def read_looks(verdict: dict[str, Any]) -> Looks:
    """Looks by candidate, and the verdict's warnings of them."""
    told: dict[str, Any] = verdict.get("looks") or {}
    rows = [LookRow(str(c["rung"]), str(c["candidate"]), int(c["times"])) for c in told.get("candidates") or ()]
    return Looks(rows, [str(one) for one in told.get("warnings") or ()])
