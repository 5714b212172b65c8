"""Reads a PDF's text layer, page by page, under the bookmarks that lead to a page.

a file -> its title, its blocks, and pages that have a picture and no text: scans, which need OCR first
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from nichetune.corpus.reading.prose import Block
from nichetune.corpus.reading.raw import Unreadable, damage_named

NO_TEXT = "no text layer: scanned pages need OCR first"
LOCKED = "password-protected"
_HYPHENATED = re.compile(r"(\w)[-\u00ad]\n(?=[^\W\d_A-Z])")
_LEVELS = 6
# A bullet or a number begins a paragraph even where the layout leaves no space above it.
_ITEM = re.compile(r"^\s*(?:[•▪●◦‣–*-]\s|\(?\d{1,3}[.)]\s)")


@dataclass
class PdfText:
    """What a PDF says: `scans` are the pages, from 1, that cannot be read."""

    title: str
    blocks: list[Block] = field(default_factory=list)
    scans: list[int] = field(default_factory=list)


def read_pdf(handle: IO[bytes]) -> PdfText:
    """The text of a whole file.

    Raises:
        Unreadable: it is no PDF, damaged, locked by a password, or has no text at all.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings quote what stands in the file
    with damage_named("PDF"):
        try:
            reader = PdfReader(handle)
            if reader.is_encrypted and not reader.decrypt(""):  # an empty password only forbids to print or change
                raise Unreadable(LOCKED)
        except DependencyError:  # a cipher that nothing here knows
            raise Unreadable(LOCKED) from None
        return _read_pages(reader)


def _read_pages(reader: Any) -> PdfText:
    text = PdfText(_title(reader))
    bookmarks = _bookmarks(reader)
    for number, page in enumerate(reader.pages, start=1):
        text.blocks += bookmarks.get(number, [])
        found = page.extract_text()
        if found.strip():
            text.blocks += _paragraphs(found, number)
        elif page.get("/Resources") and "/XObject" in page["/Resources"].get_object():
            text.scans.append(number)
    if text.scans and not any(block.level == 0 for block in text.blocks):
        raise Unreadable(NO_TEXT)
    return text


def _title(reader: Any) -> str:
    title = (reader.metadata.title if reader.metadata else None) or ""
    # Programs write the name of the file that they printed, or nothing worth citing.
    is_telling = " " in title.strip() and not re.search(r"\.\w{2,4}$|^untitled|^microsoft word", title, re.IGNORECASE)
    return " ".join(title.split()) if is_telling else ""


def _bookmarks(reader: Any) -> dict[int, list[Block]]:
    """Headings by the page on which they stand."""
    found: dict[int, list[Block]] = {}

    def walk(entries: list[Any], level: int) -> None:
        for entry in entries:
            if isinstance(entry, list):
                walk(entry, min(level + 1, _LEVELS))
                continue
            page = reader.get_destination_page_number(entry)
            title = " ".join(str(entry.title or "").split())
            if page is not None and page >= 0 and title:
                found.setdefault(page + 1, []).append(Block(1, title, level, page + 1))

    try:
        with damage_named("bookmarks"):
            walk(reader.outline, 1)
    except Unreadable:
        return {}  # bookmarks are a help; a file whose own are broken still has its text
    return found


def _paragraphs(text: str, page: int) -> Iterator[Block]:
    """Paragraphs of a page: lines are the layout's and are joined, with the words that they part."""
    held: list[str] = []
    first = 1
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if held and (not line.strip() or _ITEM.match(line)):
            joined = _HYPHENATED.sub(r"\1", "\n".join(held))
            yield Block(first, " ".join(joined.split()), page=page)
            held = []
        if line.strip():
            first = first if held else number
            held.append(line.strip())
