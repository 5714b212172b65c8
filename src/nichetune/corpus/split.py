"""Split: seals a holdout, sets a development set apart, and keeps training clear of both.

dedupe/ (+ mask/documents.jsonl) -> train.jsonl, dev.jsonl, holdout.jsonl, dropped.jsonl, boilerplate.json,
contamination.jsonl, profile.json

    {"id": "int-0412", "reason": "shares a run of 8 words with a sealed item", "because_of": "int-0077", …}

Who goes where stands in assign.py; what counts as overlap in overlap.py. Documents stay where they are: those that
hold a sealed question or answer are listed, or stop the run.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nichetune.core.errors import UserError
from nichetune.core.files import iter_jsonl, read_records, write_json, write_jsonl
from nichetune.core.records import Document, Dropped, Example
from nichetune.core.settings import Settings, SplitSettings
from nichetune.core.stages import Report, name_digest
from nichetune.corpus.assign import PARTS, Assigned, Part, assign_examples, assign_groups
from nichetune.corpus.findings import Overlap
from nichetune.corpus.leaks import (
    drop_overlap,
    find_document_overlap,
    find_meant_overlap,
    find_training_overlap,
    map_places,
)
from nichetune.corpus.overlap import SealedRuns, find_boilerplate
from nichetune.corpus.profile import describe_part
from nichetune.corpus.semantic import Encode

__all__ = ["BOILERPLATE", "PARTS", "assign_groups", "run"]

BOILERPLATE = "boilerplate.json"
_SHOWN_HITS = 5


def run(settings: Settings, inputs: dict[str, Path], out: Path, encode: Encode | None = None) -> Report:
    """Splits what dedupe wrote.

    Args:
        inputs: `dedupe`; with `mask`, its documents are held against the sealed items too.
        encode: turns texts into unit vectors; without it nothing is compared by meaning.

    Raises:
        UserError: too few sealed items, nothing left to train on, no dates to split by, or documents that hold sealed
            questions and shall stop the run.
    """
    rules = settings.split
    examples = read_records(inputs["dedupe"] / "examples.jsonl", Example)
    assigned = assign_examples(examples, rules)
    parts, items = assigned.parts, assigned.parts["holdout"]
    _refuse_small_holdout(len(items), len(examples), settings)
    words, tasks = rules.overlap_words, settings.tasks
    boilerplate = find_boilerplate(examples, items, words, rules.boilerplate_groups, tasks)
    sealed = SealedRuns(items, words, boilerplate, tasks)
    documents = _read_documents(inputs)
    # Meaning is compared of all or of none: the work grows with the square of the texts.
    meant = encode if rules.semantic != "off" and len(examples) <= settings.dedupe.semantic_limit else None
    overlaps = [*_find_overlap(parts, sealed, rules, meant),
                *find_document_overlap(documents, items, words, boilerplate, tasks)]  # fmt: skip
    _refuse_leaky_documents(overlaps, rules)
    dropped = list(assigned.dropped)
    for part in ("train", "dev"):
        gone = drop_overlap(parts[part], overlaps, words)
        dropped += gone
        removed = {one.id for one in gone}
        parts[part] = [one for one in parts[part] if one.id not in removed]
    parts["train"] = _limit_train(parts["train"], rules, dropped)
    if not parts["train"]:
        raise UserError("no training example is left after the split: lower split.holdout or add examples")
    for part, members in parts.items():
        write_jsonl(out / f"{part}.jsonl", members)
    write_jsonl(out / "dropped.jsonl", dropped)
    write_jsonl(out / "contamination.jsonl", overlaps)
    write_json(out / "profile.json", {part: describe_part(members, tasks) for part, members in parts.items()})
    write_json(out / BOILERPLATE, sorted(boilerplate))
    done = _report(assigned, parts, dropped, overlaps, len(examples))
    return replace(done, facts=done.facts | {"semantic": {"mode": rules.semantic, "compared": meant is not None}})


def _read_documents(inputs: dict[str, Path]) -> list[Document]:
    file = inputs["mask"] / "documents.jsonl" if "mask" in inputs else None
    return [Document.model_validate(one) for one in iter_jsonl(file)] if file and file.is_file() else []


def _find_overlap(
    parts: dict[Part, list[Example]], sealed: SealedRuns, rules: SplitSettings, encode: Encode | None
) -> list[Overlap]:
    items, others = parts["holdout"], [*parts["train"], *parts["dev"]]
    found = find_training_overlap(others, sealed, map_places(items))
    if encode:
        known = {one.text for one in found}
        left = [one for one in others if one.id not in known]
        found += find_meant_overlap(left, items, encode, rules.semantic_threshold, rules.semantic == "remove")
    return found


def _refuse_leaky_documents(overlaps: Sequence[Overlap], rules: SplitSettings) -> None:
    hits = [one for one in overlaps if one.kind == "document"]
    if hits and rules.documents == "stop":
        shown = ", ".join(f"{one.text} (the {one.holds} of {one.item})" for one in hits[:_SHOWN_HITS])
        more = ", …" if len(hits) > _SHOWN_HITS else ""
        raise UserError(
            f"{len(hits)} times a document holds what a sealed item asks or answers (split.documents is stop): "
            f"{shown}{more}: take these documents out, or set split.documents to list"
        )


def _refuse_small_holdout(held: int, total: int, settings: Settings) -> None:
    least = settings.benchmark.min_items
    if held < least:
        needed = math.ceil(least / settings.split.holdout)
        raise UserError(
            f"{held} sealed items are too few to prove anything, at least {least} are needed: with split.holdout="
            f"{settings.split.holdout} that takes {needed} examples after cleaning, there are {total}: "
            f"add {max(needed - total, 1)} or raise split.holdout"
        )


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


def _report(
    assigned: Assigned,
    parts: dict[Part, list[Example]],
    dropped: Sequence[Dropped],
    overlaps: Sequence[Overlap],
    total: int,
) -> Report:
    counts = {"in": total}
    for part, members in parts.items():
        counts[part] = len(members)
        counts[f"{part}_groups"] = len({one.group for one in members})
    by_task = {
        task: {part: sum(one.task == task for one in members) for part, members in parts.items()}
        for task in sorted({one.task for members in parts.values() for one in members})
    }
    reasons = Counter(one.reason for one in dropped)
    kinds = Counter(f"{one.kind}, {one.how}, {one.action}" for one in overlaps)
    facts = {"by_task": by_task, "overlaps": dict(sorted(kinds.items()))}
    return Report(counts, dict(sorted(reasons.items())), facts | ({"cut": assigned.cut} if assigned.cut else {}))
