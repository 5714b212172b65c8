"""Same input, different answers: nobody can say which is right, and a setting decides what becomes of them.

traits of examples -> kept, put aside, and an estimate of how often the labels are wrong

    Estimate(value=0.021, low=0.009, high=0.043, n=132)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nichetune.core.errors import UserError
from nichetune.core.exact import bound_share
from nichetune.core.records import Estimate, Example
from nichetune.corpus.traits import Traits

CONTRADICTION = "same input, different answers"
SUPERSEDED = "same input, newer answer"
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Aside:
    """An example that is put aside, why, and because of which other one; by their places."""

    place: int
    reason: str
    other: int


@dataclass(frozen=True)
class Sifted:
    """Places of examples that stay, and what goes."""

    kept: np.ndarray
    gone: list[Aside]


def settle_contradictions(
    places: np.ndarray, traits: Traits, examples: Sequence[Example], rule: Literal["quarantine", "newest", "stop"]
) -> Sifted:
    """Takes out every text that comes with different answers, all its copies included, but for what the rule keeps.

    Raises:
        UserError: the rule is `stop` and there is one.
    """
    torn = _find_torn(places, traits)
    if torn and rule == "stop":
        raise UserError(_describe(torn, examples))
    gone: list[Aside] = []
    for members in torn:
        winners = _find_newest(members, traits) if rule == "newest" else []
        gone += [_put_aside(one, members, winners, traits) for one in members if one not in winners]
    aside = np.array([one.place for one in gone], dtype=np.int64)
    return Sifted(places[~np.isin(places, aside)], sorted(gone, key=lambda one: one.place))


def _find_torn(places: np.ndarray, traits: Traits) -> list[list[int]]:
    """Inputs that have different answers, each as the places of all that ask it, in the order of the corpus."""
    order = places[np.argsort(traits.inputs[places], kind="stable")]
    inputs, answers = traits.inputs[order], traits.answers[order]
    differs = np.flatnonzero((inputs[1:] == inputs[:-1]) & (answers[1:] != answers[:-1])) + 1
    stops = np.concatenate([np.flatnonzero(inputs[1:] != inputs[:-1]) + 1, [len(order)]])
    ends = np.unique(np.searchsorted(stops, differs, side="right"))
    torn = [order[stops[n - 1] if n else 0 : stops[n]].tolist() for n in ends.tolist()]
    return sorted(torn)


def _find_newest(members: Sequence[int], traits: Traits) -> list[int]:
    """Those of the latest date that all say the same; none where dates are missing or the latest disagree."""
    dates = traits.dates[members]
    if not dates.all():
        return []
    newest = [one for one, date in zip(members, dates.tolist(), strict=True) if date == dates.max()]
    return newest if len(set(traits.answers[newest].tolist())) == 1 else []


def _put_aside(one: int, members: Sequence[int], winners: Sequence[int], traits: Traits) -> Aside:
    if winners:
        return Aside(one, SUPERSEDED, winners[0])
    return Aside(one, CONTRADICTION, next(m for m in members if traits.answers[m] != traits.answers[one]))


def _describe(torn: Sequence[Sequence[int]], examples: Sequence[Example]) -> str:
    shown = "; ".join(" and ".join(_place(examples[n]) for n in members[:2]) for members in torn[:_SHOWN])
    more = "; …" if len(torn) > _SHOWN else ""
    return (
        f"{len(torn)} inputs come with different answers (dedupe.contradictions is stop): {shown}{more}: mend their "
        f"labels, or set it to quarantine or newest"
    )


def _place(one: Example) -> str:
    return f"{one.id} ({one.source.place})"


def estimate_label_noise(traits: Traits) -> Estimate:
    """The share of wrong labels, from inputs that were labelled more than once.

    Two labels of one input differ in a share d of such inputs. If a label is wrong with chance e, whatever the other
    one is, and two wrong ones hardly ever agree, then d = 1 - (1 - e)^2. The first two labels of each input are
    compared, so that inputs are independent; the interval of d is exact (`core/exact.py`).
    Copies that were never labelled anew make the rate too low.
    """
    order = np.argsort(traits.inputs, kind="stable")
    inputs, answers = traits.inputs[order], traits.answers[order]
    same = inputs[1:] == inputs[:-1]
    second = same & np.concatenate([[True], ~same[:-1]])[: len(same)]  # beside the first label of its input
    n, k = int(second.sum()), int((answers[1:] != answers[:-1])[second].sum())
    if n == 0:
        return Estimate(value=None, low=None, high=None, n=0)
    rate, low, high = (round(1 - math.sqrt(1 - d), 6) for d in (k / n, *bound_share(k, n)))
    return Estimate(value=rate, low=low, high=high, n=n)
