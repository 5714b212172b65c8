"""What a benchmark can show, before or after anything was scored on it: `nichetune benchmark power`.

Reads a `Plan` (items, groups, how often two rungs differ, what is asked) -> a plain statement:

    {"items": 200, "groups": 200, "discordance": 0.1, "smallest_gain": 0.062, "items_needed": 312, ...}

Where nothing was measured, groups are taken to be alike by an intraclass correlation, and the design effect is Kish's
1 + correlation * (m - 1), m the size of the group that an item finds itself in.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nichetune.core.errors import UserError
from nichetune.core.files import read_json
from nichetune.core.settings import Settings
from nichetune.decide.paired import six_digits
from nichetune.decide.power import (
    POWER,
    Noise,
    achieved_power,
    items_for_non_inferiority,
    items_needed,
    smallest_gain,
    smallest_one_way_gain,
)
from nichetune.decide.reasons import points
from nichetune.decide.seeds import Luck
from nichetune.decide.spending import level_of_look
from nichetune.decide.verdict import read_sealed
from nichetune.evaluate.intervals import effective_groups

DISCORDANCE = 0.10  # two rungs that answer nine items in ten alike; read from the verdict once there is one
CORRELATION = 0.2  # an assumption, and named as one: items of a group share a fifth of the variance of differences
_MOST_ITEMS = 10_000_000
ASSUMED, GIVEN, MEASURED = "assumed", "given", "measured"


@dataclass(frozen=True)
class Plan:
    """A benchmark and what is asked of it.

    Attributes:
        effective: groups of equal size that would tell as much.
        discordance: share of items on which two rungs differ, and where it is from.
        design_effect: variance of a mean difference over that of as many items alone, and where it is from.
        margin: the gain for which items are counted, 0..1; also what a climb must exceed.
        non_inferiority: "not worse by more than", 0..1; 0: not asked.
        rungs: in the ladder; each pair costs its share of alpha (Holm).
        looks: planned; the last one's level is what counts.
        seeds: trainings of each tuned rung.
        seed_deviation: of a tuned rung's score between its trainings, 0..1, and where it is from.
    """

    items: int
    groups: int
    effective: float
    discordance: tuple[float, str] = (DISCORDANCE, ASSUMED)
    design_effect: tuple[float, str] = (1.0, ASSUMED)
    margin: float = 0.02
    alpha: float = 0.05
    power: float = POWER
    non_inferiority: float = 0.0
    rungs: int = 2
    looks: int = 1
    seeds: int = 1
    seed_deviation: tuple[float, str] = (0.0, ASSUMED)

    @property
    def luck(self) -> Luck | None:
        """What the seeds leave open between two tuned rungs, at the fewest degrees of freedom that it may have."""
        if self.seeds < 2:
            return None
        return Luck(2 * self.seed_deviation[0] ** 2 / self.seeds, self.seeds - 1, self.seeds)


def plan_items(items: int, groups: int = 0, correlation: float = CORRELATION) -> Plan:
    """A plan for so many items in equal groups; no groups: every item stands alone.

    Raises:
        UserError: fewer than two items, or more groups than items.
    """
    if not 2 <= items <= _MOST_ITEMS:
        raise UserError(f"{items} items: give --items of 2 to {_MOST_ITEMS:,}")
    if not groups:
        groups = items
    if not 2 <= groups <= items:
        raise UserError(f"{groups} groups of {items} items: give --groups from 2 to the number of items")
    return _plan(np.full(groups, items / groups), items, correlation)


def plan_sealed(settings: Settings, benchmark: Path, verdict: Path, correlation: float = CORRELATION) -> Plan:
    """The plan of a sealed benchmark; what its last verdict measured on it stands in for assumptions.

    Raises:
        UserError: nothing is sealed, or too few items for any verdict.
    """
    sealed = read_sealed(benchmark, settings)
    sizes = Counter(item.group for item in sealed.items)
    plan = _plan(np.asarray(list(sizes.values()), dtype=np.float64), len(sealed.items), correlation)
    plan = replace(plan, margin=sealed.rule.margin, alpha=sealed.rule.alpha, rungs=max(2, len(settings.rungs)),
                   seeds=sealed.seeds)  # fmt: skip
    told = read_json(verdict) if verdict.is_file() else {}
    measured = told.get("power") if told.get("benchmark_digest") == sealed.digest else None
    if not measured or measured["discordant"] <= 0:
        return plan
    spreads = [one["deviation"] for one in told["seeds"]["rungs"].values()] if sealed.seeds > 1 else []
    if spreads:
        plan = replace(plan, seed_deviation=(max(spreads), MEASURED))
    effect = measured["design_effect"] if plan.groups < plan.items else 1.0
    return replace(plan, discordance=(measured["discordant"], MEASURED), design_effect=(effect, MEASURED))


def _plan(sizes: np.ndarray, items: int, correlation: float) -> Plan:
    if not 0 <= correlation <= 1:
        raise UserError(f"the correlation {correlation} is none: give 0 (items alone) to 1 (copies)")
    effective = effective_groups(sizes)
    if len(sizes) == items:
        return Plan(items, items, effective)
    return Plan(items, len(sizes), effective, design_effect=(1 + correlation * (items / effective - 1), ASSUMED))


def state_power(plan: Plan) -> dict[str, Any]:
    """What these items show, as plain data; a gain or number that no benchmark reaches is None.

    Raises:
        UserError: a share that is none.
    """
    _check(plan)
    discordance, effect = plan.discordance[0], plan.design_effect[0]
    level = level_of_look(plan.looks, plan.looks, plan.alpha)
    climb_level = level / (plan.rungs * (plan.rungs - 1) // 2)
    noise = Noise(effect, None if plan.groups == plan.items else plan.items / plan.effective, plan.luck)
    climb = smallest_gain(plan.items, discordance, climb_level, plan.power, noise)
    figures = {
        "smallest_gain": smallest_gain(plan.items, discordance, level, plan.power, noise),
        "smallest_one_way_gain": smallest_one_way_gain(plan.items, level, plan.power, noise),
        "smallest_gain_to_climb": None if climb is None or climb + plan.margin > 1 else climb + plan.margin,
        "items_needed": items_needed(plan.margin, discordance, level, plan.power, noise),
        "power_at_margin": achieved_power(plan.margin, plan.items, max(discordance, plan.margin), level, noise),
        "non_inferiority_items": items_for_non_inferiority(plan.non_inferiority, discordance, level, plan.power, noise),
    }
    return {
        "items": plan.items,
        "groups": plan.groups,
        "effective_groups": six_digits(plan.effective),
        "discordance": discordance,
        "discordance_from": plan.discordance[1],
        "design_effect": six_digits(effect),
        "design_effect_from": plan.design_effect[1],
        "alpha": plan.alpha,
        "level": six_digits(level),
        "power": plan.power,
        "margin": plan.margin,
        "non_inferiority": plan.non_inferiority or None,
        "rungs": plan.rungs,
        "looks": plan.looks,
        "seeds": plan.seeds,
        "seed_deviation": six_digits(plan.seed_deviation[0]),
        "seed_deviation_from": plan.seed_deviation[1],
        **{name: six_digits(figure) if isinstance(figure, float) else figure for name, figure in figures.items()},
    }


def _check(plan: Plan) -> None:
    shares = {
        "discordance": plan.discordance[0],
        "margin": plan.margin,
        "non-inferiority": plan.non_inferiority,
        "seed-deviation": plan.seed_deviation[0],
    }
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise UserError(f"--{name} {share} is no share: give 0 to 1, such as 0.05 for five points")
    if plan.discordance[0] == 0:
        raise UserError("--discordance 0: two rungs that never differ show no gain: give a share above 0")
    if not 0 < plan.alpha < 0.5 or not 0.5 <= plan.power < 1:
        raise UserError(f"alpha {plan.alpha}, power {plan.power}: give --alpha below 0.5 and --power of 0.5 to below 1")
    if not 1 <= plan.design_effect[0] < math.inf:
        raise UserError(f"--design-effect {plan.design_effect[0]}: give a number of 1 (items alone) or more")
    if plan.seeds < 1 or (plan.seeds < 2 and plan.seed_deviation[0] > 0):
        raise UserError(f"--seeds {plan.seeds}: the luck of a training is known from 2 or more of each rung")
    if plan.rungs < 2:
        raise UserError(f"--rungs {plan.rungs}: a ladder that compares has 2 or more")


def describe_power(told: dict[str, Any]) -> list[str]:
    """The statement in sentences."""
    share = f"power {told['power']:g}"
    level = f"alpha {told['alpha']:g}"
    if told["looks"] > 1:
        level += f", the last of {told['looks']} looks at {told['level']:.4f}"
    lines = [
        f"{told['items']:,} items in {told['groups']:,} groups, {points(told['discordance'])}% of the items answered "
        f"differently ({told['discordance_from']}), design effect {told['design_effect']:.2f} "
        f"({_explain_effect(told)}); {level}, {share}.",
        *_say_seeds(told),
        _say_gain(told),
        _say_items(told),
        _say_climb(told),
    ]
    if told["non_inferiority"]:
        needed = told["non_inferiority_items"]
        lines.append(
            f"Items needed to show an equally good rung not worse by {points(told['non_inferiority'])} points, "
            f"one-sided at {told['level']:g}: {'no number is enough' if needed is None else f'{needed:,}'}."
        )
    return lines


def _explain_effect(told: dict[str, Any]) -> str:
    if told["groups"] == told["items"]:
        return "every item alone in its group"
    return f"{told['design_effect_from']}, {told['effective_groups']:.1f} effective groups"


def _say_seeds(told: dict[str, Any]) -> list[str]:
    if told["seeds"] < 2:
        return []
    if not told["seed_deviation"]:
        return [
            f"What {told['seeds']} seeds leave open is not in these figures: --seed-deviation, or a verdict, tells."
        ]
    return [
        f"{told['seeds']} seeds for each tuned rung, whose scores deviate by {points(told['seed_deviation'])} points "
        f"between them ({told['seed_deviation_from']}): gains are those between two tuned rungs."
    ]


def _say_gain(told: dict[str, Any]) -> str:
    if told["smallest_gain"] is not None:
        return f"Smallest gain found: {points(told['smallest_gain'])} points."
    way = told["smallest_one_way_gain"]
    more = "" if way is None else f"; rungs that differ more can show one, from {points(way)} points"
    return f"Smallest gain found: none, {points(told['discordance'])}% of differences cannot reach that power{more}."


def _say_items(told: dict[str, Any]) -> str:
    margin = f"a gain of {points(told['margin'])} points, the margin"
    if told["items_needed"] is None:
        why = "shows no gain" if not told["margin"] else "outweighs what the seeds leave open: train from more of them"
        return f"Items needed to find {margin}: no number of items {why}."
    here = f"{told['items']:,} have power {told['power_at_margin']:.2f}"
    return f"Items needed to find {margin}: {told['items_needed']:,}; {here}."


def _say_climb(told: dict[str, Any]) -> str:
    rungs = f"The verdict of {told['rungs']} rungs climbs"
    if told["smallest_gain_to_climb"] is None:
        return f"{rungs} on no gain with that power."
    return f"{rungs} from a true gain of {points(told['smallest_gain_to_climb'])} points on (over the margin, Holm)."
