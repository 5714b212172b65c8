"""Split: seals a holdout by group, sets a development set apart, and keeps training clear of both.

dedupe/ -> train.jsonl, dev.jsonl, holdout.jsonl, dropped.jsonl, boilerplate.json

    {"id": "int-0412", "reason": "shares a run of 8 words with a sealed item", "because_of": "int-0077", …}

Groups are ranked by a salted hash of their names, so the order is fixed before anything is trained and no result can
move it. Task by task the first groups are sealed until the share of examples is reached, the next go to the
development set. A group that spans two tasks goes as one.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from nichetune.core.errors import UserError
from nichetune.core.files import read_records, write_json, write_jsonl
from nichetune.core.records import Dropped, Example
from nichetune.core.settings import Settings, SplitSettings
from nichetune.core.stages import Report, name_digest
from nichetune.corpus.overlap import SealedRuns, find_boilerplate

Part = Literal["train", "dev", "holdout"]
PARTS: tuple[Part, ...] = ("train", "dev", "holdout")
BOILERPLATE = "boilerplate.json"


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Splits what dedupe wrote.

    Raises:
        UserError: too few sealed items, or nothing left to train on.
    """
    rules = settings.split
    examples = read_records(inputs["dedupe"] / "examples.jsonl", Example)
    homes = assign_groups(examples, rules)
    parts = {part: [one for one in examples if homes[one.group] == part] for part in PARTS}
    _refuse_small_holdout(len(parts["holdout"]), len(examples), settings)
    boilerplate = find_boilerplate(examples, parts["holdout"], rules.overlap_words, rules.boilerplate_groups)
    sealed = SealedRuns(parts["holdout"], rules.overlap_words, boilerplate)
    dropped: list[Dropped] = []
    for part in ("train", "dev"):
        parts[part] = _remove_overlap(parts[part], sealed, dropped)
    parts["train"] = _limit_train(parts["train"], rules, dropped)
    if not parts["train"]:
        raise UserError("no training example is left after the split: lower split.holdout or add examples")
    for part, members in parts.items():
        write_jsonl(out / f"{part}.jsonl", members)
    write_jsonl(out / "dropped.jsonl", dropped)
    write_json(out / BOILERPLATE, sorted(boilerplate))
    return _report(parts, dropped, len(examples))


def assign_groups(examples: Sequence[Example], rules: SplitSettings) -> dict[str, Part]:
    """The part that each group goes to."""
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for one in examples:
        sizes[one.task][one.group] += 1
    homes: dict[str, Part] = {}
    shares: tuple[tuple[Part, float], ...] = (("holdout", rules.holdout), ("dev", rules.dev))
    for groups in sizes.values():
        ranked = sorted(groups, key=lambda group: name_digest(rules.salt, group))
        for part, share in shares:
            _fill(part, round(share * groups.total()), ranked, groups, homes)
    return {group: homes.get(group, "train") for groups in sizes.values() for group in groups}


def _fill(part: Part, target: int, ranked: list[str], sizes: Counter[str], homes: dict[str, Part]) -> None:
    """Gives `part` groups in their order until it holds `target` examples of the task."""
    held = sum(sizes[group] for group in ranked if homes.get(group) == part)
    for group in ranked:
        if held >= target:
            return
        if group not in homes:
            homes[group] = part
            held += sizes[group]


def _refuse_small_holdout(held: int, total: int, settings: Settings) -> None:
    least = settings.benchmark.min_items
    if held < least:
        needed = math.ceil(least / settings.split.holdout)
        raise UserError(
            f"{held} sealed items are too few to prove anything, at least {least} are needed: with split.holdout="
            f"{settings.split.holdout} that takes {needed} examples after cleaning, there are {total}: "
            f"add {max(needed - total, 1)} or raise split.holdout"
        )


def _remove_overlap(examples: Sequence[Example], sealed: SealedRuns, dropped: list[Dropped]) -> list[Example]:
    kept = []
    for one in examples:
        hit = sealed.find_hit(one)
        if hit:
            dropped.append(Dropped(id=one.id, reason=hit.reason, source=one.source, because_of=hit.item))
        else:
            kept.append(one)
    return kept


def _limit_train(examples: list[Example], rules: SplitSettings, dropped: list[Dropped]) -> list[Example]:
    """At most `max_train[task]` examples a task, chosen by salted hash, in their own order."""
    if not rules.max_train:
        return examples
    chosen: set[str] = set()
    for task in {one.task for one in examples}:
        limit = rules.max_train.get(task)
        names = sorted((one.id for one in examples if one.task == task), key=lambda name: name_digest(rules.salt, name))
        chosen.update(names[:limit])
    reason = "over split.max_train"
    dropped += [Dropped(id=one.id, reason=reason, source=one.source) for one in examples if one.id not in chosen]
    return [one for one in examples if one.id in chosen]


def _report(parts: dict[Part, list[Example]], dropped: Sequence[Dropped], total: int) -> Report:
    counts = {"in": total}
    for part, members in parts.items():
        counts[part] = len(members)
        counts[f"{part}_groups"] = len({one.group for one in members})
    by_task = {
        task: {part: sum(one.task == task for one in members) for part, members in parts.items()}
        for task in sorted({one.task for members in parts.values() for one in members})
    }
    reasons = Counter(one.reason for one in dropped)
    return Report(counts, dict(sorted(reasons.items())), {"by_task": by_task})
