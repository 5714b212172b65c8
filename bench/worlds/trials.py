"""One design tried many times: what the shipped rule, an unpaired test and a plain t-test say of its worlds.

Reads a generator and a design -> a `Tally` of how often each told equal rungs apart, and found a true gain:

    {"false_better": [2, 40], "power": [17, 20], "false_climb": [0, 10], ...}   (hits, of how many)
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from nichetune.decide.compare import decide_difference
from nichetune.decide.ladder import Rule, judge_ladder
from nichetune.decide.outlook import GIVEN, Plan, state_power
from nichetune.decide.paired import PairedSet, compare_paired
from nichetune.decide.spending import level_of_look, resamples_at
from nichetune.evaluate.intervals import effective_groups
from worlds.calibrate import Truth, find_gain
from worlds.designs import Design, Floats
from worlds.generators import GENERATORS

ALPHA, MARGIN = 0.05, 0.02
LADDER = ("classical", "base", "qlora")
_Z = 1.959964
_APART = ("better", "worse")


class Tally:
    """Hits and tries by what was counted."""

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def note(self, name: str, hit: bool) -> None:
        """One more try."""
        self.counts[name][0] += bool(hit)
        self.counts[name][1] += 1

    def add(self, other: Tally) -> None:
        """Another tally's counts, too."""
        for name, (hits, tries) in other.counts.items():
            self.counts[name][0] += hits
            self.counts[name][1] += tries


@dataclass(frozen=True)
class Effort:
    """Worlds of one design: equal rungs, gains, and resamples behind an interval."""

    null: int
    gains: int
    ladders: int
    resamples: int


def name_gain(design: Design, truth: Truth, figure: str, looks: int = 1) -> float | None:
    """What `nichetune benchmark power` says of this design and how its differences vary."""
    plan = Plan(
        design.items, len(design.sizes), effective_groups(design.sizes.astype(np.float64)),
        discordance=(min(1.0, max(truth.discordant, 1e-6)), GIVEN), design_effect=(truth.design_effect, GIVEN),
        margin=MARGIN, alpha=ALPHA, looks=looks,
    )  # fmt: skip
    gain: float | None = state_power(plan)[figure]
    return gain


def try_design(name: str, design: Design, effort: Effort, seed: int) -> Tally:
    """Equal rungs and true gains by one generator, each world with resamples of its own."""
    generator, rng, tally = GENERATORS[name], np.random.default_rng(seed), Tally()
    groups = design.index.tolist()

    def find(figure: str) -> Truth | None:
        return find_gain(name, design, lambda t: name_gain(design, t, figure), seed)

    for scores in generator(design, (0.0, 0.0), effort.null, rng):
        _compare(tally, "false_better", scores, groups, effort, rng, _APART)
    for scores in generator(design, (0.0,) * len(LADDER), effort.ladders, rng):
        rule = Rule(margin=0.0, alpha=ALPHA, resamples=effort.resamples, seed=int(rng.integers(1 << 30)))
        judged = judge_ladder(LADDER, scores, groups, rule)
        tally.note("false_climb", any(c.decision == "better" for c in judged.comparisons))
    truth = find("smallest_gain")
    tally.note("claims", truth is not None)
    if truth is not None:
        for scores in generator(design, (0.0, truth.shift), effort.gains, rng):
            _compare(tally, "power", scores, groups, effort, rng, ("better",))
    steep = find("smallest_gain_to_climb")
    if steep is not None:
        for scores in generator(design, (0.0, steep.shift), effort.ladders, rng):
            rule = Rule(margin=MARGIN, alpha=ALPHA, resamples=effort.resamples, seed=int(rng.integers(1 << 30)))
            tally.note("power_to_climb", judge_ladder(LADDER[:2], scores, groups, rule).held == LADDER[1])
    return tally


def _compare(
    tally: Tally, what: str, scores: Floats, groups: list[int], effort: Effort, rng: np.random.Generator,
    hits: tuple[str, ...],
) -> None:  # fmt: skip
    paired = compare_paired(
        scores[0], scores[1], groups, alpha=ALPHA, resamples=effort.resamples, seed=int(rng.integers(1 << 30))
    )
    tally.note(what, decide_difference(paired, MARGIN) in hits)
    tally.note(f"{what}/unpaired", _call(*unpaired_test(scores)) in hits)
    tally.note(f"{what}/plain t", _call(*plain_t(scores)) in hits)


def _call(difference: float, error: float) -> str:
    """What a test that trusts its standard error says."""
    if error == 0 or abs(difference) <= _Z * error:
        return "inconclusive"
    return "better" if difference > 0 else "worse"


def unpaired_test(scores: Floats) -> tuple[float, float]:
    """Difference and standard error of two samples, as if other items had been asked of each rung."""
    return float(scores[1].mean() - scores[0].mean()), math.sqrt(
        float(scores.var(axis=1, ddof=1).sum()) / scores.shape[1]
    )


def plain_t(scores: Floats) -> tuple[float, float]:
    """Difference and standard error of a paired t-test that takes every item for a group of its own."""
    differences = scores[1] - scores[0]
    return float(differences.mean()), math.sqrt(float(differences.var(ddof=1)) / len(differences))


def try_nights(name: str, design: Design, looks: int, grows: bool, effort: Effort, seed: int) -> Tally:
    """Nights that look again: at a benchmark that grows, or at a candidate tuned anew on the same items."""
    generator, rng, tally = GENERATORS[name], np.random.default_rng(seed), Tally()

    def named(truth: Truth) -> float | None:
        return name_gain(design, truth, "smallest_gain", looks)

    truth = find_gain(name, design, named, seed)
    rungs = 2 if grows else 1 + looks
    _watch(tally, "false_better", generator(design, (0.0,) * rungs, effort.null, rng), design, looks, effort, rng)
    tally.note("claims", truth is not None)
    if truth is not None:
        shifts = (0.0,) + (truth.shift,) * (rungs - 1)
        _watch(tally, "power", generator(design, shifts, effort.gains, rng), design, looks, effort, rng)
    return tally


def _watch(
    tally: Tally, what: str, worlds: Floats, design: Design, looks: int, effort: Effort, rng: np.random.Generator
) -> None:
    """Counts worlds in which any night called a difference; worlds: [worlds, rungs, items]."""
    hits = _APART if what == "false_better" else ("better",)
    for scores in worlds:
        called = [_look(scores, design, look, looks, effort, rng) for look in range(1, looks + 1)]
        tally.note(what, any(planned in hits for planned, _ in called))
        tally.note(f"{what}/unplanned", any(unplanned in hits for _, unplanned in called))


def _look(
    scores: Floats, design: Design, look: int, looks: int, effort: Effort, rng: np.random.Generator
) -> tuple[str, str]:
    """What one night says, at its planned level and at the plain one."""
    index = design.index
    candidate = 1 if len(scores) == 2 else look
    shown = index < math.ceil(len(design.sizes) * look / looks) if len(scores) == 2 else index >= 0
    level = level_of_look(look, looks, ALPHA)
    draws = resamples_at(level, effort.resamples)
    pair = PairedSet(
        scores[[0, candidate]][:, shown], index[shown].tolist(), [(0, 1)], draws, int(rng.integers(1 << 30))
    )
    planned, plain = pair.compare(0, 0.0, level), pair.compare(0, 0.0, ALPHA)
    return decide_difference(planned, MARGIN), decide_difference(plain, MARGIN)
