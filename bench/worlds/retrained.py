"""Rungs that are trained again from other seeds: what the crossed view of `decide/seeds.py` says of their worlds.

    draw_retrained(design, spreads, shifts, seeds, worlds, rng) -> scores [worlds, rungs, seeds, items], 0 or 1

Probit. A group is hard or easy for all, a rung has groups that suit it, items vary, and a training is lucky on the
whole (the rung's own spread over seeds), in some groups, and on single items. An untuned rung has no seeds and no
luck. What the rule is shown are the scores alone: of each rung [seeds, items].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from nichetune.decide.ladder import Judgement, Rule, judge_ladder
from nichetune.decide.outlook import GIVEN, Plan, state_power
from nichetune.decide.paired import PairedSet
from nichetune.decide.seeds import SeedSpread, measure_seeds
from nichetune.evaluate.intervals import effective_groups
from worlds.designs import Design, Floats
from worlds.trials import ALPHA, MARGIN, Effort, Tally

TUNED = ("qlora", "lora", "full")  # three methods; the first two are what is asked about
_SEEDS = (3, 4, 5)
_LUCK = (0.05, 0.5)  # deviation of a whole training on the probit's scale: some 1 to 11 points at a base rate of a half
_ITEM = 0.7
_DRAWS = 400  # worlds behind what is true of the differences
_MOST_SHIFT = 6.0


@dataclass(frozen=True)
class Retraining:
    """How a benchmark's rungs are trained.

    Attributes:
        seeds: trainings of each tuned rung.
        luck: of each rung, the deviation of a whole training on the probit's scale; None: it is not trained.
        met: of each rung, that of a training in a group.
    """

    seeds: int
    luck: tuple[float | None, ...]
    met: tuple[float, ...]


def draw_retraining(rng: np.random.Generator, alike: bool, number: int) -> Retraining:
    """Spreads of three methods: `alike` to each other, or as unlike as luck has it, one of them nearly steady.

    Every third time the first rung is not trained at all.
    """
    most = np.exp(rng.uniform(*np.log(_LUCK)))
    shares = np.ones(len(TUNED)) if alike else rng.permutation([1.0, rng.uniform(0, 1), rng.uniform(0, 0.2)])
    luck: list[float | None] = [float(most * share) for share in shares]
    if number % 3 == 2:
        luck[0] = None
    met = tuple(float(rng.uniform(0, 0.5)) * (own is not None) for own in luck)
    return Retraining(_SEEDS[number % len(_SEEDS)], tuple(luck), met)


def _total(design: Design, how: Retraining, rung: int) -> float:
    """Deviation of all that varies in a rung's probit."""
    hard, suit = 1.2 * design.spread, 1.2 * design.suits
    return float(np.sqrt(hard**2 + suit**2 + 3 * _ITEM**2 + (how.luck[rung] or 0.0) ** 2 + how.met[rung] ** 2))


def mean_score(design: Design, how: Retraining, rung: int, shift: float) -> float:
    """The expected score over items, groups and seeds."""
    return float(ndtr(ndtri(design.base) + shift / _total(design, how, rung)))


def draw_retrained(
    design: Design, how: Retraining, shifts: Sequence[float], worlds: int, rng: np.random.Generator
) -> Floats:
    """[worlds, rungs, seeds, items]; of a rung that is not trained all seeds are one and the same."""
    groups, items, seeds = len(design.sizes), design.items, how.seeds
    hard = rng.normal(0, 1.2 * design.spread, (worlds, 1, groups))[:, :, design.index]
    item = rng.normal(0, _ITEM, (worlds, 1, items))
    drawn = []
    for rung, shift in enumerate(shifts):
        trained = how.luck[rung] is not None
        own = seeds if trained else 1
        suit = rng.normal(0, 1.2 * design.suits, (worlds, 1, groups))
        met = rng.normal(0, 1, (worlds, own, groups)) * how.met[rung]
        whole = rng.normal(0, 1, (worlds, own, 1)) * (how.luck[rung] or 0.0)
        alone = rng.normal(0, _ITEM, (worlds, 1, items)) + rng.normal(0, _ITEM, (worlds, own, items))
        level = hard + item + (suit + met)[:, :, design.index] + whole + alone
        threshold = ndtri(design.base) * _total(design, how, rung) + shift
        drawn.append(np.broadcast_to(level + threshold > 0, (worlds, seeds, items)))
    return np.stack(drawn, axis=1).astype(np.float64)


