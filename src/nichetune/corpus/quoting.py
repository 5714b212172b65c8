"""Documents as answers quote them: the text as it was, and what was masked in it, with no document in memory.

quotable = Quotable(DocumentFile(…), replaced)
quotable.find("H52.4") -> Quoted(original="…", masked=Masked(…))
"""

from __future__ import annotations

from dataclasses import dataclass

from nichetune.core.records import Record
from nichetune.corpus.documents import DocumentFile
from nichetune.corpus.lines import RecordFile
from nichetune.corpus.masker import Entity, Masked


class Replaced(Record):
    """What was replaced in one document's text: start, end, type and replacement of each stretch."""

    spans: list[tuple[int, int, str, str]]


@dataclass(frozen=True)
class Quoted:
    """A document's text as it was, and as it is masked."""

    original: str
    masked: Masked


@dataclass(frozen=True)
class Quotable:
    """Documents that answers may quote, and what was replaced in each, place by place."""

    documents: DocumentFile
    replaced: RecordFile[Replaced]

    def find(self, name: str) -> Quoted | None:
        """The document of an id; None if there is none."""
        found = self.documents.find(name)
        if found is None:
            return None
        entities = [Entity(*span) for span in self.replaced[found.place].spans]
        return Quoted(found.document.text, Masked.of(found.document.text, entities))
