"""A small clinic's project, and records made by hand, for the tests of this layer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nichetune.core.files import write_json, write_jsonl
from nichetune.core.records import Document, Dropped, Example, Expected, Message, Source
from nichetune.core.settings import Settings
from nichetune.core.stages import Report
from nichetune.corpus import ingest, mask

TASKS: dict[str, Any] = {
    "triage": {
        "kind": "form",
        "fields": {"finding": {}, "side": {"values": ["right", "left", "none"]}, "hint": {"may_be_empty": True}},
        "abstain": {"field": "side", "value": "none"},
    },
    "ask": {"kind": "grounded"},
    "route": {"kind": "choice", "values": ["billing", "front desk"]},
    "repair": {"kind": "workflow"},
    "explain": {"kind": "free"},
}


def make_settings(sources: list[dict[str, Any]] | None = None, **sections: Any) -> Settings:
    """Settings of a project with one task of each kind that the layer treats differently."""
    return Settings.model_validate({"project": "clinic", "sources": sources or [], "tasks": TASKS} | sections)


def make_example(name: str, text: str, task: str = "triage", group: str = "", **expected: Any) -> Example:
    """An example as ingest makes it."""
    if task == "triage" and "fields" not in expected:
        expected["fields"] = {"finding": "Pinguecula", "side": "right", "hint": ""}
    source = Source(file="notes.jsonl", line=1)
    turns = [Message(role="user", content=text)]
    return Example(
        id=name, group=group or name, task=task, messages=turns, expected=Expected(**expected), source=source
    )


def make_document(name: str, text: str, title: str = "", file: str = "handbook.md") -> Document:
    """A document as ingest makes it."""
    return Document(id=name, text=text, title=title, source=Source(file=file))


def ingest_files(folder: Path, files: dict[str, str | bytes], settings: Settings) -> tuple[Path, Report]:
    """Writes the files of a project, ingests them, and returns the stage's folder and report."""
    for name, content in files.items():
        path = folder / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "project").mkdir(exist_ok=True)
    out = folder / "private"
    out.mkdir()
    return out, ingest.run(settings, {"project": folder / "project"}, out)


def mask_records(
    folder: Path,
    settings: Settings,
    examples: list[Example],
    documents: Sequence[Document] = (),
    published: Sequence[str] = (),
    project: Path | None = None,
) -> tuple[Path, Report]:
    """Masks records that were made by hand, and returns the stage's folder and report."""
    source, out = folder / "private", folder / "mask"
    source.mkdir(exist_ok=True)
    out.mkdir(exist_ok=True)
    write_jsonl(source / "examples.jsonl", examples)
    write_jsonl(source / "documents.jsonl", documents)
    write_jsonl(source / "quarantine.jsonl", [Dropped(id="x:9", reason="not JSON", source=Source(file="x", line=9))])
    write_json(source / "published.json", list(published))
    return out, mask.run(settings, {"ingest": source} | ({"project": project} if project else {}), out)


def lines(*records: dict[str, Any] | str) -> str:
    """JSON Lines; a text stands as it is, for lines that are broken."""
    return "".join((one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)) + "\n" for one in records)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
