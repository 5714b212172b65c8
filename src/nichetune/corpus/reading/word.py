"""Reads a Word file (docx): headings by their style's outline level, paragraphs, and table rows.

a file -> its title and blocks; `line` counts paragraphs and table rows, from 1
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any

from nichetune.corpus.reading.prose import Block
from nichetune.corpus.reading.raw import damage_named
from nichetune.corpus.reading.tables import refuse_locked_office

_HEADING_NAME = re.compile(r"^heading\s*([1-6])$", re.IGNORECASE)
_LEVELS = 6


def read_word(handle: IO[bytes]) -> tuple[str, list[Block]]:
    """The file's title, empty if it has none, and its blocks.

    Raises:
        Unreadable: it is no Word file, damaged, or password-protected.
    """
    from docx import Document

    refuse_locked_office(handle)
    with damage_named("Word file"):
        document = Document(handle)
        return (document.core_properties.title or "").strip(), list(_blocks(document))


def _blocks(document: Any) -> Iterator[Block]:
    from docx.table import Table

    number = 0
    for item in document.iter_inner_content():
        if isinstance(item, Table):
            for row in item.rows:
                number += 1
                text = " | ".join(_distinct_cells(row))
                if text.strip(" |"):
                    yield Block(number, text)
            continue
        number += 1
        text = item.text.strip()
        if text:
            yield Block(number, text, _heading_level(item.style))


def _distinct_cells(row: Any) -> Iterator[str]:
    """The texts of a row's cells; a merged cell stands once."""
    before = None
    for cell in row.cells:
        if cell._tc is not before:
            yield " ".join(cell.text.split())
        before = cell._tc


def _heading_level(style: Any) -> int:
    """A style's level, 0 for none; by its outline level, since names are translated, else by its English name."""
    named = style
    while style is not None:
        found = style.element.xpath("./w:pPr/w:outlineLvl/@w:val")
        if found:
            return int(found[0]) + 1 if int(found[0]) < _LEVELS else 0
        style = style.base_style
    match = _HEADING_NAME.match(named.name or "") if named is not None else None
    return int(match.group(1)) if match else 1 if named is not None and named.name == "Title" else 0
