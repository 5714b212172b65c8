"""Makes an Example or a Document of one raw record, by the columns that were found for it.

one raw record -> Example, Document, or the reason why it is neither.

    {"ticket_no": "7", "free_text": "Pinguecula, OD.", "laterality": "Right"}
    -> Example(id="7", group="7", task="triage", expected=Expected(fields={"side": "right"}), …)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.files import hash_text
from nichetune.core.records import Document, Example, Expected, Message, Source
from nichetune.core.settings import SourceSettings, TaskSettings
from nichetune.core.tasks import is_abstention, normalise
from nichetune.corpus.columns import value_at
from nichetune.corpus.encodings import replace_surrogates
from nichetune.corpus.reading.raw import RawRecord

_YES = {"1", "1.0", "true", "yes", "y", "x", "abstain", "unanswerable"}
_NO = {"", "0", "0.0", "false", "no", "n", "none", "null", "answerable"}
# Columns with such names identify a person by themselves: what stands in them never leaves `private/`.
_IDENTIFYING = re.compile(
    r"(?:^|[^a-z])(?:mrn|ssn|nhs|patient|client|customer|name|email|e_?mail|phone|dob|account|acct|member)(?:[^a-z]|$)"
)
_LONGEST_SHOWN_VALUE = 30
_SHOWN_VALUES = 20


class Unfit(Exception):
    """One record that cannot be used; its text is the reason to count it under."""


@dataclass(frozen=True)
class Mapper:
    """All that the records of one file share.

    Attributes:
        file: relative to the project, for the records' source.
        label: the file's short name, for the ids of records that have none.
        task: the examples' task; None for documents.
        salt: what pseudonyms are made with.
        is_chat: the records came from a chat, and may bring the system's turn.
    """

    file: str
    label: str
    source: SourceSettings
    task: TaskSettings | None
    columns: dict[str, str]
    max_words: int
    salt: str
    is_chat: bool = False

    def make_example(self, raw: RawRecord) -> Example:
        """The record as an example.

        Raises:
            Unfit: the record cannot be used.
            UserError: a label is not among the allowed values.
        """
        assert self.task is not None
        text = self._read_text(raw)
        if len(text.split()) > self.max_words:
            raise Unfit("text too long")
        identity = self._identity(raw)
        return Example(
            id=identity,
            group=self._pseudonym("group", self._optional(raw, "group")) or identity,
            task=self.source.task,
            tenant=self._optional(raw, "tenant") or self.source.tenant,
            document_class=self._optional(raw, "document_class") or self.source.document_class,
            messages=[*self._read_system(raw), Message(role="user", content=text)],
            expected=self._read_expected(raw, self.task),
            valid_from=self._optional(raw, "valid_from") or None,
            source=self.locate(raw),
            rejected=self._read_rejected(raw),
        )

    def make_document(self, raw: RawRecord) -> Document:
        """The record as a document.

        Raises:
            Unfit: the record cannot be used.
        """
        return Document(
            # Examples cite documents by id, and documents are no persons' records: their ids stay as they are.
            id=self._optional(raw, "id") or self.place_name(raw),
            text=self._read_text(raw),
            title=self._optional(raw, "title"),
            tenant=self._optional(raw, "tenant") or self.source.tenant,
            document_class=self._optional(raw, "document_class") or self.source.document_class,
            valid_from=self._optional(raw, "valid_from") or None,
            valid_to=self._optional(raw, "valid_to") or None,
            source=self.locate(raw),
        )

    def locate(self, raw: RawRecord) -> Source:
        """Where the record stands."""
        return Source(file=self.file, line=raw.line, sha256=raw.sha256, page=raw.page, part=raw.part)

    def _identity(self, raw: RawRecord) -> str:
        return self._pseudonym("id", self._optional(raw, "id")) or self.place_name(raw)

    def place_name(self, raw: RawRecord) -> str:
        """A name for the record by where it stands: `notes.csv:18`, `book.xlsx[Sheet1]:18`, `guide.pdf:p3:1`."""
        return name_place(self.label, raw)

    def _pseudonym(self, name: str, value: str) -> str:
        """The value, or a salted digest of it where its column holds personal identifiers."""
        if not value or not _IDENTIFYING.search(self.columns[name].lower()):
            return value
        return f"{name}-{hash_text(self.salt + value)[:16]}"

    def _read_text(self, raw: RawRecord) -> str:
        value = value_at(raw.values or {}, self.columns["text"])
        if value is None:
            raise Unfit("no text")
        if not isinstance(value, str | int | float):
            raise Unfit("text is not text")
        text = replace_surrogates(str(value)).strip()
        if not text:
            raise Unfit("empty text")
        return text

    def _read_system(self, raw: RawRecord) -> list[Message]:
        text = _as_text((raw.values or {}).get("system")) if self.is_chat else ""
        return [Message(role="system", content=text)] if text else []

    def _read_rejected(self, raw: RawRecord) -> str:
        if self.source.holds != "preferences":
            return ""
        text = _as_text((raw.values or {}).get("rejected"))
        if not text:
            raise Unfit("no rejected answer")
        return text

    def _optional(self, raw: RawRecord, name: str) -> str:
        column = self.columns.get(name)
        return "" if column is None else _as_text(value_at(raw.values or {}, column))

    def _read_expected(self, raw: RawRecord, task: TaskSettings) -> Expected:
        if task.kind == "form":
            return self._read_form(raw, task)
        abstain = self._read_abstain(raw)
        if task.kind == "workflow":
            steps = [re.sub(r"^(?:\d+[.)]|[-*])\s+", "", step) for step in self._read_list(raw, "steps", "\n|;")]
            return Expected(steps=steps, abstain=abstain)
        answer = self._optional(raw, "answer")
        if task.kind == "choice" and answer:
            answer = self._canonical(raw, "answer", answer, task.values or [])
        evidence = self._read_list(raw, "evidence", "\n|;,") if task.kind == "grounded" else []
        return Expected(answer=answer, evidence=evidence, abstain=abstain)

    def _read_form(self, raw: RawRecord, task: TaskSettings) -> Expected:
        fields: dict[str, str] = {}
        for name, rule in task.fields.items():
            value = self._optional(raw, f"fields.{name}")
            if value and rule.values is not None:
                value = self._canonical(raw, f"fields.{name}", value, rule.values)
            fields[name] = value
        return Expected(fields=fields, abstain=is_abstention(task, fields))

    def _canonical(self, raw: RawRecord, name: str, value: str, allowed: list[str]) -> str:
        """The allowed spelling of a label."""
        for one in allowed:
            if normalise(one) == normalise(value):
                return one
        # A long value is a column mapped wrongly, and may be anybody's text.
        shown = repr(value) if len(value) <= _LONGEST_SHOWN_VALUE else f"a value of {len(value)} characters"
        known = ", ".join(allowed[:_SHOWN_VALUES]) + (", …" if len(allowed) > _SHOWN_VALUES else "")
        where = f"{self.locate(raw).place}: {name.removeprefix('fields.')}"
        raise UserError(f"{where}: {shown} is not among the allowed values ({known}): correct the label or the task")

    def _read_abstain(self, raw: RawRecord) -> bool:
        value = self._optional(raw, "abstain").casefold()
        if value not in _YES | _NO:
            raise Unfit("abstain is neither yes nor no")
        return value in _YES

    def _read_list(self, raw: RawRecord, name: str, signs: str) -> list[str]:
        """A list, or text parted by the first of `signs` that it holds."""
        column = self.columns.get(name)
        value = None if column is None else value_at(raw.values or {}, column)
        if isinstance(value, list):
            parts = [_as_text(one) for one in value]
        else:
            text = _as_text(value)
            parts = text.split(next((sign for sign in signs if sign in text), "\n"))
        return [part.strip() for part in parts if part.strip()]


def name_place(label: str, at: RawRecord | Source) -> str:
    """The place of a record in a file of this name."""
    part = f"[{at.part}]" if at.part else ""
    page = f":p{at.page}" if at.page is not None else ""
    line = f":{at.line}" if at.line is not None else ""
    return f"{label}{part}{page}{line}"


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return replace_surrogates(str(value)).strip()
    raise Unfit("a value is not text")
