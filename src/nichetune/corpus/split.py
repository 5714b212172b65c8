"""Split: seals a holdout, sets a development set apart, and keeps training clear of both.

dedupe/ (+ mask/documents.jsonl) -> train.jsonl, dev.jsonl, holdout.jsonl, blind.jsonl (if asked for),
dropped.jsonl, boilerplate.json, contamination.jsonl, profile.json

    {"id": "int-0412", "reason": "shares a run of 8 words with a sealed item", "because_of": "int-0077", …}

Who goes where stands in assign.py; what counts as overlap in overlap.py. Documents stay where they are: those that
hold a sealed question or answer are listed, or stop the run.
"""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nichetune.core.errors import UserError
from nichetune.core.files import write_json, write_jsonl, write_lines
from nichetune.core.records import Document, Dropped, Example
from nichetune.core.settings import Settings, SplitSettings
from nichetune.core.stages import DERIVED, Report
from nichetune.corpus.assign import PARTS, Assigned, Part, assign_examples, assign_groups, list_parts
from nichetune.corpus.canaries import find_canaries
from nichetune.corpus.cards import Cards, read_cards
from nichetune.corpus.contradictions import Aside
from nichetune.corpus.engine import start_engine
from nichetune.corpus.findings import Overlap
from nichetune.corpus.leaks import describe_hit, find_document_overlap, find_meant_overlap, map_places, say_reason
from nichetune.corpus.lines import RecordFile
from nichetune.corpus.overlap import SealedRuns
from nichetune.corpus.profile import describe_part
from nichetune.corpus.semantic import Encode
from nichetune.corpus.spotting import find_boilerplate, find_leaks

__all__ = ["BOILERPLATE", "PARTS", "assign_groups", "run"]

BOILERPLATE, BLIND = "boilerplate.json", "blind.jsonl"
_SHOWN_HITS = 5
Spotted = tuple[int, Overlap]  # a training example's place, and what it holds


def run(settings: Settings, inputs: dict[str, Path], out: Path, encode: Encode | None = None) -> Report:
    """Splits what dedupe wrote.

    Args:
        inputs: `dedupe`; with `mask`, its documents are held against the sealed items too.
        encode: turns texts into unit vectors; without it nothing is compared by meaning.

    Raises:
        UserError: too few sealed items, nothing left to train on, no dates to split by, or documents that hold sealed
            questions and shall stop the run.
        SystemFailure: the Ray cluster does not answer.
    """
    start_engine(settings.data)
    rules, tasks, work = settings.split, settings.tasks, out / DERIVED / "work"
    examples = RecordFile(inputs["dedupe"] / "examples.jsonl", work / "lines.npy", Example)
    cards = read_cards(examples, rules, tasks, work / "cards")
    assigned, planted = assign_examples(examples, rules, cards), find_canaries(settings, examples)
    places = assigned.places
    for part, some in places.items():
        places[part] = some[~np.isin(some, planted)]
    sealed_parts: list[Part] = [part for part in list_parts(rules) if part in ("holdout", "blind")]
    for part in sealed_parts:
        _refuse_small_holdout(part, len(places[part]), len(examples), settings)
    items = [one for part in sealed_parts for one in assigned.parts[part]]
    words = rules.overlap_words
    boilerplate = find_boilerplate(examples, items, words, rules.boilerplate_groups, tasks, work / "boilerplate")
    sealed = SealedRuns(items, words, boilerplate, tasks)
    # Meaning is compared of all or of none: the work grows with the square of the texts.
    meant = encode if rules.semantic != "off" and len(examples) <= settings.dedupe.semantic_limit else None
    spotted = _find_overlap(assigned, items, sealed, rules, meant, work)
    in_documents = find_document_overlap(_open_documents(inputs, work), items, words, boilerplate, tasks)
    overlaps = [*(overlap for _, overlap in spotted), *in_documents]
    _refuse_leaky_documents(overlaps, rules)
    dropped = [one for one in assigned.dropped if one.place not in set(planted.tolist())]
    items_at = dict(zip((one.id for one in items), (n for p in sealed_parts for n in places[p].tolist()), strict=True))
    for part in ("train", "dev"):
        places[part] = _drop_overlap(places[part], spotted, items_at, words, dropped)
    places["train"] = _limit_train(places["train"], cards, rules, dropped)
    places["train"] = np.sort(np.concatenate([places["train"], planted]))  # always: nothing is measured without them
    if not len(places["train"]):
        raise UserError("no training example is left after the split: lower split.holdout or add examples")
    for part, members in places.items():
        write_lines(out / f"{part}.jsonl", map(examples.line, members.tolist()))
    write_jsonl(out / "dropped.jsonl", (_put_aside(one, examples) for one in dropped))
    write_jsonl(out / "contamination.jsonl", overlaps)
    write_json(out / "profile.json", {part: describe_part(some, cards, tasks) for part, some in places.items()})
    write_json(out / BOILERPLATE, sorted(boilerplate))
    shutil.rmtree(out / DERIVED)
    done = _report(assigned, cards, dropped, overlaps)
    return replace(done, facts=done.facts | {"semantic": {"mode": rules.semantic, "compared": meant is not None}})


