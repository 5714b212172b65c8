"""Reads and writes any JSON Lines file whose objects have a `text`, for the verbs that need no project.

in.jsonl -> its objects, one a line, None for a blank line

    {"n": 1, "text": "Pinguecula, OD."}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from nichetune.core.errors import UserError
from nichetune.core.files import write_lines

TextLine = dict[str, Any]
_MARK = b"\xef\xbb\xbf"  # some editors open a file of UTF-8 with it
_decode = json.JSONDecoder().raw_decode
_encode = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make an encoder a line


def read_text_lines(source: Path) -> list[TextLine | None]:
    """The objects, one a line; None for a blank line, which stays blank.

    Raises:
        UserError: no such file, or a line is no JSON object or has no `text`; its number is told.
    """
    return [record for _, record in iter_text_lines(source)]


def iter_text_lines(source: Path) -> Iterator[tuple[int, TextLine | None]]:
    """Where each line starts, in bytes, and its object; None for a blank line.

    Raises:
        UserError: no such file, or a line is no JSON object or has no `text`; its number is told.
    """
    if not source.is_file():
        raise UserError(f"no such file: {source}")
    start = 0
    with source.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            yield start, _parse(source, number, line if start else line.removeprefix(_MARK))
            start += len(line)


def read_line(handle: BinaryIO, start: int) -> bytes:
    """A line that was read before, by its start, without blanks around it."""
    handle.seek(start)
    return handle.readline().removeprefix(b"" if start else _MARK).strip()


def _parse(source: Path, number: int, raw: bytes) -> TextLine | None:
    try:
        line = raw.decode()
        if not line or line.isspace():
            return None
        record = parse_object(line)
    except UnicodeDecodeError:
        raise UserError(f"{source}:{number}: not UTF-8 text: save the file as UTF-8") from None
    except (ValueError, RecursionError):
        raise UserError(f"{source}:{number}: not JSON: every line must be one JSON object with `text`") from None
    if not isinstance(record, dict):
        raise UserError(f"{source}:{number}: not a JSON object: every line must be one with `text`")
    if not isinstance(record.get("text"), str):
        what = "`text` is no text" if "text" in record else f"no `text` (it has: {', '.join(record) or 'nothing'})"
        raise UserError(f"{source}:{number}: {what}: name the field that holds the text `text`")
    return record


def parse_object(line: str) -> Any:
    """What a line of JSON says, at half the cost of json.loads, which is asked about blanks before or much behind it.

    Raises:
        ValueError: it is no JSON.
    """
    if line.startswith("{"):
        value, end = _decode(line)
        if line[end:] in ("", "\n"):
            return value
    return json.loads(line)


def write_text_lines(target: Path, records: Iterable[TextLine | None]) -> None:
    """Writes the objects, whole or not at all."""
    write_lines(target, (b"\n" if record is None else f"{dump_object(record)}\n".encode() for record in records))


def dump_object(record: TextLine) -> str:
    """A line of JSON, which UTF-8 can hold."""
    line = _encode(record)
    # Half a character can be spelled in JSON but not in a file: escape it again.
    return line if _is_encodable(line) else json.dumps(record)


def _is_encodable(line: str) -> bool:
    try:
        return line.isascii() or bool(line.encode("utf-8"))
    except UnicodeEncodeError:
        return False
