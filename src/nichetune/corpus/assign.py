"""Says which part of the split each example goes to: by group, by time, or by both.

cards of examples (cards.py) + rules -> a part for each example, or why it goes to none

Groups are ranked by a salted hash of their names, so the order is fixed before anything is trained and no result can
move it. Stratum by stratum (a task; or its answers, or classes) the first groups are sealed until the share of
examples is reached, the next ones go to the blind holdout if one is asked for, the next to the development set. A
group that spans two strata goes as one.

By time the groups with the newest examples are sealed instead. The cut is the oldest of those newest dates: training
ends before it, and what is older in a sealed group is left out. By both, groups are drawn by the salt; of the sealed
ones only what is dated at or after the cut is kept, of the others only what is older, so that unseen groups are
tested on an unseen future. Each side gives up what the other holds: with the share s, each cut takes sqrt(s).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np

from nichetune.core.errors import UserError
from nichetune.core.records import Example
from nichetune.core.settings import SplitSettings
from nichetune.corpus.cards import Cards, read_cards
from nichetune.corpus.contradictions import Aside
from nichetune.corpus.lines import Lazy

Part = Literal["train", "dev", "holdout", "blind"]
PARTS: tuple[Part, ...] = ("train", "dev", "holdout")  # and `blind`, where the settings ask for a second holdout
NO_DATE = "no date to split by"
TOO_OLD = "older than the cut, in a sealed group"
TOO_NEW = "not older than the cut, in a group for training"
_TRAIN, _DEV, _HOLDOUT, _BLIND = range(4)
_SEALED = (_HOLDOUT, _BLIND)


@dataclass(frozen=True)
class Assigned:
    """The places of each part, what fits none of them, and where time was cut (empty by group)."""

    examples: Sequence[Example]
    places: dict[Part, np.ndarray]
    dropped: list[Aside] = field(default_factory=list)
    cut: str = ""

    @property
    def parts(self) -> dict[Part, Sequence[Example]]:
        """The examples of each part, read when they are asked for."""
        return {part: Lazy(places, self.examples.__getitem__) for part, places in self.places.items()}


def assign_examples(examples: Sequence[Example], rules: SplitSettings, cards: Cards | None = None) -> Assigned:
    """Assigns every example.

    Args:
        cards: of all of them; by default they are read.

    Raises:
        UserError: the split goes by time, and no example has a date.
    """
    cards = cards or read_cards(examples, rules, {})
    everything = np.arange(len(cards))
    if rules.by == "group":
        return Assigned(examples, _gather(everything, _draw_homes(everything, cards, rules), rules))
    names = [_parse_date(text) for text in cards.names["dates"]]
    days = sorted({"", *names})
    places = {day: n for n, day in enumerate(days)}
    numbers = np.array([places[day] for day in names], dtype=np.int32)[cards.dates]
    dated = everything[numbers > 0]
    if not len(dated):
        raise UserError(
            f"split.by is {rules.by}, and none of {len(examples)} examples has a date: map valid_from to a column of "
            f"dates (2026-04-30), or set split.by to group"
        )
    homes, cut = (_cut_by_time if rules.by == "time" else _cut_by_both)(dated, cards, rules, numbers)
    undated = [Aside(n, NO_DATE, n) for n in everything[numbers == 0].tolist()]
    kept, dropped = _keep_sides(dated, homes, numbers >= cut, rules)
    return Assigned(examples, kept, [*undated, *dropped], days[cut])


def assign_groups(examples: Sequence[Example], rules: SplitSettings) -> dict[str, Part]:
    """The part that each group goes to, by salted draw."""
    parts = assign_examples(examples, rules).parts
    return {one.group: part for part, members in parts.items() for one in members}


def _draw_homes(
    places: np.ndarray, cards: Cards, rules: SplitSettings, share: float | None = None, last: np.ndarray | None = None
) -> np.ndarray:
    """The part of each example's group, by number. [places]

    Args:
        last: the newest day of each group, which then goes before the draw. [groups, sorted by their draw]
    """
    groups, which = np.unique(cards.groups[places], return_inverse=True)  # sorted: in the order of the draw
    order = np.arange(len(groups)) if last is None else np.lexsort((np.arange(len(groups)), -last))
    strata = cards.strata[places]
    homes = np.full(len(groups), -1, dtype=np.int8)
    scale = (share or rules.holdout) / rules.holdout  # a second holdout is cut by time as the first one is
    shares = ((_HOLDOUT, share or rules.holdout), (_BLIND, rules.blind * scale), (_DEV, rules.dev))
    _, firsts = np.unique(strata, return_index=True)
    for stratum in strata[np.sort(firsts)].tolist():  # in the order in which they come
        sizes = np.bincount(which[strata == stratum], minlength=len(groups))
        ranked = order[sizes[order] > 0]
        for part, wanted in shares:
            _fill(part, round(wanted * int(sizes.sum())), ranked, sizes, homes)
    homes[homes < 0] = _TRAIN
    drawn: np.ndarray = homes[which]
    return drawn


def _fill(part: int, target: int, ranked: np.ndarray, sizes: np.ndarray, homes: np.ndarray) -> None:
    """Gives `part` groups in their order until it holds `target` examples of the stratum."""
    held = int(sizes[ranked][homes[ranked] == part].sum())
    free = ranked[homes[ranked] < 0]
    before = held + np.concatenate([[0], np.cumsum(sizes[free])[:-1]]) if len(free) else np.empty(0)
    homes[free[before < target]] = part


def list_parts(rules: SplitSettings) -> tuple[Part, ...]:
    """The parts that these rules make, in their order."""
    return (*PARTS, "blind") if rules.blind else PARTS


def _gather(places: np.ndarray, homes: np.ndarray, rules: SplitSettings) -> dict[Part, np.ndarray]:
    return {part: places[homes == n] for n, part in enumerate(list_parts(rules))}


def _cut_by_time(places: np.ndarray, cards: Cards, rules: SplitSettings, days: np.ndarray) -> tuple[np.ndarray, int]:
    """Newest groups first; a tie goes by the salt."""
    groups, which = np.unique(cards.groups[places], return_inverse=True)
    last = np.zeros(len(groups), dtype=np.int64)
    np.maximum.at(last, which, days[places])
    homes = _draw_homes(places, cards, rules, last=last)
    sealed = last[which[np.isin(homes, _SEALED)]]
    return homes, int(sealed.min()) if len(sealed) else 0


def _cut_by_both(places: np.ndarray, cards: Cards, rules: SplitSettings, days: np.ndarray) -> tuple[np.ndarray, int]:
    share = math.sqrt(rules.holdout)
    homes = _draw_homes(places, cards, rules, share)
    ordered = np.sort(days[places])
    return homes, int(ordered[min(len(ordered) - 1, round((1 - share) * len(ordered)))])


def _keep_sides(
    places: np.ndarray, homes: np.ndarray, future: np.ndarray, rules: SplitSettings
) -> tuple[dict[Part, np.ndarray], list[Aside]]:
    """The sealed future, and the past of all the other groups."""
    is_future = future[places]
    fits = is_future == np.isin(homes, _SEALED)
    late = is_future[~fits].tolist()
    reasons = [TOO_NEW if one else TOO_OLD for one in late]
    dropped = [Aside(n, reason, n) for n, reason in zip(places[~fits].tolist(), reasons, strict=True)]
    return _gather(places[fits], homes[fits], rules), dropped


def _parse_date(text: str) -> str:
    """The day, in a form that sorts; empty where there is none."""
    try:
        return date.fromisoformat(text.strip()[:10]).isoformat()
    except ValueError:
        return ""
