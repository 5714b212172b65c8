"""The verdict in sentences, for people: plain English, every claim with its number.

Reads the judged ladder, costs, outlook and regressions -> `reasons`:

    "Ship qlora: 12.3 points better than classical on triage.exact_form (95% interval 6.1 to 18.2, adjusted bound
     5.0 > margin 2.0)."
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from nichetune.decide.economics import Cost
from nichetune.decide.ladder import Comparison, Judgement, Rule
from nichetune.decide.planning import MOST_SEEDS, Outlook
from nichetune.decide.regressions import Regression

CLASSICAL = "classical"


Told = Callable[[Comparison], str]  # what a gain is worth and costs, as the end of a sentence


def explain_ladder(judgement: Judgement, metric: str, rule: Rule, told: Told = lambda step: "") -> list[str]:
    """What is shipped and why, then each rung that was passed over on the way, in order of cost."""
    climbs = [judgement.comparison(a, b) for a, b in zip(judgement.path, judgement.path[1:], strict=False)]
    if not climbs:
        sentences = [_explain_staying(judgement, metric, rule, told)]
    else:
        last, before = climbs[-1], climbs[:-1]
        sentences = [f"Ship {judgement.held}: {_gain(last, metric)} ({_proof(last, rule)}){_add(told(last))}."]
        sentences += [f"Before that, {c.b} over {c.a}: {_gain(c, metric)} ({_proof(c, rule)})." for c in before]
    passed = [step for step in _passed(judgement) if climbs or step is not _unpaid(judgement)]
    return sentences + [_explain_passed(step, judgement, rule, told) for step in passed]


def _add(told: str) -> str:
    return f", {told}" if told else ""


def _unpaid(judgement: Judgement) -> Comparison | None:
    """The first proven gain over what is held that was not climbed for: its money is in question."""
    steps = [step for step in _passed(judgement) if step.a == judgement.held]
    return next((step for step in steps if step.decision == "better"), None)


def _explain_staying(judgement: Judgement, metric: str, rule: Rule, told: Told) -> str:
    held, margin = judgement.held, points(rule.margin)
    if (step := _unpaid(judgement)) is not None:
        gain = f"{step.b} is {_difference(step)} {step.a} on {metric} (95% interval {_interval(step)})"
        return f"Ship {held}: {gain}{_add(told(step))}."
    if not judgement.comparisons:
        return f"Ship {held}: it is the only rung scored on {metric}."
    if held != CLASSICAL:
        return (
            f"Ship {held}, the cheapest rung: no dearer one is proven better on {metric} by more than {margin} points."
        )
    if judgement.conclusive:
        return (
            f"Ship {held}: a language model is not worth it here, none is better on {metric} by more than "
            f"{margin} points."
        )
    return (
        f"Ship {held} for now: no language model is proven better on {metric} by more than {margin} points, "
        "so a language model is not worth it here on this evidence."
    )


def _passed(judgement: Judgement) -> list[Comparison]:
    """The comparison at which each rung off the path was weighed: against what was held when its turn came."""
    steps: list[Comparison] = []
    held = judgement.order[0]
    for rung in judgement.order[1:]:
        if rung in judgement.path:
            held = rung
        else:
            steps.append(judgement.comparison(held, rung))
    return steps


def _explain_passed(step: Comparison, judgement: Judgement, rule: Rule, told: Told) -> str:
    margin, paired = points(rule.margin), step.paired
    gain = f"{_difference(step)} {step.a} (95% interval {_interval(step)}"
    if step.decision == "better":
        return f"Not {step.b}: {gain}){_add(told(step))}."
    if step.decision == "worse":
        return f"Not {step.b}: {gain})."
    if step.decision == "no better":
        return f"Not {step.b}: {gain}, upper end at most the margin {margin})."
    settled = "" if step in judgement.unsettled else f", but {judgement.held} is proven better than it"
    return (
        f"Stay below {step.b}: {gain}, adjusted bound {points(step.lower_adjusted)} <= margin {margin} < upper end "
        f"{points(paired.high)}), so its gain is neither proven nor ruled out{settled}."
    )


def explain_openness(judgement: Judgement, outlook: Outlook | None, n: int, seeds: int = 1) -> list[str]:
    """What is open and what would settle it; nothing where the verdict is conclusive."""
    if judgement.conclusive or outlook is None:
        return []
    pairs = ", ".join(f"{c.b} over {c.a}" for c in judgement.unsettled)
    return [f"Not conclusive ({pairs}): {say_what_settles(outlook.items_needed, outlook.seeds_needed, n, seeds)}."]


def say_what_settles(items: int | None, seeds_needed: int | None, n: int, seeds: int) -> str:
    """What would settle an open verdict: items, and seeds where rungs were trained from several."""
    if items is None and seeds > 1:
        return f"neither more items nor {MOST_SEEDS} seeds would settle it"
    if items is None:
        return "the gain lies so near the margin that no number of items would settle it"
    if seeds_needed is None or seeds_needed <= seeds:
        beside = f" in {seeds} seeds" if seeds > 1 else ""
        return f"about {items:,} items{beside} would settle it, the benchmark has {n:,}"
    if items <= n:
        return f"{seeds_needed} seeds would settle it, each rung was trained from {seeds}"
    return f"about {items:,} items and {seeds_needed} seeds would settle it, the benchmark has {n:,} and {seeds}"


def explain_power(outlook: Outlook | None, n: int, groups: int, seeds: int = 1) -> list[str]:
    """The smallest gain that this benchmark finds four times in five, by its items."""
    if outlook is None:
        return []
    if outlook.smallest_gain is None:
        return [f"With {n:,} items in {groups:,} groups no gain at all is found with power 0.8."]
    move = outlook.smallest_gain_to_move
    to_move = f", and climbs at a true gain of {points(move)}" if move is not None else ", and cannot climb on any gain"
    apart = ", what the seeds leave open not counted" if seeds > 1 else ""
    return [
        f"With {n:,} items in {groups:,} groups the benchmark tells a true gain of {points(outlook.smallest_gain)} "
        f"points from none with power 0.8{to_move}{apart}."
    ]


def explain_costs(judgement: Judgement, costs: Mapping[str, Cost], answers: float, seeds: int = 1) -> str:
    """What the shipped rung costs, beside the cheapest one."""
    named = dict.fromkeys((judgement.held, judgement.order[0]))
    parts = [f"{rung} costs {usd(costs[rung].total_usd)} ({usd(costs[rung].usd_per_1000)} per 1,000)" for rung in named]
    trained = "training" if seeds == 1 else f"training from {seeds} seeds"
    return f"For {answers:,.0f} answers, {trained}, storage and serving together: {', '.join(parts)}."


def explain_regressions(regressions: Sequence[Regression], held: str) -> list[str]:
    """One sentence for each metric that fell against production."""
    return [
        f"Regression: {one.metric} went from {percent(one.old)} in production to {percent(one.new)} with {held} "
        f"({points(one.difference)} points, 95% interval {points(one.low)} to {points(one.high)}, n = {one.n})."
        for one in regressions
    ]


def _gain(step: Comparison, metric: str) -> str:
    return f"{_difference(step)} {step.a} on {metric}"


def _difference(step: Comparison) -> str:
    gain = step.paired.difference
    if abs(gain) < 5e-4:
        return "as good as"
    return f"{points(abs(gain))} points {'better' if gain > 0 else 'worse'} than"


def _proof(step: Comparison, rule: Rule) -> str:
    return (
        f"95% interval {_interval(step)}, adjusted bound {points(step.lower_adjusted)} > margin {points(rule.margin)}, "
        f"n = {step.paired.n:,} in {step.paired.groups:,} groups"
    )


def _interval(step: Comparison) -> str:
    return f"{points(step.paired.low)} to {points(step.paired.high)}"


def points(share: float) -> str:
    """A share of 0..1 as percentage points, one digit, never "-0.0"."""
    return f"{round(100 * share, 1) + 0.0:.1f}"


def percent(share: float) -> str:
    """A share of 0..1 in percent."""
    return f"{points(share)}%"


def usd(amount: float) -> str:
    """Dollars: cents from ten cents up, two significant digits below, never in powers of ten."""
    if amount == 0:
        return "$0"
    size = abs(amount)
    digits = 2 if size >= 0.1 else 1 - math.floor(math.log10(size))
    return f"{'-' if amount < 0 else ''}${size:,.{digits}f}"
