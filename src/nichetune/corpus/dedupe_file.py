"""Dedupes any JSON Lines file with `text`, without a project.

in.jsonl -> out.jsonl: copies dropped, every line kept given the `group` of its near-duplicates

    {"id": "7", "text": "Pinguecula, OD.", "side": "right"}  ->  the same, with "group": "7"

Two lines are copies if their texts are the same, or nearly, and all other fields are the same too, but for `id`,
`group` and `entities`. Lines that differ in another field are twins, or contradict each other if their texts are the
same: they are kept, in one group, and the contradictions are counted.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from nichetune.core.files import canonical_json, write_lines
from nichetune.core.settings import DedupeSettings
from nichetune.corpus.digests import digest, digest_groups, join_digests
from nichetune.corpus.duplicates import Gone, drop_alike, drop_equal
from nichetune.corpus.groups import Link, join_groups
from nichetune.corpus.minhash import Pair
from nichetune.corpus.neighbours import Marks, find_neighbours
from nichetune.corpus.normal import fold_text, loosen_folded, loosen_normal, normalise_text
from nichetune.corpus.shingles import cut_shingles
from nichetune.corpus.subjects import Corpus, Read, Subject
from nichetune.corpus.templates import Sources
from nichetune.corpus.text_lines import TextLine, dump_object, iter_text_lines, parse_object, read_line
from nichetune.corpus.words import Ragged, digest_rows, hash_words, join_rows

_NOT_COMPARED = frozenset({"id", "group", "entities", "text"})
_READ_AT_ONCE = 500  # texts
_NOTHING_ELSE = digest(canonical_json({}))


class Lines(Corpus):
    """The lines of a file by their places, blank ones left out: their shingles in memory, all else read again.

    Attributes:
        names: their ids; `line N` where they have none.
        groups: as the file names them; None where it does not.
        rests: digests of all that makes another record of the same text. [lines]
        texts, loose: digests of normal texts, and of those in which numbers are alike. [lines]
        words: how many they have. [lines]
        shingles: of these words. [lines]
    """

    at_hand = True

    def __init__(self, source: Path, run: int) -> None:
        self.names: list[str] = []
        self.groups: list[str | None] = []
        self._source, self._starts, rests = source, array("q"), array("Q")
        exact, loose, sizes = array("Q"), array("Q"), array("q")
        self.shingles = join_rows(_cut(self._scan(rests), run, exact, loose, sizes))
        self.texts, self.loose, self.rests = (np.array(one, dtype=np.uint64) for one in (exact, loose, rests))
        self.words = np.array(sizes, dtype=np.int64)
        self._handle = source.open("rb")

    def _scan(self, rests: array[int]) -> Iterator[str]:
        """The texts; notes all else."""
        for start, record in iter_text_lines(self._source):
            if record is not None:
                self._starts.append(start)
                self.names.append(str(record.get("id") or f"line {len(self._starts)}"))
                self.groups.append(str(record["group"] or "") if "group" in record else None)
                rests.append(_digest_rest(record))
                yield record["text"]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, n: int) -> Subject:  # type: ignore[override]
        exact = normalise_text(self.text(n))
        return Subject(loosen_normal(exact), exact, group=self.groups[n] or "")

    def read(self, places: np.ndarray, run: int) -> Read:
        """Some lines as shingles, which are of one length."""
        return Read(self.shingles.take(places), self.words[places], [""] * len(places))

    def text(self, n: int) -> str:
        """A line's text."""
        return str(parse_object(read_line(self._handle, self._starts[n]).decode())["text"])

    def group(self, n: int) -> str:
        """A line's group; its name where it has none."""
        return self.groups[n] or self.names[n]

    def name_group(self, n: int, joined: dict[str, str]) -> bytes:
        """A line as it came, with its joined group behind all else, or in the place of one that it had."""
        line = read_line(self._handle, self._starts[n])
        group = self.group(n)
        group = joined.get(group, group)
        if self.groups[n] is None:
            return line[:-1].rstrip() + b", " + dump_object({"group": group})[1:].encode() + b"\n"
        return dump_object(parse_object(line.decode()) | {"group": group}).encode() + b"\n"


