"""Cleans the preference pairs and sets some apart, before any of them is learnt from.

format/preferences.jsonl + the sealed benchmark -> train.jsonl, heldout.jsonl, dropped.jsonl

    {"id": "pair-0007", "group": "pair-0007", "messages": [{"role": "user", …}, {"role": "assistant", …}],
     "rejected": "It may be the left ear, or the right.", …}

Copies go, pairs of nearly one prompt share a group, groups are held out whole. What overlaps a sealed item goes, as it
does from the examples: the last turn is the chosen answer, and the rejected one is looked through, too.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nichetune.benchmark.contamination import check_training
from nichetune.benchmark.seal import Benchmark, verify_benchmark
from nichetune.core.errors import UserError
from nichetune.core.files import hash_text, read_records, write_jsonl
from nichetune.core.records import Dropped, Example, Message
from nichetune.core.settings import PreferenceSettings, Settings
from nichetune.core.stages import DERIVED, Report
from nichetune.corpus.dedupe_file import examine_file, join_line_groups
from nichetune.corpus.format import PREFERENCES
from nichetune.corpus.normal import normalise_text


@dataclass
class _Sieve:
    """Pairs that are left, and what went, with its reason."""

    pairs: list[Example]
    dropped: list[Dropped] = field(default_factory=list)

    def drop(self, reasons: dict[str, tuple[str, str]]) -> None:
        """Takes pairs out by id: for each the reason, and the record that it is for."""
        for pair in self.pairs:
            if pair.id in reasons:
                reason, other = reasons[pair.id]
                self.dropped.append(Dropped(id=pair.id, reason=reason, source=pair.source, because_of=other))
        self.pairs = [pair for pair in self.pairs if pair.id not in reasons]


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Cleans and splits the pairs that format wrote.

    Raises:
        UserError: too few pairs are left.
    """
    read = read_records(inputs["format"] / PREFERENCES, Example)
    sieve = _Sieve(read)
    sieve.drop(_find_torn(sieve.pairs))
    sieve.pairs = _thin(sieve, settings, out / DERIVED)
    sieve.drop(_find_leaks(sieve.pairs, verify_benchmark(inputs["benchmark"])))
    _refuse_few(sieve, len(read), settings.preference)
    held = draw_groups(sieve.pairs, settings.preference.held_out, settings.split.salt)
    parts = {
        name: [p for p in sieve.pairs if (p.group in held) == (name == "heldout")] for name in ("train", "heldout")
    }
    for name, pairs in parts.items():
        write_jsonl(out / f"{name}.jsonl", pairs)
    write_jsonl(out / "dropped.jsonl", sieve.dropped)
    shutil.rmtree(out / DERIVED, ignore_errors=True)
    counts = {"in": len(read), "out": len(sieve.pairs), **{name: len(pairs) for name, pairs in parts.items()}}
    return Report(counts=counts, dropped=dict(sorted(Counter(one.reason for one in sieve.dropped).items())))


def _find_torn(pairs: Sequence[Example]) -> dict[str, tuple[str, str]]:
    """Pairs of one prompt that prefer the reverse of each other: neither teaches anything."""
    told: dict[tuple[str, ...], str] = {_key(p, p.messages[-1].content, p.rejected): p.id for p in pairs}
    reverse = {p.id: told.get(_key(p, p.rejected, p.messages[-1].content)) for p in pairs}
    return {name: ("prefers the reverse of another pair", other) for name, other in reverse.items() if other}


def _key(pair: Example, better: str, worse: str) -> tuple[str, ...]:
    return (pair.task, normalise_text(pair.prompt), better.strip(), worse.strip())


def _thin(sieve: _Sieve, settings: Settings, work: Path) -> list[Example]:
    """Takes copies out, and joins the groups of pairs whose prompts are nearly the same."""
    pairs = sieve.pairs
    if not pairs:
        return []
    lines = [
        {"id": p.id, "group": p.group, "text": p.prompt, "task": p.task, "chosen": p.messages[-1].content,
         "rejected": p.rejected}
        for p in pairs
    ]  # fmt: skip
    write_jsonl(work / "prompts.jsonl", lines)
    found = examine_file(work / "prompts.jsonl", settings.dedupe, settings.seed)
    kinds = (("exact duplicate", found.exact), ("near duplicate", found.near))
    sieve.drop({pairs[one.record].id: (reason, pairs[one.kept].id) for reason, some in kinds for one in some})
    joined = join_line_groups(found)
    return [p.model_copy(update={"group": joined.get(p.group, p.group)}) for p in sieve.pairs]


def _find_leaks(pairs: Sequence[Example], benchmark: Benchmark) -> dict[str, tuple[str, str]]:
    whole = [
        p.model_copy(update={"messages": [*p.messages, Message(role="assistant", content=p.rejected)]}) for p in pairs
    ]
    return {hit.example: (hit.reason, hit.item) for hit in check_training(whole, benchmark)}


def _refuse_few(sieve: _Sieve, read: int, rules: PreferenceSettings) -> None:
    left = len(sieve.pairs)
    if left < rules.min_pairs or len({p.group for p in sieve.pairs}) < 2:
        gone = ", ".join(f"{reason} {n}" for reason, n in Counter(one.reason for one in sieve.dropped).items())
        raise UserError(
            f"{left} preference pairs are left of {read} ({gone or 'nothing dropped'}), in at least two groups "
            f"{rules.min_pairs} are needed (preference.min_pairs): add pairs, or take the rung out of `rungs`"
        )


def draw_groups(pairs: Sequence[Example], share: float, salt: str) -> set[str]:
    """Groups to hold out, by salted draw, until they hold the share of the pairs; never all of them."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for pair in pairs:
        sizes[pair.group] += 1
    ranked = sorted(sizes, key=lambda group: hash_text(f"{salt}\x1fpreferences\x1f{group}"))
    held: set[str] = set()
    for group in ranked[:-1]:
        if sum(sizes[one] for one in held) >= share * len(pairs):
            break
        held.add(group)
    return held
