"""Cuts documents into passages that a question can be answered from.

blocks (headings and paragraphs, from any reader) -> passages with the path of headings above them

    Passage(line=12, anchor="when-to-query", title="Desk handbook > When to query", text="Most conditions …")

Paragraphs are joined up to a passage's length; one that is longer is cut between sentences. A passage never crosses
a heading or a page, so that a citation names both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nichetune.corpus.reading.sentences import count_words, cut_sentences

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})\s*$")
# A passage in a prompt is cut to about 90 words; twice that keeps a section whole and its neighbours out.
_PASSAGE_WORDS = 200


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or a heading where `level` is 1 to 6; `line` is its first, from 1, `page` a PDF's."""

    line: int
    text: str
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage; `line` is its first line (from 1), `anchor` is unique in its file."""

    line: int
    anchor: str
    title: str
    text: str
    page: int | None = None


def split_markdown(lines: Iterable[str], name: str) -> Iterator[Passage]:
    """Passages along the headings; text above the first heading is titled by the file's name."""
    return pack_passages(_markdown_blocks(lines), name)


def split_text(lines: Iterable[str], name: str) -> Iterator[Passage]:
    """Passages along blank lines, titled by the file's name."""
    return pack_passages(_paragraphs(enumerate(lines, start=1)), name)


def pack_passages(blocks: Iterable[Block], name: str) -> Iterator[Passage]:
    """Passages of a document.

    Args:
        name: the title of what stands above the first heading.
    """
    packer = _Packer(name)
    for block in blocks:
        if block.level:
            yield from packer.flush()
            packer.enter(block)
        else:
            for piece in _cut_long(block):
                yield from packer.add(piece)
    yield from packer.flush()


class _Packer:
    """Holds the paragraphs of the passage that is being filled, and the headings above it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._titles: list[str] = []
        self._levels: list[int] = []
        self._held: list[Block] = []
        self._words = 0
        self._used: dict[str, int] = {}

    def enter(self, heading: Block) -> None:
        """Goes below a heading."""
        while self._levels and self._levels[-1] >= heading.level:
            self._levels.pop()
            self._titles.pop()
        self._levels.append(heading.level)
        self._titles.append(heading.text)

    def add(self, block: Block) -> Iterator[Passage]:
        """Takes a paragraph; what is full is given out."""
        words = count_words(block.text)
        if self._held and (self._words + words > _PASSAGE_WORDS or self._held[0].page != block.page):
            yield from self.flush()
        self._held.append(block)
        self._words += words

    def flush(self) -> Iterator[Passage]:
        """Gives out what is held."""
        if self._held:
            first, text = self._held[0], "\n\n".join(block.text for block in self._held)
            title = " > ".join(self._titles) or self._name
            yield Passage(first.line, self._anchor(), title, text, first.page)
        self._held, self._words = [], 0

    def _anchor(self) -> str:
        anchor = _slug(self._titles[-1] if self._titles else self._name)
        self._used[anchor] = self._used.get(anchor, 0) + 1
        return anchor if self._used[anchor] == 1 else f"{anchor}-{self._used[anchor]}"


def _cut_long(block: Block) -> Iterator[Block]:
    """A paragraph, or the pieces of one that is longer than a passage."""
    if count_words(block.text) <= _PASSAGE_WORDS:
        yield block
        return
    at = 0
    for piece in cut_sentences(block.text, _PASSAGE_WORDS):
        at = block.text.index(piece, at)
        yield Block(block.line + block.text.count("\n", 0, at), piece, 0, block.page)
        at += len(piece)


def _markdown_blocks(lines: Iterable[str]) -> Iterator[Block]:
    held: list[tuple[int, str]] = []
    fenced = False
    for number, line in enumerate(lines, start=1):
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _HEADING.match(line)
        underline = None if fenced or len(held) != 1 or not held[0][1].strip() else _UNDERLINE.match(line)
        if heading or underline:
            title, level = (heading.group(2), len(heading.group(1))) if heading else ("", 0)
            if underline:
                title, level = held.pop()[1].strip(), 1 if underline.group(1)[0] == "=" else 2
            yield from _paragraphs(held)
            yield Block(number, title, level)
            held = []
        elif line.strip():
            held.append((number, line))
        else:
            yield from _paragraphs(held)
            held = []
    yield from _paragraphs(held)


def _paragraphs(lines: Iterable[tuple[int, str]]) -> Iterator[Block]:
    """Runs of lines that are not blank."""
    held: list[str] = []
    first = 1
    for number, line in lines:
        if line.strip():
            first = first if held else number
            held.append(line.rstrip())
        elif held:
            yield Block(first, "\n".join(held))
            held = []
    if held:
        yield Block(first, "\n".join(held))


def _slug(title: str) -> str:
    words = re.findall(r"\w+", title.lower())
    return "-".join(words)[:40].strip("-") or "text"
