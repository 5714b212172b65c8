"""Reads table files: Parquet, and workbooks (xlsx, xlsm, xlsb, xls, ods).

a file -> raw records; `line` is the row, from 1 (in a workbook as the program shows it, its header included)

    RawRecord(line=2, part="Tickets", values={"note": "Pinguecula, OD.", "seen": "2026-03-04"}, …)
"""

from __future__ import annotations

import datetime
import decimal
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from nichetune.core.files import canonical_json
from nichetune.corpus.reading.parts import BOMB
from nichetune.corpus.reading.raw import RawRecord, Unreadable, damage_named, digest

_ROWS_A_BATCH = 1024
# A sheet holds 2**20 rows of 2**14 cells; a real workbook of more than this unpacked is a zip bomb.
_MOST_UNPACKED_BYTES = 1 << 31
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")


def read_parquet(handle: IO[bytes]) -> Iterator[RawRecord]:
    """Rows, a batch at a time.

    Raises:
        Unreadable: it is no Parquet, damaged, or encrypted.
    """
    from pyarrow import parquet

    number = 0
    with damage_named("Parquet file"):
        try:
            table = parquet.ParquetFile(handle)
        except (OSError, ValueError) as error:
            if "ncrypt" in str(error):
                raise Unreadable("password-protected") from None
            raise
        for batch in table.iter_batches(batch_size=_ROWS_A_BATCH):
            for row in batch.to_pylist():
                number += 1
                yield _record(number, {name: _plain(value) for name, value in row.items()})


def read_workbook(handle: IO[bytes], sheet: str) -> Iterator[RawRecord]:
    """Rows of every visible sheet, or of the one that is asked for; its first row that is not empty is the header.

    Raises:
        Unreadable: it is no workbook, damaged, password-protected, a zip bomb, or has no such sheet.
    """
    import python_calamine as calamine

    refuse_locked_office(handle)
    with damage_named("workbook"):
        try:
            book = calamine.CalamineWorkbook.from_object(handle)
        except calamine.PasswordError:
            raise Unreadable("password-protected") from None
        shown = [one.name for one in book.sheets_metadata if one.visible == calamine.SheetVisibleEnum.Visible]
        names = [one for one in shown if not sheet or one == sheet]
        if sheet and not names:
            raise Unreadable("no such sheet (sources[].sheet)")
        for name in names:
            yield from _read_sheet(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False))


def _read_sheet(name: str, rows: list[list[Any]]) -> Iterator[RawRecord]:
    header: list[str] = []
    for number, cells in enumerate(rows, start=1):
        values = [_plain(cell) for cell in cells]
        if all(value in ("", None) for value in values):
            continue
        if not header:
            header = [str(value or "").strip() for value in values]
            continue
        named = {column: value for column, value in zip(header, values, strict=False) if column}
        yield _record(number, named, name)


def refuse_locked_office(handle: IO[bytes]) -> None:
    """Stops at an office file that is locked by a password, or that would unpack to far more than it can hold.

    Raises:
        Unreadable: it is.
    """
    head = handle.read(len(_OLE))
    handle.seek(0)
    if head == _OLE:
        locked = _ENCRYPTED_OFFICE in handle.read(1 << 22)
        handle.seek(0)
        if locked:
            raise Unreadable("password-protected")
    elif head.startswith(b"PK"):
        try:
            with zipfile.ZipFile(handle) as unpacked:
                total = sum(info.file_size for info in unpacked.infolist())
        except (zipfile.BadZipFile, OSError, ValueError):
            raise Unreadable("damaged office file") from None
        handle.seek(0)
        if total > _MOST_UNPACKED_BYTES:
            raise Unreadable(BOMB.partition(" (")[0])


def _record(number: int, values: dict[str, Any], part: str = "") -> RawRecord:
    raw = canonical_json(values).encode("utf-8", "surrogatepass")
    return RawRecord(number, digest(raw), values, part=part)


def _plain(value: Any) -> Any:
    """A cell in the types that JSON has: dates in ISO form, whole numbers without a point."""
    if isinstance(value, datetime.datetime):
        whole_day = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return value.date().isoformat() if whole_day else value.isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, decimal.Decimal | datetime.timedelta):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else f"<{type(value).__name__}>"
