"""Says of one text why it counts as a duplicate, and of which; or what counts as a duplicate of it.

an id + what dedupe left behind -> Explanation

    near duplicate of int-0004 (corpus/intake/2026-01.jsonl:4): similarity 0.91, of 22 runs of 3 words 20 are in both;
    only here: room 12; only there: bed

The words that differ are masked ones, as they stand in the run's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.files import read_records
from nichetune.core.records import Dropped, Example
from nichetune.core.settings import DedupeSettings, Settings
from nichetune.corpus.dedupe_file import FileFindings, examine_file
from nichetune.corpus.duplicates import WHY
from nichetune.corpus.findings import Cluster, Lookalike
from nichetune.corpus.normal import loosen_normal, normalise_text
from nichetune.corpus.shingles import shingle

_SHOWN_WORDS = 12
_SHOWN_OTHERS = 20


@dataclass(frozen=True)
class Related:
    """Another text: where it stands, how near it is, and in what the two differ.

    Attributes:
        similarity: as it was found, template aside; None where only the same text was asked for.
        shared_runs: runs of words that both hold, numbers counting as alike, out of `runs` in either.
    """

    id: str
    how: str
    place: str
    similarity: float | None = None
    shared_runs: int = 0
    runs: int = 0
    only_here: list[str] = field(default_factory=list)
    only_there: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Explanation:
    """What became of a text and why.

    Attributes:
        fate: `kept`, or the reason for which it was dropped.
        of: the text that it was dropped for.
        copies: texts that were dropped for it; `why` is the reason that it is the one that stays.
        lookalikes: kept texts that are nearly the same.
    """

    id: str
    place: str
    fate: str
    of: Related | None = None
    why: str = ""
    copies: list[Related] = field(default_factory=list)
    lookalikes: list[Related] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)

    def as_lines(self) -> list[str]:
        """For people."""
        lines = [f"{_call(self)}: {self.fate}"]
        if self.of:
            lines[0] += f"{' of' if 'duplicate' in self.fate else ': see'} {_call(self.of)}"
        if self.of:
            lines += _tell(self.of)
        if self.copies:
            lines.append(f"stays for {len(self.copies)} copies, since it is the one {self.why}:")
            lines += [f"  {_call(one)}: {one.how}, {_measure(one)}" for one in self.copies[:_SHOWN_OTHERS]]
        if self.lookalikes:
            lines.append(f"nearly the same as {len(self.lookalikes)} kept texts:")
            lines += [f"  {_call(one)}: {one.how}, {_measure(one)}" for one in self.lookalikes[:_SHOWN_OTHERS]]
        if not (self.of or self.copies or self.lookalikes):
            lines.append("  no other text is a copy of it, or nearly the same")
        return lines


def explain_example(name: str, settings: Settings, formatted: Path, deduped: Path) -> Explanation:
    """Explains an example of a project.

    Raises:
        UserError: dedupe never saw such an example.
    """
    examples = {one.id: one for one in read_records(formatted / "examples.jsonl", Example)}
    if name not in examples:
        raise UserError(f"dedupe: no example {name} came to dedupe: check the id, or look for it in quarantine.jsonl")
    clusters = read_records(deduped / "clusters.jsonl", Cluster)
    similar = {copy.id: (copy.similarity, one.kept) for one in clusters for copy in one.copies}
    gone = {one.id: one for file in ("dropped", "contradictions")
            for one in read_records(deduped / f"{file}.jsonl", Dropped)}  # fmt: skip
    looks = [one for one in read_records(deduped / "lookalikes.jsonl", Lookalike) if name in (one.a, one.b)]
    own = next((one for one in clusters if one.kept == name), None)
    one, words = examples[name], settings.dedupe.ngram_words

    def relate(other: str, how: str, similarity: float | None) -> Related:
        return _relate(one.prompt, examples[other].prompt, other, how, examples[other].source.place, similarity, words)

    of = None
    if name in gone and gone[name].because_of:
        # The cluster's own text, if the one that it equals was dropped for another in its turn.
        similarity, kept = similar.get(name, (None, gone[name].because_of))
        of = relate(kept, gone[name].reason, similarity)
    return Explanation(
        id=name,
        place=one.source.place,
        fate=gone[name].reason if name in gone else "kept",
        of=of,
        why=own.why if own else "",
        copies=[relate(c.id, c.how, c.similarity) for c in own.copies] if own else [],
        lookalikes=[_look(relate, look, name) for look in looks],
    )


def _look(relate: Any, look: Lookalike, name: str) -> Related:
    answer = "same answer" if look.same_answer else "another answer"
    related: Related = relate(look.b if look.a == name else look.a, f"{look.how}, {answer}", look.similarity)
    return related


def explain_line(name: str, source: Path, settings: DedupeSettings | None = None, seed: int = 7) -> Explanation:
    """Explains a line of any JSON Lines file, by its id or as `line N`.

    Raises:
        UserError: no such line.
    """
    done = examine_file(source, settings, seed)
    words = (settings or DedupeSettings()).ngram_words  # type: ignore[call-arg]
    if name not in done.lines.names:
        raise UserError(f"{source}: no line has the id {name}: give an id, or 'line N' where lines have none")
    return _explain_line(done.lines.names.index(name), done, words)


def _explain_line(place: int, done: FileFindings, words: int) -> Explanation:
    kinds = (("exact duplicate", done.exact), ("near duplicate", done.near))
    gone = {copy.record: (reason, copy) for reason, some in kinds for copy in some}
    lines, name = done.lines, done.lines.names[place]

    def relate(other: int, how: str, similarity: float) -> Related:
        named = lines.names[other]
        return _relate(lines.text(place), lines.text(other), named, how, named, similarity, words)

    found = gone.get(place)
    copies = [relate(g.record, reason, g.similarity) for reason, g in gone.values() if g.kept == place]
    looks = [
        relate(pair.b if pair.a == place else pair.a, "near, differs in another field", pair.similarity)
        for pair in done.pairs
        if place in (pair.a, pair.b) and lines.rests[pair.a] != lines.rests[pair.b]
    ]
    of = relate(found[1].kept, found[0], found[1].similarity) if found else None
    return Explanation(name, name, found[0] if found else "kept", of, WHY["central"], copies, looks)


def _relate(
    here: str, there: str, name: str, how: str, place: str, similarity: float | None, words: int
) -> Related:  # fmt: skip
    one, other = normalise_text(here), normalise_text(there)
    a, b = shingle(loosen_normal(one), words), shingle(loosen_normal(other), words)
    return Related(
        id=name, how=how, place=place, similarity=similarity, shared_runs=len(a & b), runs=len(a | b),
        only_here=_minus(one, other), only_there=_minus(other, one),
    )  # fmt: skip


def _minus(one: str, other: str) -> list[str]:
    held = set(other.split())
    return [word for word in dict.fromkeys(one.split()) if word not in held][:_SHOWN_WORDS]


def _call(one: Explanation | Related) -> str:
    """A line of a file is its own place."""
    return one.id if one.id == one.place else f"{one.id} ({one.place})"


def _tell(one: Related) -> list[str]:
    lines = [f"  {_measure(one)}: of {one.runs} runs of words {one.shared_runs} are in both, numbers counting as alike"]
    told: Mapping[str, list[str]] = {"only here": one.only_here, "only there": one.only_there}
    return lines + [f"  {what}: {' '.join(words)}" for what, words in told.items() if words]


def _measure(one: Related) -> str:
    return "the same text" if one.similarity is None else f"similarity {one.similarity:.2f}"