def _cut(
    texts: Iterator[str], run: int, exact: array[int], loose: array[int], sizes: array[int]
) -> Iterator[Ragged]:  # fmt: skip
    """The shingles of texts, some texts at a time; notes their digests and how many words they have."""
    while folded := [fold_text(text) for text in islice(texts, _READ_AT_ONCE)]:
        words = hash_words(folded)
        exact.frombytes(digest_rows(words).tobytes())
        loosened = [loosen_folded(text) for text in folded]
        if loosened != folded:
            words = hash_words(loosened)
        loose.frombytes(digest_rows(words).tobytes())
        sizes.frombytes(words.sizes.tobytes())
        yield cut_shingles(words, run)


@dataclass(frozen=True)
class FileFindings:
    """What stays of a file, and what went for what, by places in `lines`.

    Attributes:
        first: places of what is no exact copy.
        pairs: those of near ones.
    """

    lines: Lines
    kept: np.ndarray
    exact: list[Gone]
    near: list[Gone]
    first: np.ndarray
    pairs: list[Pair]


def dedupe_file(source: Path, target: Path, settings: DedupeSettings | None = None, seed: int = 7) -> dict[str, int]:
    """Dedupes `source` into `target`, which is whole or not written at all; returns the counts.

    Raises:
        UserError: a line is no JSON object or has no `text`; its number is told.
    """
    done = examine_file(source, settings, seed)
    joined = join_line_groups(done)
    write_lines(target, (done.lines.name_group(n, joined) for n in done.kept.tolist()))
    return {
        "in": len(done.lines),
        "out": len(done.kept),
        "exact_duplicates": len(done.exact),
        "near_duplicates": len(done.near),
        "contradictions": _count_contradictions(done),
    }


def examine_file(source: Path, settings: DedupeSettings | None = None, seed: int = 7) -> FileFindings:
    """Finds the duplicates of a file and writes nothing.

    Raises:
        UserError: a line is no JSON object or has no `text`; its number is told.
    """
    rules = settings or DedupeSettings()  # type: ignore[call-arg]
    lines = Lines(source, rules.ngram_words)
    exact = drop_equal(join_digests(lines.texts, lines.rests))
    first = exact.kept
    marks = Marks(
        places=first,
        texts=lines.loose[first],
        labels=lines.rests[first],
        groups=digest_groups(lines.groups)[first],
        words=lines.words[first],
        sources=Sources(np.zeros(len(first), dtype=np.int32), [""]),
    )
    found = find_neighbours(lines, rules, seed, marks).pairs
    near = drop_alike(len(first), found, lambda a, b: bool(marks.labels[a] == marks.labels[b])).within(first)
    pairs = [Pair(int(first[one.a]), int(first[one.b]), one.similarity, one.equal) for one in found]
    return FileFindings(lines, near.kept, exact.gone, near.gone, first, pairs)


def join_line_groups(done: FileFindings) -> dict[str, str]:
    """New names of groups that share a text, or nearly, by their old ones."""
    texts = done.lines.texts[done.first]
    order = np.argsort(texts, kind="stable")
    same = np.flatnonzero(texts[order[1:]] == texts[order[:-1]])
    alike = [(pair.a, pair.b) for pair in done.pairs]
    alike += zip(done.first[order[same]].tolist(), done.first[order[same + 1]].tolist(), strict=True)
    named = [(done.lines.group(a), done.lines.group(b)) for a, b in alike]
    return join_groups({name for names in named for name in names}, [Link(*names, names) for names in named])


def _count_contradictions(done: FileFindings) -> int:
    """Lines of one text that are no copies of each other."""
    _, counts = np.unique(done.lines.texts[done.first], return_counts=True)
    return int(counts[counts > 1].sum())


def _digest_rest(record: TextLine) -> int:
    rest = {name: value for name, value in record.items() if name not in _NOT_COMPARED}
    return digest(canonical_json(rest)) if rest else _NOTHING_ELSE
