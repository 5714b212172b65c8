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
from pathlib import Path

from nichetune.core.files import canonical_json
from nichetune.core.settings import DedupeSettings
from nichetune.corpus.groups import Link, join_groups
from nichetune.corpus.minhash import Pair, find_near_pairs
from nichetune.corpus.normal import loosen_text, normalise_text
from nichetune.corpus.text_lines import TextLine, read_text_lines, write_text_lines

_NOT_COMPARED = frozenset({"id", "group", "entities", "text"})


def dedupe_file(source: Path, target: Path, settings: DedupeSettings | None = None, seed: int = 7) -> dict[str, int]:
    """Dedupes `source` into `target`, which is whole or not written at all; returns the counts.

    Raises:
        UserError: a line is no JSON object or has no `text`; its number is told.
    """
    lines = [record for record in read_text_lines(source) if record is not None]
    exact = _first_of_each(lines)
    texts = [loosen_text(line["text"]) for line in exact]
    pairs = find_near_pairs(texts, settings or DedupeSettings(), seed)  # type: ignore[call-arg]
    near = _find_copies(exact, pairs)
    kept = [line for n, line in enumerate(_with_groups(exact, pairs)) if n not in near]
    write_text_lines(target, kept)
    return {
        "in": len(lines),
        "out": len(kept),
        "exact_duplicates": len(lines) - len(exact),
        "near_duplicates": len(near),
        "contradictions": _count_contradictions(exact),
    }


def _first_of_each(lines: Sequence[TextLine]) -> list[TextLine]:
    first: dict[tuple[str, str], TextLine] = {}
    for line in lines:
        first.setdefault((normalise_text(line["text"]), _rest(line)), line)
    return list(first.values())


def _find_copies(lines: Sequence[TextLine], pairs: Sequence[Pair]) -> set[int]:
    gone: set[int] = set()
    for pair in sorted(pairs, key=lambda one: (one.b, one.a)):
        if pair.a not in gone and _rest(lines[pair.a]) == _rest(lines[pair.b]):
            gone.add(pair.b)
    return gone


def _with_groups(lines: Sequence[TextLine], pairs: Sequence[Pair]) -> list[TextLine]:
    names = [str(line.get("group") or line.get("id") or f"line {n}") for n, line in enumerate(lines, start=1)]
    links = [Link(names[pair.a], names[pair.b], (names[pair.a], names[pair.b])) for pair in pairs]
    same: dict[str, int] = {}
    for n, line in enumerate(lines):
        first = same.setdefault(normalise_text(line["text"]), n)
        links.append(Link(names[first], names[n], (names[first], names[n])))
    joined = join_groups(names, links)
    return [line | {"group": joined[name]} for line, name in zip(lines, names, strict=True)]


def _count_contradictions(lines: Sequence[TextLine]) -> int:
    rest: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        rest[normalise_text(line["text"])].add(_rest(line))
    return sum(len(rest[normalise_text(line["text"])]) > 1 for line in lines)


def _rest(line: TextLine) -> str:
    return canonical_json({name: value for name, value in line.items() if name not in _NOT_COMPARED})
