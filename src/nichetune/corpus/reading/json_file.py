"""Reads a JSON file: an array of objects, an object of arrays (columns), objects under one key, or one object.

    [{"text": "a"}, {"text": "b"}]    {"text": ["a", "b"]}    {"version": 1, "data": [{"text": "a"}]}

An array is read object by object, however long it is; the other forms are held whole, up to a size. A file that
holds JSON Lines under the name .json is read as what it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from nichetune.core.files import canonical_json
from nichetune.corpus.encodings import LineReader, open_text, replace_surrogates
from nichetune.corpus.reading.raw import RawRecord, Unreadable, digest
from nichetune.corpus.reading.rows import read_jsonl

# A form that must be parsed whole takes some ten times its size in memory.
_MOST_WHOLE_CHARACTERS = 1 << 28
_MOST_OBJECT_CHARACTERS = 1 << 26
_PIECE_CHARACTERS = 1 << 20
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


def read_json(handle: IO[bytes], encoding: str) -> Iterator[RawRecord]:
    """The records of one file.

    Raises:
        LookupError: `encoding` names no codec.
        Unreadable: it is no JSON, or too large for its form.
    """
    text = open_text(handle, encoding)
    try:
        array = _Array(text)
        first = array.skip_space()
        if first == "[":
            yield from array.read()
        elif first == "{" and _holds_lines(handle, encoding):
            handle.seek(0)
            yield from read_jsonl(LineReader(handle, encoding))
        elif first:
            yield from _read_whole(handle, encoding, array.line)
    except UnicodeDecodeError:
        raise Unreadable("undecodable") from None
    finally:
        text.detach()


def _holds_lines(handle: IO[bytes], encoding: str) -> bool:
    """Whether the first full line is a whole object, and another line follows."""
    handle.seek(0)
    full = (line.text for line in LineReader(handle, encoding) if line.text is None or line.text.strip())
    try:
        return isinstance(json.loads(next(full, None) or ""), dict) and next(full, None) is not None
    except (ValueError, RecursionError):
        return False


class _Array:
    """Reads an array piece by piece: what is held is one object and the piece that it ends in.

    Attributes:
        line: where the next sign stands.
    """

    def __init__(self, text: IO[str]) -> None:
        self._rest, self._text, self._at = text, "", 0
        self.line = 1

    def read(self) -> Iterator[RawRecord]:
        """The array's objects.

        Raises:
            Unreadable: the array is broken off, or something else follows an object.
        """
        self._at += 1  # the opening bracket
        if self.skip_space() == "]":
            return
        while True:
            yield self._read_element()
            sign = self.skip_space()
            self._at += 1
            if sign == "]":
                return
            if sign != "," or not self.skip_space():
                raise Unreadable(f"not JSON from line {self.line} on")

    def _read_element(self) -> RawRecord:
        line = self.line
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                break
            except (ValueError, RecursionError) as error:
                held = len(self._text) - self._at
                # Read on by as much as is held: a long object is then tried a few times, and not once a piece.
                hopeless = isinstance(error, RecursionError) or held > _MOST_OBJECT_CHARACTERS
                if hopeless or not self._read_on(max(held, _PIECE_CHARACTERS)):
                    raise Unreadable(f"not JSON from line {line} on") from None
        raw = self._text[self._at : end]
        self.line += raw.count("\n")
        self._at = end
        problem = "" if isinstance(value, dict) else "not a JSON object"
        return RawRecord(line, digest(raw.encode("utf-8", "surrogatepass")), None if problem else value, problem)

    def skip_space(self) -> str:
        """The next sign that is no space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self.line += self._text[self._at] == "\n"
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_on(_PIECE_CHARACTERS):
                return ""

    def _read_on(self, size: int) -> bool:
        piece = self._rest.read(size)
        self._text = self._text[self._at :] + replace_surrogates(piece)
        self._at = 0
        return bool(piece)


def _read_whole(handle: IO[bytes], encoding: str, line: int) -> Iterator[RawRecord]:
    handle.seek(0)
    text = open_text(handle, encoding)
    data = text.read(_MOST_WHOLE_CHARACTERS + 1)
    text.detach()
    if len(data) > _MOST_WHOLE_CHARACTERS:
        raise Unreadable("JSON too large for its form: save it as JSON Lines")
    try:
        value = json.loads(replace_surrogates(data))
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("not a JSON object or array")
    rows = _find_rows(value)
    if rows is None:
        yield RawRecord(line, digest(data.encode("utf-8", "surrogatepass")), value)
        return
    for number, row in enumerate(rows, start=1):
        problem = "" if isinstance(row, dict) else "not a JSON object"
        yield RawRecord(
            number, digest(canonical_json(row).encode("utf-8", "surrogatepass")), None if problem else row, problem
        )


def _find_rows(value: dict[str, Any]) -> list[Any] | None:
    """The rows of columns of equal length, or the only list of objects that the object has."""
    columns = list(value.values())
    if columns and all(isinstance(one, list) for one in columns):
        is_table = len({len(one) for one in columns}) == 1
        if is_table and not any(isinstance(cell, dict) for one in columns for cell in one):
            return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
    tables = [one for one in columns if isinstance(one, list) and one and all(isinstance(row, dict) for row in one)]
    scalars = [one for one in columns if not isinstance(one, list)]
    # {"id": 1, "messages": [{…}, …]} is one conversation, {"version": 1, "data": [{…}, …]} is a table.
    is_turn = tables and all(len(row) <= 3 and ("role" in row or "from" in row) for row in tables[0])
    return tables[0] if len(tables) == 1 and len(columns) == len(tables) + len(scalars) and not is_turn else None
