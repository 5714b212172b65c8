"""Finds which of a file's columns hold what: by the source's `map`, by a form's field names, by usual names.

The answer's column may also be called as the task is.

a source's settings + the columns of one of its files -> {our name: the user's column}

    {"id": "ticket_no", "text": "free_text", "fields.side": "laterality"}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.settings import SourceSettings, TaskSettings

# The first name that a file has wins, so the plainest stand first.
USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "_id", "uid", "uuid"),
    "text": (
        *("text", "note", "question", "prompt", "input", "instruction", "query", "message", "content", "body"),
        *("description", "comment", "free_text"),
    ),
    "group": ("group", "group_id"),
    "answer": (
        *("answer", "output", "completion", "response", "label", "target", "category", "intent", "class"),
        *("quote", "reference"),
    ),
    "steps": ("steps", "actions"),
    "evidence": ("evidence", "evidence_ids", "citations", "document_ids", "doc_ids"),
    "abstain": ("abstain", "unanswerable", "is_impossible"),
    "title": ("title", "heading"),
    "tenant": ("tenant",),
    "document_class": ("document_class", "doc_class"),
    "valid_from": ("valid_from", "effective_from"),
    "valid_to": ("valid_to", "effective_to"),
}
_SHOWN_COLUMNS = 20


@dataclass(frozen=True)
class Place:
    """Where a source stands, for messages: its number in the settings and the file that is being read."""

    number: int
    file: str


def resolve_columns(source: SourceSettings, task: TaskSettings | None, seen: list[str], place: Place) -> dict[str, str]:
    """The user's column for each of our names that the file has.

    Args:
        task: the examples' task; None for documents.
        seen: the file's columns; keys of nested objects are reached by dots.

    Raises:
        UserError: a mapped column is missing, or no column holds the text, or none the answer.
    """
    columns: dict[str, str] = {}
    for name in _wanted_names(task):
        column = source.map.get(name)
        if column is None:
            column = next((c for c in _usual_columns(name, source) if c in seen and c not in columns.values()), None)
        elif column not in seen and column.partition(".")[0] not in seen:
            key = f"sources[{place.number}].map.{name}"
            raise UserError(f"{place.file}: no column {column!r} ({key}); it has: {_show(seen)}")
        if column is not None:
            columns[name] = column
    _require(columns, "text", "the text", seen, place)
    if task is not None:
        for name, what in _answer_names(task):
            _require(columns, name, what, seen, place)
    return columns


def value_at(record: dict[str, Any], column: str) -> Any:
    """A column's value; `a.b` reaches into nested objects where no column has that very name."""
    if column in record:
        return record[column]
    value: Any = record
    for part in column.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def columns_of(records: Iterable[dict[str, Any] | None]) -> list[str]:
    """All columns that any record has, in order of first appearance."""
    seen: dict[str, None] = {}
    for record in records:
        seen.update(dict.fromkeys(record or {}))
    return list(seen)


def _wanted_names(task: TaskSettings | None) -> list[str]:
    """Our names that this kind of record can have; the text comes first, so that nothing else takes its column."""
    if task is None:
        return ["text", "id", "title", "tenant", "document_class", "valid_from", "valid_to"]
    common = ["text", "id", "group", "tenant", "document_class", "valid_from"]
    by_kind = {
        "form": [f"fields.{name}" for name in task.fields],
        "workflow": ["steps", "abstain"],
        "grounded": ["answer", "evidence", "abstain"],
    }
    return [*common, *by_kind.get(task.kind, ["answer", "abstain"])]


def _usual_columns(name: str, source: SourceSettings) -> tuple[str, ...]:
    if name.startswith("fields."):
        return (name.removeprefix("fields."),)
    return (source.task, *USUAL_NAMES[name]) if name == "answer" else USUAL_NAMES[name]


def _answer_names(task: TaskSettings) -> list[tuple[str, str]]:
    if task.kind == "form":
        return [(f"fields.{name}", f"the field {name!r}") for name in task.fields]
    return [("steps", "the steps")] if task.kind == "workflow" else [("answer", "the answer")]


def _require(columns: dict[str, str], name: str, what: str, seen: list[str], place: Place) -> None:
    if name not in columns:
        key = f"sources[{place.number}].map.{name}"
        raise UserError(f"{place.file}: no mapping and no known column for {what}: set {key}; it has: {_show(seen)}")


def _show(seen: list[str]) -> str:
    shown = ", ".join(seen[:_SHOWN_COLUMNS]) or "no columns"
    return shown + (", …" if len(seen) > _SHOWN_COLUMNS else "")