def _open_documents(inputs: dict[str, Path], work: Path) -> Sequence[Document]:
    file = inputs["mask"] / "documents.jsonl" if "mask" in inputs else None
    return RecordFile(file, work / "documents.npy", Document) if file and file.is_file() else []


def _find_overlap(
    assigned: Assigned,
    items: list[Example],
    sealed: SealedRuns,
    rules: SplitSettings,
    encode: Encode | None,
    work: Path,
) -> list[Spotted]:
    examples, at = assigned.examples, map_places(items)
    others = np.concatenate([assigned.places["train"], assigned.places["dev"]])
    hits = find_leaks(examples, others, sealed, work / "leaks")
    found = [(n, describe_hit(examples[n], "example", hit, at, "removed")) for n, hit in hits]
    if encode:
        known = {n for n, _ in found}
        left = [n for n in others.tolist() if n not in known]
        found += find_meant_overlap(examples, left, items, encode, rules.semantic_threshold, rules.semantic == "remove")
    return found


def _drop_overlap(
    places: np.ndarray, spotted: Sequence[Spotted], items_at: dict[str, int], words: int, dropped: list[Aside]
) -> np.ndarray:
    """What stays of a part; a record for each example that is removed, in the order of the examples."""
    removed = {n: overlap for n, overlap in spotted if overlap.action == "removed"}
    is_removed = np.isin(places, np.array(list(removed), dtype=np.int64))
    for n in places[is_removed].tolist():
        dropped.append(Aside(n, say_reason(removed[n].how, words), items_at[removed[n].item]))
    kept: np.ndarray = places[~is_removed]
    return kept


def _put_aside(one: Aside, examples: Sequence[Example]) -> Dropped:
    own = examples[one.place]
    because = examples[one.other].id if one.other != one.place else ""
    return Dropped(id=own.id, reason=one.reason, source=own.source, because_of=because)


def _refuse_leaky_documents(overlaps: Sequence[Overlap], rules: SplitSettings) -> None:
    hits = [one for one in overlaps if one.kind == "document"]
    if hits and rules.documents == "stop":
        shown = ", ".join(f"{one.text} (the {one.holds} of {one.item})" for one in hits[:_SHOWN_HITS])
        more = ", …" if len(hits) > _SHOWN_HITS else ""
        raise UserError(
            f"{len(hits)} times a document holds what a sealed item asks or answers (split.documents is stop): "
            f"{shown}{more}: take these documents out, or set split.documents to list"
        )


def _refuse_small_holdout(part: Part, held: int, total: int, settings: Settings) -> None:
    least = settings.benchmark.min_items
    if held < least:
        share = getattr(settings.split, part)
        needed = math.ceil(least / share)
        raise UserError(
            f"{held} sealed items are too few to prove anything, at least {least} are needed: with split.{part}="
            f"{share} that takes {needed} examples after cleaning, there are {total}: "
            f"add {max(needed - total, 1)} or raise split.{part}"
        )


def _limit_train(places: np.ndarray, cards: Cards, rules: SplitSettings, dropped: list[Aside]) -> np.ndarray:
    """At most `max_train[task]` examples a task, chosen by salted hash, in their own order."""
    over = [np.empty(0, dtype=np.int64)]
    for n, task in enumerate(cards.names["tasks"]):
        if task in rules.max_train:
            own = places[cards.tasks[places] == n]
            over.append(own[np.argsort(cards.draws[own], kind="stable")][rules.max_train[task] :])
    is_over = np.isin(places, np.concatenate(over))
    dropped += [Aside(n, "over split.max_train", n) for n in places[is_over].tolist()]
    kept: np.ndarray = places[~is_over]
    return kept


def _report(assigned: Assigned, cards: Cards, dropped: Sequence[Aside], overlaps: Sequence[Overlap]) -> Report:
    counts = {"in": len(cards)}
    tasks = cards.names["tasks"]
    by_task: dict[str, dict[Part, int]] = {}
    for part, places in assigned.places.items():
        counts[part] = len(places)
        counts[f"{part}_groups"] = cards.count_groups(places)
        for task, count in zip(tasks, np.bincount(cards.tasks[places], minlength=len(tasks)).tolist(), strict=True):
            by_task.setdefault(task, {})[part] = count
    present = {task: held for task, held in by_task.items() if any(held.values())}
    reasons = Counter(one.reason for one in dropped)
    kinds = Counter(f"{one.kind}, {one.how}, {one.action}" for one in overlaps)
    facts = {"by_task": present, "overlaps": dict(sorted(kinds.items()))}
    return Report(counts, dict(sorted(reasons.items())), facts | ({"cut": assigned.cut} if assigned.cut else {}))
