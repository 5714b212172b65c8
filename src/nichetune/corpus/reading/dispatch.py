"""Reads one part of a source with the reader of its format; what cannot be read becomes a record that says why.

Part("guide.pdf", …) -> Reading(kind="pdf", records=…, encodings={"utf-8": 12})
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any

from nichetune.core.errors import UserError
from nichetune.core.settings import SourceSettings
from nichetune.corpus.encodings import Line, LineReader
from nichetune.corpus.reading import front_matter, json_file, mail, markup, pdf, rows, tables, word
from nichetune.corpus.reading.formats import Format, detect_format
from nichetune.corpus.reading.parts import Part
from nichetune.corpus.reading.prose import Block, Passage, pack_passages, split_markdown, split_text
from nichetune.corpus.reading.raw import RawRecord, Unreadable, digest

_MOST_PAGE_BYTES = 1 << 27  # of HTML, which is parsed whole
# Formats of which even a file that says nothing has bytes.
_NEVER_EMPTY = ("parquet", "excel", "pdf", "docx")


@dataclass
class Reading:
    """One part while it is read.

    Attributes:
        label: the file's name in the ids of passages; no two files of a project share one.
        kind: None for a part that cannot be opened.
        encodings: those met so far, by how many lines.
    """

    part: Part
    source: SourceSettings
    label: str
    kind: Format | None
    encodings: dict[str, int] = field(default_factory=dict)

    def records(self) -> Iterator[RawRecord]:
        """All records, in the file's order; the last one may say why nothing more can be read.

        Raises:
            UserError: `sources[].encoding` names no codec.
        """
        try:
            yield from self._read()
        except Unreadable as why:
            yield RawRecord(None, self.part.sha256, None, str(why))
        except LookupError:
            wanted = self.source.encoding
            raise UserError(f"{self.part.name}: unknown encoding {wanted!r}: correct sources[].encoding") from None

    def _read(self) -> Iterator[RawRecord]:
        handle = self.part.handle
        if handle is None:
            raise Unreadable(self.part.problem)
        if self.kind in _NEVER_EMPTY and _is_empty(handle):
            raise Unreadable("empty file")
        if self.kind in ("jsonl", "csv", "markdown", "text"):
            yield from self._read_lines(handle)
        elif self.kind == "json":
            yield from json_file.read_json(handle, self.source.encoding)
        elif self.kind == "front-matter":
            yield front_matter.read_record(handle, self.source)
        elif self.kind == "parquet":
            yield from tables.read_parquet(handle)
        elif self.kind == "excel":
            yield from tables.read_workbook(handle, self.source.sheet)
        elif self.kind in ("eml", "mbox"):
            yield from self._read_mail(handle)
        else:
            yield from self._read_document(handle)

    def _read_lines(self, handle: IO[bytes]) -> Iterator[RawRecord]:
        reader = LineReader(handle, self.source.encoding)
        self.encodings = reader.encodings
        if self.kind == "jsonl":
            yield from rows.read_jsonl(reader)
        elif self.kind == "csv":
            yield from rows.read_csv(reader)
        else:
            broken: list[RawRecord] = []
            split = split_markdown if self.kind == "markdown" else split_text
            for passage in split(_readable_lines(reader, broken), self._stem()):
                yield from broken
                broken.clear()
                yield self._passage(passage)
            yield from broken

    def _read_document(self, handle: IO[bytes]) -> Iterator[RawRecord]:
        title, blocks, scans = self._read_blocks(handle)
        for page in scans:
            yield RawRecord(None, self.part.sha256, None, pdf.NO_TEXT, page=page)
        for passage in pack_passages(blocks, title or self._stem()):
            yield self._passage(passage)

    def _read_blocks(self, handle: IO[bytes]) -> tuple[str, list[Block], list[int]]:
        if self.kind == "html":
            data = handle.read(_MOST_PAGE_BYTES + 1)
            if len(data) > _MOST_PAGE_BYTES:
                raise Unreadable("page too large")
            return *markup.read_page(data, self.source.encoding), []
        if self.kind == "docx":
            return *word.read_word(handle), []
        found = pdf.read_pdf(handle)
        return found.title, found.blocks, found.scans

    def _read_mail(self, handle: IO[bytes]) -> Iterator[RawRecord]:
        """Messages as they are for examples; for documents each as one or more passages under its subject."""
        read = mail.read_message if self.kind == "eml" else mail.read_mailbox
        for record in read(handle):
            if record.values is None or self.source.holds != "documents":
                yield record
                continue
            values, place = record.values, f"{self.label}:{record.line}" if self.kind == "mbox" else self.label
            lines = str(values["text"]).split("\n")
            for count, passage in enumerate(split_text(lines, values["title"] or self._stem()), start=1):
                name = place if count == 1 else f"{place}#{count}"
                own = {"id": name, "title": passage.title, "text": passage.text}
                yield RawRecord(record.line, record.sha256, values | own)

    def _stem(self) -> str:
        return PurePosixPath(self.part.inner).stem.replace("_", " ").strip()

    def _passage(self, passage: Passage) -> RawRecord:
        values: dict[str, Any] = {"id": f"{self.label}#{passage.anchor}", "title": passage.title, "text": passage.text}
        sha256 = digest(passage.text.encode("utf-8", "surrogatepass"))
        return RawRecord(passage.line, sha256, values, page=passage.page)


def open_reading(part: Part, source: SourceSettings, label: str) -> Reading:
    """Chooses the reader of a part.

    Raises:
        UserError: its format cannot be told.
    """
    kind = detect_format(part.inner, source.format) if part.handle is not None else None
    return Reading(part, source, label, kind)


def _readable_lines(lines: Iterable[Line], broken: list[RawRecord]) -> Iterator[str]:
    """Texts of the lines; one that cannot be decoded is blank, and noted."""
    for number, line in enumerate(lines, start=1):
        if line.text is None:
            broken.append(rows.broken_line(number, line))
        yield line.text or ""


def _is_empty(handle: IO[bytes]) -> bool:
    empty = not handle.read(1)
    handle.seek(0)
    return empty
