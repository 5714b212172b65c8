"""Reads a user's files into raw records: JSON Lines, CSV, Markdown and plain text.

one file -> raw records, good or broken, in the file's order.

    RawRecord(line=17, sha256="9f…", values={"note": "Pinguecula, OD."}, problem="")
    RawRecord(line=18, sha256="c1…", values=None, problem="not JSON")

A broken record keeps its line and digest, never its text.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nichetune.core.errors import UserError
from nichetune.corpus.encodings import Line, read_lines, replace_surrogates
from nichetune.corpus.prose import split_markdown, split_text

Format = Literal["jsonl", "csv", "markdown", "text"]
FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
}
_DELIMITERS = ",;\t|"
# A quoted field may span lines; one that spans more is a quote that somebody forgot to close.
_MOST_LINES_OF_A_ROW = 200
_LONGEST_FIELD_BYTES = 1 << 24


@dataclass(frozen=True)
class RawRecord:
    """One record as it stands in the file; `values` is None where `problem` says why it cannot be read."""

    line: int | None
    sha256: str
    values: dict[str, Any] | None
    problem: str = ""


def find_files(project: Path, pattern: str, wanted: str = "auto") -> list[Path]:
    """The files that a source's path names, sorted: a file, a folder's readable files, or a glob.

    Raises:
        UserError: there is none.
    """
    path = project / pattern
    if path.is_file():
        return [path]
    if path.is_dir():
        found = [one for one in path.rglob("*") if one.suffix.lower() in FORMATS or wanted != "auto"]
    elif Path(pattern).is_absolute():
        found = list(Path("/").glob(pattern.lstrip("/"))) if _is_glob(pattern) else []
    else:
        found = list(project.glob(pattern)) if _is_glob(pattern) else []
    files = sorted(one for one in found if one.is_file() and not one.name.startswith("."))
    if not files:
        what = "no readable file in" if path.is_dir() else "no file matches" if _is_glob(pattern) else "no such file:"
        raise UserError(f"sources: {what} {pattern} (looked in {project}): check sources[].path")
    return files


def _is_glob(pattern: str) -> bool:
    return any(sign in pattern for sign in "*?[")


def detect_format(path: Path, wanted: str = "auto") -> Format:
    """The format by setting, else by the file's name.

    Raises:
        UserError: the name says nothing.
    """
    if wanted != "auto":
        return wanted  # type: ignore[return-value]
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(FORMATS)
        raise UserError(f"{path}: its format cannot be told from its name ({known}): set sources[].format")
    return FORMATS[path.suffix.lower()]


def read_file(path: Path, kind: Format, encoding: str = "auto", label: str = "") -> list[RawRecord]:
    """All records of one file.

    Args:
        label: the file's name in the ids of passages; no two files of a project share one.

    Raises:
        UserError: `encoding` names no codec.
    """
    try:
        lines = read_lines(path.read_bytes(), encoding)
    except LookupError:
        raise UserError(f"{path}: unknown encoding {encoding!r}: correct sources[].encoding") from None
    if kind == "jsonl":
        return list(_read_jsonl(lines))
    if kind == "csv":
        return list(_read_csv(lines))
    return list(_read_prose(lines, path, kind, label or path.name))


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _read_jsonl(lines: list[Line]) -> Iterator[RawRecord]:
    for number, line in enumerate(lines, start=1):
        if line.text is None:
            yield RawRecord(number, _digest(line.raw), None, "undecodable")
        elif line.text.strip():
            values, problem = _parse_object(line.text)
            yield RawRecord(number, _digest(line.raw), values, problem)


def _parse_object(text: str) -> tuple[dict[str, Any] | None, str]:
    try:
        value = json.loads(replace_surrogates(text))
    except (ValueError, RecursionError):
        return None, "not JSON"
    return (value, "") if isinstance(value, dict) else (None, "not a JSON object")


def _read_csv(lines: list[Line]) -> Iterator[RawRecord]:
    """Rows as records; after a broken row, reading goes on at the line below its first one."""
    csv.field_size_limit(_LONGEST_FIELD_BYTES)
    start = next((n for n, line in enumerate(lines) if line.text and line.text.strip()), len(lines))
    if start == len(lines):
        return
    delimiter = _sniff_delimiter(lines[start].text or "")
    header = [name.strip() for name in _parse_row(lines[start].text or "", delimiter) or []]
    at = start + 1
    while at < len(lines):
        if lines[at].text is not None and not (lines[at].text or "").strip():
            at += 1
            continue
        size, record = _read_row(lines, at, header, delimiter)
        yield record
        at += size


def _read_row(lines: list[Line], at: int, header: list[str], delimiter: str) -> tuple[int, RawRecord]:
    """How many lines the row that starts at `at` takes, and its record."""
    first = lines[at]
    problem = "undecodable" if first.text is None else "quote never closed"
    text = ""
    for size, line in enumerate(lines[at : at + _MOST_LINES_OF_A_ROW] if first.text is not None else [], start=1):
        if line.text is None:
            break
        text += line.text + "\n"
        cells = _parse_row(text, delimiter)
        if cells is not None:
            if len(cells) == len(header):
                raw = b"\n".join(one.raw for one in lines[at : at + size])
                return size, RawRecord(at + 1, _digest(raw), dict(zip(header, cells, strict=True)))
            problem = "wrong column count"
            break
    return 1, RawRecord(at + 1, _digest(first.raw), None, problem)


def _parse_row(text: str, delimiter: str) -> list[str] | None:
    """The cells of one row; None where its quotes are still open."""
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _sniff_delimiter(header: str) -> str:
    """The delimiter that cuts the header into most columns; a comma where none does."""
    return max(_DELIMITERS, key=lambda sign: len(_parse_row(header, sign) or []))


def _read_prose(lines: list[Line], path: Path, kind: Format, label: str) -> Iterator[RawRecord]:
    for number, line in enumerate(lines, start=1):
        if line.text is None:
            yield RawRecord(number, _digest(line.raw), None, "undecodable")
    split = split_markdown if kind == "markdown" else split_text
    for passage in split([line.text or "" for line in lines], path.stem.replace("_", " ").strip()):
        values = {"id": f"{label}#{passage.anchor}", "title": passage.title, "text": passage.text}
        yield RawRecord(passage.line, _digest(passage.text.encode()), values)
