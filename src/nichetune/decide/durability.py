"""Does the gain last: over other seeds, and over slices of time? In figures for verdict.json, and in sentences.

Reads the lined-up scores, their spread and the pair that decided -> `Durability`:

    {"count": 3, "shipped": 1, "rungs": {"qlora": {"scores": [0.712, 0.701, 0.725], "mean": 0.713,
     "deviation": 0.012}}, "pair": ["classical", "qlora"], "holds": 3}

What ships is the first seed, named before any training: to ship the one that the sealed items liked best would make
of the benchmark a place to choose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nichetune.decide.evaluated import Aligned
from nichetune.decide.ladder import Comparison, Rule
from nichetune.decide.paired import six_digits
from nichetune.decide.reasons import percent, points
from nichetune.decide.slices import Slice

NOT_TESTED = "Durability not tested (one seed)."
NOTHING_TUNED = "Durability: no rung here is trained from a seed."
SHIPPED_SEED = 1


@dataclass(frozen=True)
class Durability:
    """What seeds and slices say.

    Attributes:
        count: seeds that the benchmark was sealed for.
        by_seed: mean score of each tuned rung by seed.
        pair: cheaper and dearer rung that decided; empty where one of a kind was scored.
        gains: of each seed, its gain over the other rung's mean; empty where neither is tuned.
        margin: what a gain must exceed to hold.
        slices: the gain by time.
    """

    count: int
    by_seed: dict[str, list[float]]
    pair: tuple[str, str] | None
    gains: list[float]
    margin: float
    slices: list[Slice] = field(default_factory=list)

    @property
    def holds(self) -> int:
        """Seeds in which the gain exceeds the margin."""
        return sum(gain > self.margin for gain in self.gains)

    def to_json(self) -> dict[str, Any]:
        """For `verdict.json`: the part `seeds`."""
        rungs = {
            rung: {
                "scores": [six_digits(one) for one in scores],
                "mean": six_digits(float(np.mean(scores))),
                "deviation": six_digits(float(np.std(scores, ddof=1))),
            }
            for rung, scores in self.by_seed.items()
        }
        gains = {"pair": list(self.pair), "gains": [six_digits(g) for g in self.gains]} if self.pair else {}
        return {"count": self.count, "shipped": SHIPPED_SEED, "rungs": rungs, "holds": self.holds, **gains}


def look_back(aligned: Aligned, decisive: Comparison | None, count: int, rule: Rule, slices: list[Slice]) -> Durability:
    """What the seeds say of the pair that decided."""
    means = {rung: [float(one) for one in scores.mean(axis=1)] for rung, scores in aligned.by_seed.items()}
    pair = (decisive.a, decisive.b) if decisive else None
    return Durability(count, means, pair, _gains(aligned, means, pair), rule.margin, slices)


def _gains(aligned: Aligned, means: dict[str, list[float]], pair: tuple[str, str] | None) -> list[float]:
    """Each training of the tuned rung against the mean of the other rung; of two tuned ones, of the dearer."""
    if pair is None or not set(pair) & means.keys():
        return []
    whole = {rung: float(aligned.scores[aligned.rungs.index(rung)].mean()) for rung in pair}
    cheaper, dearer = pair
    if dearer in means:
        return [own - whole[cheaper] for own in means[dearer]]
    return [whole[dearer] - own for own in means[cheaper]]


def explain_durability(found: Durability, held: str) -> list[str]:
    """Seeds first, then time."""
    return [*_explain_seeds(found, held), *_explain_slices(found)]


def _explain_seeds(found: Durability, held: str) -> list[str]:
    if found.count == 1:
        return [NOT_TESTED]
    if not found.by_seed:
        return [NOTHING_TUNED]
    told = [f"{rung} {_list_scores(scores)}" for rung, scores in found.by_seed.items()]
    sentences = [f"Durability over {found.count} seeds, whose spread every interval holds: {'; '.join(told)}."]
    if found.pair and found.gains:
        cheaper, dearer = found.pair
        sentences.append(
            f"The gain of {dearer} over {cheaper} exceeds the margin {points(found.margin)} in {found.holds} of "
            f"{len(found.gains)} seeds (from {points(min(found.gains))} to {points(max(found.gains))} points)."
        )
    if held in found.by_seed:
        sentences.append(
            f"What ships is seed {SHIPPED_SEED} of {held}, named before training and not chosen by its score: "
            f"{percent(found.by_seed[held][SHIPPED_SEED - 1])}, the mean of {found.count} is "
            f"{percent(float(np.mean(found.by_seed[held])))}."
        )
    return sentences


def _list_scores(scores: list[float]) -> str:
    each = ", ".join(percent(one) for one in scores)
    return f"{each} (standard deviation {points(float(np.std(scores, ddof=1)))} points)"


_MOST_NAMED = 6  # slices that a sentence can hold


def _explain_slices(found: Durability) -> list[str]:
    if not found.slices or found.pair is None:
        return []
    above = sum(one.difference > 0 for one in found.slices)
    named = found.slices
    if len(named) > _MOST_NAMED:
        by_gain = sorted(named, key=lambda one: one.difference)
        named = [by_gain[0], by_gain[-1]]
    told = "; ".join(
        f"{one.slice} {points(one.difference)} ({points(one.low)} to {points(one.high)}, n = {one.n})" for one in named
    )
    which = "" if len(named) == len(found.slices) else "the least and the greatest: "
    return [
        f"By time, {found.pair[1]} is ahead of {found.pair[0]} in {above} of {len(found.slices)} slices: {which}{told}."
    ]
