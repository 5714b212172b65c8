"""Reads a web page's own text: headings, paragraphs, list items, table rows and preformatted text.

"<h1>Desk</h1><p>Ring twice.<p>Then wait."  ->  Block(1, "Desk", level=1), Block(1, "Ring twice."), Block(1, …)

Scripts, styles, menus, forms and what a page hides are no text of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nichetune.corpus.encodings import decode_text
from nichetune.corpus.reading.prose import Block
from nichetune.corpus.reading.raw import Unreadable

_LEFT_OUT = {
    *("script", "style", "noscript", "template", "svg", "math", "nav", "form", "button", "select", "iframe", "object"),
    *("head", "canvas", "audio", "video"),
}
_BLOCKS = {
    *("p", "div", "section", "article", "main", "header", "footer", "aside", "li", "dt", "dd", "blockquote", "pre"),
    *("figcaption", "caption", "address", "body", "html", "ul", "ol", "dl", "table", "tbody", "thead", "tr", "hr"),
}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)


def read_page(data: bytes, encoding: str = "auto") -> tuple[str, list[Block]]:
    """A page's title, empty if it has none, and its blocks.

    Raises:
        LookupError: `encoding` names no codec.
        Unreadable: it is no text.
    """
    return parse_page(decode_text(data, _find_charset(data) if encoding == "auto" else encoding))


def _find_charset(data: bytes) -> str:
    """The encoding that the page names, if the page then decodes."""
    found = _CHARSET.search(data[:4096])
    name = found.group(1).decode() if found else "auto"
    try:
        data.decode(name if name != "auto" else "utf-8")
    except (LookupError, UnicodeDecodeError):
        return "auto"
    return name if found and not name.lower().startswith("utf-16") else "auto"


def parse_page(text: str) -> tuple[str, list[Block]]:
    """The title and blocks of a page that is decoded already.

    Raises:
        Unreadable: no parser makes a page of it.
    """
    from lxml import etree, html

    if not text.strip():
        return "", []
    try:
        # A text that still names its encoding must come as bytes.
        parser = html.HTMLParser(encoding="utf-8", huge_tree=False)
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        raise Unreadable("not HTML") from None
    title = root.findtext(".//title") or ""
    return " ".join(title.split()), list(_Collector().collect(root))


class _Collector:
    """Walks a page without recursion: pages nest as deep as they like."""

    def __init__(self) -> None:
        self._held: list[str] = []
        self._line = 0
        self._level = 0
        self._kept = False  # spaces and lines as they stand, within <pre>

    def collect(self, root: Any) -> Iterator[Block]:
        """The blocks below an element."""
        stack: list[tuple[Any, bool]] = [(root, True)]
        while stack:
            element, opens = stack.pop()
            if opens:
                if not isinstance(element.tag, str) or element.tag in _LEFT_OUT or _is_hidden(element):
                    self._add(element.tail, element)
                    continue
                yield from self._enter(element)
                stack.append((element, False))
                stack.extend((child, True) for child in reversed(element))
            else:
                yield from self._leave(element)
        yield from self._flush()

    def _enter(self, element: Any) -> Iterator[Block]:
        tag = element.tag
        if tag in _BLOCKS or tag in _HEADINGS:
            yield from self._flush()
            self._level = _HEADINGS.get(tag, 0)
            self._kept = self._kept or tag == "pre"
        if tag == "br":
            self._held.append("\n")
        if tag in ("td", "th") and any(part.strip() for part in self._held):
            self._held.append(" | ")
        self._add(element.text, element)

    def _leave(self, element: Any) -> Iterator[Block]:
        if element.tag in _BLOCKS or element.tag in _HEADINGS:
            yield from self._flush()
            self._level = 0
            self._kept = self._kept and element.tag != "pre"
        self._add(element.tail, element)

    def _add(self, text: str | None, element: Any) -> None:
        if text:
            if not self._held:
                self._line = element.sourceline or 1
            self._held.append(text if self._kept else re.sub(r"\s+", " ", text))

    def _flush(self) -> Iterator[Block]:
        text = "".join(self._held)
        if not self._kept:
            text = "\n".join(" ".join(line.split()) for line in text.split("\n"))
        if text.strip():
            yield Block(max(1, self._line), text.strip("\n") if self._kept else text.strip(), self._level)
        self._held = []


def _is_hidden(element: Any) -> bool:
    style = (element.get("style") or "").replace(" ", "").lower()
    return element.get("hidden") is not None or "display:none" in style or element.get("aria-hidden") == "true"