def try_retrained(design: Design, how: Retraining, effort: Effort, seed: int) -> Tally:
    """Equal rungs, in pairs and in a ladder of three, and gains of the second over the first."""
    rng, tally = np.random.default_rng(seed), Tally()
    for scores in draw_retrained(design, how, (0.0,) * len(TUNED), effort.null, rng):
        tally.note("false_better", _excludes_zero(*_bound_pair(scores, how, design, effort, rng)))
        alone = _bound_pair(scores[:, :1], how, design, effort, rng)
        tally.note("false_better/one seed", _excludes_zero(*alone))
    for scores in draw_retrained(design, how, (0.0,) * len(TUNED), effort.ladders, rng):
        judged = _judge(scores, how, design, effort, rng, margin=0.0)
        tally.note("false_climb", any(c.decision == "better" for c in judged.comparisons))
    shift = find_shift(design, how, "smallest_gain", seed)
    tally.note("claims", shift is not None)
    if shift is not None:
        for scores in draw_retrained(design, how, (0.0, shift, 0.0), effort.gains, rng):
            tally.note("power", _bound_pair(scores, how, design, effort, rng)[0] > 0)
    steep = find_shift(design, how, "smallest_gain_to_climb", seed)
    if steep is not None:
        for scores in draw_retrained(design, how, (0.0, steep), effort.ladders, rng):
            tally.note("power_to_climb", _judge(scores, how, design, effort, rng, MARGIN).held == TUNED[1])
    return tally


def _excludes_zero(low: float, high: float) -> bool:
    return low > 0 or high < 0


def _measure(scores: Floats, how: Retraining) -> SeedSpread | None:
    """What the rule learns of the spread: from the trained rungs of [rungs, seeds, items]."""
    pairs = zip(TUNED, scores, how.luck, strict=False)
    return measure_seeds({rung: own for rung, own, luck in pairs if luck is not None})


def _bound_pair(
    scores: Floats, how: Retraining, design: Design, effort: Effort, rng: np.random.Generator
) -> tuple[float, float]:
    """The shipped interval of the second rung against the first, where all of [rungs, seeds, items] were trained."""
    spread = _measure(scores, how)
    luck = [spread.between(*TUNED[:2])] if spread else ()
    means, groups = scores[:2].mean(axis=1), design.index.tolist()
    pair = PairedSet(means, groups, [(0, 1)], effort.resamples, int(rng.integers(1 << 30)), luck)
    return pair.interval(0, ALPHA)


def _judge(
    scores: Floats, how: Retraining, design: Design, effort: Effort, rng: np.random.Generator, margin: float
) -> Judgement:
    """The shipped ladder on one world, [rungs, seeds, items]."""
    rule = Rule(margin=margin, alpha=ALPHA, resamples=effort.resamples, seed=int(rng.integers(1 << 30)))
    groups = design.index.tolist()
    return judge_ladder(TUNED[: len(scores)], scores.mean(axis=1), groups, rule, _measure(scores, how))


def find_shift(design: Design, how: Retraining, figure: str, seed: int) -> float | None:
    """Where the second rung's dial stands for the gain that the power statement names; None where it names none."""

    def spare(shift: float) -> float:
        gain = mean_score(design, how, 1, shift) - mean_score(design, how, 0, 0.0)
        named = name_gain(design, how, shift, figure, seed)
        return gain - (1.0 if named is None else named)

    if spare(_MOST_SHIFT) < 0:
        return None
    return float(brentq(spare, 0.0, _MOST_SHIFT, xtol=5e-3))


def name_gain(design: Design, how: Retraining, shift: float, figure: str, seed: int) -> float | None:
    """What `nichetune benchmark power` says of these items and seeds, given what is true of the world."""
    draws = max(60, min(_DRAWS, 60_000 // design.items))
    scores = draw_retrained(design, how, (0.0, shift, 0.0), draws, np.random.default_rng(seed))
    # As from a verdict: the largest deviation of any trained rung. [worlds, rungs, seeds]
    deviation = float(np.sqrt(scores.mean(axis=3).var(axis=2, ddof=1).mean(axis=0).max()))
    differences = scores[:, 1].mean(axis=1) - scores[:, 0].mean(axis=1)  # [worlds, items]
    gain = mean_score(design, how, 1, shift) - mean_score(design, how, 0, 0.0)
    square = float((differences**2).mean())
    starts = np.concatenate([[0], np.cumsum(design.sizes)[:-1]])
    # Around each world's own mean: what trainings bring as a whole is the seeds' part, and stands beside.
    own = differences - differences.mean(axis=1, keepdims=True)
    sums: Floats = np.add.reduceat(own, starts, axis=1)
    within = float((sums**2).mean(axis=0).sum()) * len(design.sizes) / max(1, len(design.sizes) - 1)
    effect = max(1.0, within / (design.items * max(square - gain**2, 1e-12)))
    plan = Plan(
        design.items, len(design.sizes), effective_groups(design.sizes.astype(np.float64)),
        discordance=(min(1.0, max(square, 1e-6)), GIVEN), design_effect=(effect, GIVEN), margin=MARGIN, alpha=ALPHA,
        seeds=how.seeds, seed_deviation=(deviation, GIVEN),
    )  # fmt: skip
    named: float | None = state_power(plan)[figure]
    return named
