"""Reads the line formats: JSON Lines and delimited text (CSV, TSV).

decoded lines -> raw records, good or broken, in the file's order, one line in memory at a time.
"""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from nichetune.corpus.encodings import Line, replace_surrogates
from nichetune.corpus.reading.raw import RawRecord, digest

_DELIMITERS = ",;\t|"
# A quoted field may span lines; one that spans more is a quote that somebody forgot to close.
_MOST_LINES_OF_A_ROW = 200
_LONGEST_FIELD_BYTES = 1 << 24
UNDECODABLE = "undecodable"
TOO_LONG = "line too long"


def read_jsonl(lines: Iterable[Line]) -> Iterator[RawRecord]:
    """One object a line; blank lines are none."""
    for number, line in enumerate(lines, start=1):
        if line.text is None:
            yield broken_line(number, line)
        elif line.text.strip():
            values, problem = parse_object(line.text)
            yield RawRecord(number, digest(line.raw), values, problem)


def broken_line(number: int, line: Line) -> RawRecord:
    """A line that cannot be decoded, or is too long to be held."""
    return RawRecord(number, digest(line.raw), None, UNDECODABLE if line.raw else TOO_LONG)


def parse_object(text: str) -> tuple[dict[str, Any] | None, str]:
    """The object that a text is, or why it is none."""
    try:
        value = json.loads(replace_surrogates(text))
    except (ValueError, RecursionError):
        return None, "not JSON"
    return (value, "") if isinstance(value, dict) else (None, "not a JSON object")


def read_csv(lines: Iterable[Line]) -> Iterator[RawRecord]:
    """Rows as records; after a broken row, reading goes on at the line below its first one."""
    csv.field_size_limit(_LONGEST_FIELD_BYTES)
    ahead = _Lookahead(lines)
    while ahead.peek(0) is not None and not (ahead[0].text and ahead[0].text.strip()):
        ahead.drop(1)
    if ahead.peek(0) is None:
        return
    first = ahead[0].text or ""
    delimiter = _sniff_delimiter(first)
    header = _name_columns(_split_header(first, delimiter))
    ahead.drop(1)
    while (line := ahead.peek(0)) is not None:
        if line.text is not None and not line.text.strip():
            ahead.drop(1)
            continue
        size, record = _read_row(ahead, header, delimiter)
        yield record
        ahead.drop(size)


class _Lookahead:
    """Lines of which the next few can be seen before they are taken."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._rest, self._held = iter(lines), deque[Line]()
        self.number = 1  # of the next line

    def peek(self, offset: int) -> Line | None:
        """The line so many after the next one; None past the end."""
        while len(self._held) <= offset:
            line = next(self._rest, None)
            if line is None:
                return None
            self._held.append(line)
        return self._held[offset]

    def __getitem__(self, offset: int) -> Line:
        return self._held[offset]

    def drop(self, count: int) -> None:
        """Takes lines."""
        for _ in range(count):
            self._held.popleft()
        self.number += count


def _name_columns(cells: list[str]) -> list[str]:
    """The header's names; a name that comes again gets its number, so that no column hides another."""
    names: list[str] = []
    for cell in (cell.strip() for cell in cells):
        count = sum(name == cell or name.startswith(f"{cell}_") for name in names)
        names.append(f"{cell}_{count + 1}" if cell in names else cell)
    return names


def _read_row(ahead: _Lookahead, header: list[str], delimiter: str) -> tuple[int, RawRecord]:
    """How many lines the row that comes next takes, and its record."""
    first = ahead[0]
    if first.text is None:
        return 1, broken_line(ahead.number, first)
    problem = "quote never closed"
    texts: list[str] = []
    for size in range(1, _MOST_LINES_OF_A_ROW + 1):
        line = ahead.peek(size - 1)
        if line is None or line.text is None:
            break
        texts.append(line.text + "\n")
        if size > 1 and '"' not in line.text:  # an open quote cannot close in it
            continue
        try:
            cells = _parse_row("".join(texts), delimiter)
        except csv.Error:  # whatever follows, this is no row
            problem = "stray quote" if size == 1 else problem
            break
        if cells is None:
            continue
        if len(cells) == len(header):
            raw = b"\n".join(ahead[n].raw for n in range(size))
            return size, RawRecord(ahead.number, digest(raw), dict(zip(header, cells, strict=True)))
        problem = "wrong column count"
        break
    return 1, RawRecord(ahead.number, digest(first.raw), None, problem)


def _parse_row(text: str, delimiter: str) -> list[str] | None:
    """The cells of one row; None where its quotes are still open.

    Raises:
        csv.Error: no further line can make a row of it.
    """
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            return None
        raise
    return rows[0] if len(rows) == 1 else None


def _sniff_delimiter(header: str) -> str:
    """The delimiter that cuts the header into most columns; a comma where none does."""
    return max(_DELIMITERS, key=lambda sign: len(_split_header(header, sign)))


def _split_header(header: str, delimiter: str) -> list[str]:
    try:
        return _parse_row(header, delimiter) or []
    except csv.Error:
        return []
