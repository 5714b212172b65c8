"""Cuts Markdown and plain text into passages that a question can be answered from.

lines of one file -> passages with the path of headings above them.

    Passage(line=12, anchor="when-to-query", title="Desk handbook > When to query", text="Most conditions …")
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
# A passage in a prompt is cut to about 90 words; twice that keeps a section whole and its neighbours out.
_PASSAGE_WORDS = 200


@dataclass(frozen=True)
class Passage:
    """One passage; `line` is its first line (from 1), `anchor` is unique in its file."""

    line: int
    anchor: str
    title: str
    text: str


@dataclass(frozen=True)
class _Section:
    line: int
    titles: tuple[str, ...]
    lines: tuple[str, ...]


def split_markdown(lines: list[str], name: str) -> Iterator[Passage]:
    """Passages along the headings; text above the first heading is titled by the file's name."""
    return _pack(_cut_at_headings(lines), name)


def split_text(lines: list[str], name: str) -> Iterator[Passage]:
    """Passages along blank lines, titled by the file's name."""
    return _pack([_Section(1, (), tuple(lines))], name)


def _cut_at_headings(lines: list[str]) -> list[_Section]:
    sections: list[_Section] = []
    titles: list[str] = []
    levels: list[int] = []
    body: list[str] = []
    start, fenced = 1, False
    for number, line in enumerate(lines, start=1):
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _HEADING.match(line)
        if not heading:
            body.append(line)
            continue
        sections.append(_Section(start, tuple(titles), tuple(body)))
        level = len(heading.group(1))
        while levels and levels[-1] >= level:
            levels.pop()
            titles.pop()
        levels.append(level)
        titles.append(heading.group(2))
        body, start = [], number + 1
    return [*sections, _Section(start, tuple(titles), tuple(body))]


def _pack(sections: list[_Section], name: str) -> Iterator[Passage]:
    used: dict[str, int] = {}
    for section in sections:
        title = " > ".join(section.titles) or name
        for line, text in _pack_paragraphs(section):
            anchor = _slug(section.titles[-1] if section.titles else name)
            used[anchor] = used.get(anchor, 0) + 1
            yield Passage(line, anchor if used[anchor] == 1 else f"{anchor}-{used[anchor]}", title, text)


def _pack_paragraphs(section: _Section) -> Iterator[tuple[int, str]]:
    """Paragraphs of a section, joined up to a passage's length, each with its first line."""
    held: list[str] = []
    first = section.line
    for line, paragraph in _paragraphs(section):
        words = sum(len(text.split()) for text in (*held, paragraph))
        if held and words > _PASSAGE_WORDS:
            yield first, "\n\n".join(held)
            held = []
        first = first if held else line
        held.append(paragraph)
    if held:
        yield first, "\n\n".join(held)


def _paragraphs(section: _Section) -> Iterator[tuple[int, str]]:
    held: list[str] = []
    for number, line in enumerate((*section.lines, ""), start=section.line):
        if line.strip():
            held.append(line.rstrip())
        elif held:
            yield number - len(held), "\n".join(held)
            held = []


def _slug(title: str) -> str:
    words = re.findall(r"\w+", title.lower())
    return "-".join(words)[:40].strip("-") or "text"
