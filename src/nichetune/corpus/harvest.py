"""What has been read so far: counts, the files' own lines, and the writers that records go to.

Harvest.keep(example), .put_aside(dropped), .finish(FileTally(file="corpus/notes.csv", read_as="CSV", records=40, …))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pydantic import BaseModel, Field

from nichetune.core.records import Document, Dropped, Example, Record
from nichetune.corpus.seen import SeenIds

Write = Callable[[BaseModel], None]
_HELD_TALLIES = 50  # as many as people are shown, and some


class FileTally(Record):
    """One file: how it was read, and what came of it. Passed-over files have a reason and no counts.

    Attributes:
        sha256: of its bytes, unpacked.
        read_as: the format in words, such as `Alpaca`; empty for a file that was passed over.
        encodings: other than ASCII, by how many lines.
        repaired: texts whose mojibake was undone.
        later_turns: turns of conversations that are left out.
        rejected: answers of preference pairs that are left out.
    """

    file: str
    sha256: str = ""
    read_as: str = ""
    encodings: dict[str, int] = Field(default_factory=dict)
    records: int = 0
    kept: int = 0
    put_aside: dict[str, int] = Field(default_factory=dict)
    repaired: int = 0
    later_turns: int = 0
    rejected: int = 0
    passed_over: str = ""

    def describe(self) -> str:
        """One line for people: `Alpaca, 52002 records, 3 put aside, cp1252`."""
        parts = [self.read_as, f"{self.records} {'record' if self.records == 1 else 'records'}"]
        if self.put_aside:
            parts.append(f"{sum(self.put_aside.values())} put aside")
        if self.later_turns:
            parts.append(f"first exchange of each, {self.later_turns} later turns left out")
        if self.rejected:
            parts.append(f"chosen answers, {self.rejected} rejected ones left out")
        if self.repaired:
            parts.append(f"mojibake repaired in {self.repaired}")
        return ", ".join([*parts, *(name for name in self.encodings if name != "utf-8")])


@dataclass
class PartCounts:
    """What came of the file, or archive's member, that is being read, so far; its tally once it is read to its end."""

    records: int = 0
    kept: int = 0
    repaired: int = 0
    later_turns: int = 0
    rejected: int = 0
    aside: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Writers:
    """Where records go, one at a time."""

    example: Write
    document: Write
    aside: Write
    tally: Write


@dataclass
class Harvest:
    """All files together.

    Attributes:
        done_files: source files that were read to their end.
        done_parts: members of the archive that is being read, if it is one, that were.
        part: what is being read.
    """

    writers: Writers
    seen: SeenIds
    read: int = 0
    broken: int = 0
    examples: int = 0
    documents: int = 0
    preferences: int = 0
    repaired: int = 0
    later_turns: int = 0
    rejected: int = 0
    files_read: int = 0
    first_broken: Dropped | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    read_as: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    published: list[str] = field(default_factory=list)
    tallies: list[FileTally] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    done_files: int = 0
    done_parts: int = 0
    part: PartCounts = field(default_factory=PartCounts)

    def label(self, file: str) -> str:
        """A short name for a file: its last part, or the whole path where another file has that already."""
        name = PurePosixPath(file).name
        return name if self.labels.setdefault(name, file) == file else file

    def keep(self, record: Example | Document, place: str) -> str | None:
        """Writes a record; the place of another that has its id already, if there is one."""
        first = self.seen.add(record.kind, record.id, place)
        if first is None:
            (self.writers.document if record.kind == "document" else self.writers.example)(record)
            self.examples += record.kind == "example"
            self.documents += record.kind == "document"
            self.preferences += record.kind == "preference"
        return first

    def put_aside(self, dropped: Dropped, broken: bool) -> None:
        """Writes down where a record stood and why it is not used."""
        self.reasons[dropped.reason] += 1
        self.broken += broken
        if broken and self.first_broken is None:
            self.first_broken = dropped
        self.writers.aside(dropped)

    def skip(self, file: str, reason: str) -> None:
        """Writes down a file that no reader is for."""
        self.skipped[reason] += 1
        self.writers.tally(FileTally(file=file, passed_over=reason))

    def finish(self, tally: FileTally) -> None:
        """Adds up what a file gave."""
        self.files_read += 1
        self.read_as[tally.read_as] += 1
        self.repaired += tally.repaired
        self.later_turns += tally.later_turns
        self.rejected += tally.rejected
        if len(self.tallies) < _HELD_TALLIES:
            self.tallies.append(tally)
        self.writers.tally(tally)

    def end_part(self) -> None:
        """Goes on to the next member."""
        self.done_parts += 1
        self.part = PartCounts()

    def end_file(self) -> None:
        """Goes on to the next source file."""
        self.done_files += 1
        self.done_parts = 0
