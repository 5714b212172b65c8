"""Says which part of the split each example goes to: by group, by time, or by both.

examples + rules -> a part for each example, or why it goes to none

Groups are ranked by a salted hash of their names, so the order is fixed before anything is trained and no result can
move it. Stratum by stratum (a task; or its answers, or classes) the first groups are sealed until the share of
examples is reached, the next go to the development set. A group that spans two strata goes as one.

By time the groups with the newest examples are sealed instead. The cut is the oldest of those newest dates: training
ends before it, and what is older in a sealed group is left out. By both, groups are drawn by the salt; of the sealed
ones only what is dated at or after the cut is kept, of the others only what is older, so that unseen groups are
tested on an unseen future. Each side gives up what the other holds: with the share s, each cut takes sqrt(s).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from nichetune.core.errors import UserError
from nichetune.core.records import Dropped, Example
from nichetune.core.settings import SplitSettings
from nichetune.core.stages import name_digest
from nichetune.corpus.answers import answer_key

Part = Literal["train", "dev", "holdout"]
PARTS: tuple[Part, ...] = ("train", "dev", "holdout")
NO_DATE = "no date to split by"
TOO_OLD = "older than the cut, in a sealed group"
TOO_NEW = "not older than the cut, in a group for training"


@dataclass(frozen=True)
class Assigned:
    """The parts, what fits none of them, and where time was cut (empty by group)."""

    parts: dict[Part, list[Example]]
    dropped: list[Dropped] = field(default_factory=list)
    cut: str = ""


def assign_examples(examples: Sequence[Example], rules: SplitSettings) -> Assigned:
    """Assigns every example.

    Raises:
        UserError: the split goes by time, and no example has a date.
    """
    if rules.by == "group":
        return _gather(examples, assign_groups(examples, rules))
    dated = [one for one in examples if _parse_date(one.valid_from)]
    if not dated:
        raise UserError(
            f"split.by is {rules.by}, and none of {len(examples)} examples has a date: map valid_from to a column of "
            f"dates (2026-04-30), or set split.by to group"
        )
    undated = [
        Dropped(id=one.id, reason=NO_DATE, source=one.source) for one in examples if not _parse_date(one.valid_from)
    ]
    done = _cut_by_time(dated, rules) if rules.by == "time" else _cut_by_both(dated, rules)
    return Assigned(done.parts, [*undated, *done.dropped], done.cut)


def assign_groups(examples: Sequence[Example], rules: SplitSettings) -> dict[str, Part]:
    """The part that each group goes to, by salted draw."""
    return _rank_and_fill(examples, rules, lambda group: name_digest(rules.salt, group))


def _rank_and_fill(
    examples: Sequence[Example], rules: SplitSettings, rank: Callable[[str], object], share: float | None = None
) -> dict[str, Part]:
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for one in examples:
        sizes[_stratum(one, rules)][one.group] += 1
    homes: dict[str, Part] = {}
    shares: tuple[tuple[Part, float], ...] = (("holdout", share or rules.holdout), ("dev", rules.dev))
    for groups in sizes.values():
        ranked = sorted(groups, key=rank)  # type: ignore[arg-type]
        for part, wanted in shares:
            _fill(part, round(wanted * groups.total()), ranked, groups, homes)
    return {group: homes.get(group, "train") for groups in sizes.values() for group in groups}


def _stratum(one: Example, rules: SplitSettings) -> str:
    if rules.stratify == "label":
        return name_digest(one.task, answer_key(one))
    return one.task if rules.stratify == "task" else name_digest(one.task, one.document_class)


def _fill(part: Part, target: int, ranked: list[str], sizes: Counter[str], homes: dict[str, Part]) -> None:
    """Gives `part` groups in their order until it holds `target` examples of the stratum."""
    held = sum(sizes[group] for group in ranked if homes.get(group) == part)
    for group in ranked:
        if held >= target:
            return
        if group not in homes:
            homes[group] = part
            held += sizes[group]


def _gather(examples: Sequence[Example], homes: Mapping[str, Part]) -> Assigned:
    return Assigned({part: [one for one in examples if homes[one.group] == part] for part in PARTS})


def _cut_by_time(examples: Sequence[Example], rules: SplitSettings) -> Assigned:
    """Newest groups first; a tie goes by the salt."""
    last: dict[str, str] = {}
    for one in examples:
        last[one.group] = max(last.get(one.group, ""), _parse_date(one.valid_from))
    order = {g: n for n, g in enumerate(sorted(last, key=lambda g: name_digest(rules.salt, g)))}
    newest = sorted(last, key=lambda g: (last[g], -order[g]), reverse=True)
    places = {group: n for n, group in enumerate(newest)}
    homes = _rank_and_fill(examples, rules, lambda group: places[group])
    cut = min((last[group] for group, part in homes.items() if part == "holdout"), default="")
    return _keep_sides(examples, homes, cut)


def _cut_by_both(examples: Sequence[Example], rules: SplitSettings) -> Assigned:
    share = math.sqrt(rules.holdout)
    homes = _rank_and_fill(examples, rules, lambda group: name_digest(rules.salt, group), share)
    dates = sorted(_parse_date(one.valid_from) for one in examples)
    cut = dates[min(len(dates) - 1, round((1 - share) * len(dates)))]
    return _keep_sides(examples, homes, cut)


def _keep_sides(examples: Sequence[Example], homes: Mapping[str, Part], cut: str) -> Assigned:
    """The sealed future, and the past of all the other groups."""
    parts: dict[Part, list[Example]] = {part: [] for part in PARTS}
    dropped = []
    for one in examples:
        part, future = homes[one.group], _parse_date(one.valid_from) >= cut
        if future == (part == "holdout"):
            parts[part].append(one)
        else:
            reason = TOO_NEW if future else TOO_OLD
            dropped.append(Dropped(id=one.id, reason=reason, source=one.source))
    return Assigned(parts, dropped, cut)


def _parse_date(text: str | None) -> str:
    """The day, in a form that sorts; empty where there is none."""
    try:
        return date.fromisoformat((text or "").strip()[:10]).isoformat()
    except ValueError:
        return ""
