"""Reads a page as a browser would, as far as tests need it: tags with their attributes, and text by section."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Tag:
    """One opening tag."""

    name: str
    attributes: dict[str, str | None]


@dataclass
class Page:
    """All tags in order, and the text of each section apart (in its tables, and in its plots)."""

    tags: list[Tag] = field(default_factory=list)
    tables: dict[str, str] = field(default_factory=dict)
    plots: dict[str, list[str]] = field(default_factory=dict)

    def named(self, name: str) -> list[Tag]:
        """Tags of one name."""
        return [tag for tag in self.tags if tag.name == name]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page, self.section, self.inside = Page(), "", []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.append(Tag(tag, dict(attrs)))
        if tag == "section":
            self.section = dict(attrs)["id"] or ""
        if tag in ("table", "figure", "b", "svg"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inside:
            self.inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if "table" in self.inside:
            self.page.tables[self.section] = self.page.tables.get(self.section, "") + data
        elif "figure" in self.inside and "b" in self.inside:
            self.page.plots.setdefault(self.section, []).append(data)


def read_page(html: str) -> Page:
    """Parses a page."""
    reader = _Reader()
    reader.feed(html)
    return reader.page
