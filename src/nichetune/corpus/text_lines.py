"""Reads and writes any JSON Lines file whose objects have a `text`, for the verbs that need no project.

in.jsonl -> its objects, one a line, None for a blank line

    {"n": 1, "text": "Pinguecula, OD."}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError

TextLine = dict[str, Any]


def read_text_lines(source: Path) -> list[TextLine | None]:
    """The objects, one a line; None for a blank line, which stays blank.

    Raises:
        UserError: no such file, or a line is no JSON object or has no `text`; its number is told.
    """
    return list(iter_text_lines(source))


def iter_text_lines(source: Path) -> Iterator[TextLine | None]:
    """Yields what `read_text_lines` reads, so that no more than a line need be held."""
    if not source.is_file():
        raise UserError(f"no such file: {source}")
    with source.open("rb") as handle:
        for number, raw in enumerate(handle, start=1):
            try:
                line = (raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw).decode("utf-8")
            except UnicodeDecodeError:
                raise UserError(f"{source}:{number}: not UTF-8 text: save the file as UTF-8") from None
            yield _parse(source, number, line)


@dataclass(frozen=True)
class LineCounts:
    """Lines of a file, and how many of them are not blank."""

    lines: int
    texts: int


def check_text_lines(source: Path) -> LineCounts:
    """Reads a file through, so that a wrong line is told before any work is done.

    Raises:
        UserError: as for `read_text_lines`.
    """
    lines = texts = 0
    for record in iter_text_lines(source):
        lines += 1
        texts += record is not None
    return LineCounts(lines, texts)


def _parse(source: Path, number: int, line: str) -> TextLine | None:
    if not line.strip():
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise UserError(f"{source}:{number}: not JSON: every line must be one JSON object with `text`") from None
    if not isinstance(record, dict):
        raise UserError(f"{source}:{number}: not a JSON object: every line must be one with `text`")
    if not isinstance(record.get("text"), str):
        what = "`text` is no text" if "text" in record else f"no `text` (it has: {', '.join(record) or 'nothing'})"
        raise UserError(f"{source}:{number}: {what}: name the field that holds the text `text`")
    return record


def write_text_lines(target: Path, records: Iterable[TextLine | None]) -> None:
    """Writes the objects, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as handle:
            for record in records:
                handle.write(("" if record is None else _dump(record)) + "\n")
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _dump(record: TextLine) -> str:
    line = json.dumps(record, ensure_ascii=False)
    # Half a character can be spelled in JSON but not in a file: escape it again.
    return line if _is_encodable(line) else json.dumps(record)


def _is_encodable(line: str) -> bool:
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
