"""Dedupes any JSON Lines file with `text`, without a project.

in.jsonl -> out.jsonl: copies dropped, every line kept given the `group` of its near-duplicates

    {"id": "7", "text": "Pinguecula, OD.", "side": "right"}  ->  the same, with "group": "7"

Two lines are copies if their texts are the same, or nearly, and all other fields are the same too, but for `id`,
`group` and `entities`. Lines that differ in another field are twins, or contradict each other if their texts are the
same: they are kept, in one group, and the contradictions are counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nichetune.core.files import canonical_json
from nichetune.core.settings import DedupeSettings
from nichetune.corpus.duplicates import Gone, drop_alike, drop_equal
from nichetune.corpus.groups import Link, join_groups
from nichetune.corpus.minhash import Pair
from nichetune.corpus.neighbours import Marks, Neighbours, find_neighbours
from nichetune.corpus.normal import loosen_normal, normalise_text
from nichetune.corpus.subjects import Subject
from nichetune.corpus.text_lines import TextLine, read_text_lines, write_text_lines
from nichetune.corpus.digests import digest_all

_NOT_COMPARED = frozenset({"id", "group", "entities", "text"})


@dataclass(frozen=True)
class Line:
    """A line as it is compared: its name (id, or place), normal text, and all else that makes another record of it."""

    name: str
    text: str
    rest: str
    record: TextLine


@dataclass(frozen=True)
class FileFindings:
    """What stays of a file, and what went for what, by places in `lines`; `found` by places in `first`."""

    lines: list[Line]
    kept: list[Line]
    exact: list[Gone]
    near: list[Gone]
    first: list[Line]
    found: Neighbours


def dedupe_file(source: Path, target: Path, settings: DedupeSettings | None = None, seed: int = 7) -> dict[str, int]:
    """Dedupes `source` into `target`, which is whole or not written at all; returns the counts.

    Raises:
        UserError: a line is no JSON object or has no `text`; its number is told.
    """
    done = examine_file(source, settings, seed)
    groups = _name_groups(done.first, done.found.pairs)
    write_text_lines(target, (one.record | {"group": groups[one.name]} for one in done.kept))
    return {
        "in": len(done.lines),
        "out": len(done.kept),
        "exact_duplicates": len(done.exact),
        "near_duplicates": len(done.near),
        "contradictions": _count_contradictions(done.first),
    }


def examine_file(source: Path, settings: DedupeSettings | None = None, seed: int = 7) -> FileFindings:
    """Finds the duplicates of a file and writes nothing.

    Raises:
        UserError: a line is no JSON object or has no `text`; its number is told.
    """
    rules = settings or DedupeSettings()  # type: ignore[call-arg]
    records = [record for record in read_text_lines(source) if record is not None]
    lines = [_make_line(n, record) for n, record in enumerate(records, start=1)]
    exact = drop_equal(digest_all(f"{one.text}\x1f{one.rest}" for one in lines))
    first = [lines[n] for n in exact.kept.tolist()]
    subjects = [Subject(loosen_normal(one.text), one.text, group=str(one.record.get("group") or "")) for one in first]
    found = find_neighbours(subjects, rules, seed, Marks.of(subjects, [one.rest for one in first]))
    near = drop_alike(len(first), found.pairs, lambda a, b: first[a].rest == first[b].rest).within(exact.kept)
    return FileFindings(lines, [lines[n] for n in near.kept.tolist()], exact.gone, near.gone, first, found)


def _make_line(number: int, record: TextLine) -> Line:
    name = str(record.get("id") or f"line {number}")
    return Line(name, normalise_text(record["text"]), _rest(record), record)


def _name_groups(lines: Sequence[Line], pairs: Sequence[Pair]) -> dict[str, str]:
    """The group of each line by the line's name."""
    own = {one.name: str(one.record.get("group") or one.name) for one in lines}
    names = [own[one.name] for one in lines]
    links = [Link(names[pair.a], names[pair.b], (names[pair.a], names[pair.b])) for pair in pairs]
    same: dict[str, int] = {}
    for n, one in enumerate(lines):
        first = same.setdefault(one.text, n)
        if first != n:
            links.append(Link(names[first], names[n], (names[first], names[n])))
    joined = join_groups(names, links)
    return {name: joined[group] for name, group in own.items()}


def _count_contradictions(lines: Sequence[Line]) -> int:
    rest: dict[str, set[str]] = defaultdict(set)
    for one in lines:
        rest[one.text].add(one.rest)
    return sum(len(rest[one.text]) > 1 for one in lines)


def _rest(record: TextLine) -> str:
    return canonical_json({name: value for name, value in record.items() if name not in _NOT_COMPARED})
