"""Real files of every kind, made by the libraries that people make them with, and one call that reads them."""

from __future__ import annotations

import io
import mailbox
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from nichetune.core.settings import SourceSettings
from nichetune.corpus.reading.dispatch import open_reading
from nichetune.corpus.reading.locate import find_files
from nichetune.corpus.reading.parts import open_parts
from nichetune.corpus.reading.raw import RawRecord

ROWS = [
    {"note": "Pinguecula, OD.", "side": "right", "seen": 3},
    {"note": "Menière, AS; früh", "side": "left", "seen": 4},
]
PAGES = [("Phones", "Ring twice, then wait for the answering machine."), ("Night", "Lock up at eight.")]


def read_all(path: Path, holds: str = "documents", **source: Any) -> list[RawRecord]:
    """All raw records of one file, archive members included."""
    settings = SourceSettings.model_validate({"path": path.name, "as": holds} | source)
    [found] = find_files(path.parent, path.name).files
    records: list[RawRecord] = []
    for part in open_parts(found, settings.max_expansion, path.parent):
        records += open_reading(part, settings, part.name).records()
    return records


def read_bytes(folder: Path, name: str, data: bytes, **source: Any) -> list[RawRecord]:
    """All raw records of a file with these bytes."""
    (folder / name).write_bytes(data)
    return read_all(folder / name, **source)


def problems(records: list[RawRecord]) -> list[str]:
    """Why records cannot be read."""
    return [one.problem for one in records if one.problem]


def texts(records: list[RawRecord]) -> list[str]:
    """The texts of passages and messages."""
    return [one.values["text"] for one in records if one.values]


def parquet_bytes() -> bytes:
    import pyarrow
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), buffer)
    return buffer.getvalue()


def workbook_bytes(sheets: dict[str, list[list[Any]]] | None = None, hidden: str = "") -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    plain = {"Tickets": [list(ROWS[0]), *([*row.values()] for row in ROWS)]}
    for name, rows in (sheets if sheets is not None else plain).items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name == hidden else "visible"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def word_bytes() -> bytes:
    import docx

    document = docx.Document()
    document.add_heading("Desk", level=1)
    for title, text in PAGES:
        document.add_heading(title, level=2)
        document.add_paragraph(text)
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "OD", "right eye"
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def pdf_bytes(password: str = "", owner_only: bool = False, bookmarks: bool = True) -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    lock = StandardEncryption("" if owner_only else password, password) if password else None
    canvas = Canvas(buffer, encrypt=lock)
    for title, text in PAGES:
        if bookmarks:
            canvas.bookmarkPage(title)
            canvas.addOutlineEntry(title, title)
        canvas.drawString(72, 720, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def scan_bytes() -> bytes:
    """A PDF of one picture, as a scanner makes it."""
    from PIL import Image
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawImage(ImageReader(Image.new("L", (40, 40), 200)), 72, 600)
    canvas.save()
    return buffer.getvalue()


def message(subject: str = "Bill", text: str = "Where is my bill?\n", html: str = "") -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "kim@mail.example", "desk@mail.example"
    mail["Date"], mail["X-Category"] = "Wed, 04 Mar 2026 09:12:00 +0000", "billing"
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def mailbox_bytes(folder: Path, *messages: EmailMessage) -> bytes:
    box = mailbox.mbox(folder / "made.tmp")
    for one in messages:
        box.add(one)
    box.close()
    data = (folder / "made.tmp").read_bytes()
    (folder / "made.tmp").unlink()
    return data


def zip_bytes(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()
