"""Reads e-mail: one message (eml) or a mailbox (mbox), message by message.

a message -> {"id": "…", "title": its subject, "text": its body, "date": "2026-03-04T09:12:00+00:00", "from": …}

Its other headers are columns too, lower-case (`x-category`), for `map`. Attachments are not read: each is put aside.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import IO, Any

from nichetune.corpus.encodings import LONGEST_LINE_BYTES, decode_text, refuse_binary
from nichetune.corpus.reading.markup import parse_page
from nichetune.corpus.reading.raw import RawRecord, Unreadable, damage_named, digest

ATTACHMENT = "attachment not read"
_MOST_MESSAGE_BYTES = 1 << 26
_HEADER = re.compile(rb"^[!-9;-~]+:", re.MULTILINE)


def read_message(handle: IO[bytes]) -> Iterator[RawRecord]:
    """The one message of an eml file, and what hangs on it.

    Raises:
        Unreadable: it is no e-mail.
    """
    data = handle.read(_MOST_MESSAGE_BYTES + 1)
    if not data.strip():
        return
    refuse_binary(data[:64])
    if len(data) > _MOST_MESSAGE_BYTES:
        raise Unreadable("message too long")
    yield from _read(data, 1)


def read_mailbox(handle: IO[bytes]) -> Iterator[RawRecord]:
    """All messages of an mbox; `line` is that of the line which begins with "From ".

    Raises:
        Unreadable: it is no mailbox.
    """
    held: list[bytes] = []
    start, number, size, blank = 0, 0, 0, True
    while raw := handle.readline(LONGEST_LINE_BYTES):
        number += 1
        if blank and raw.startswith(b"From "):
            yield from _finish(held, size, start)
            held, start, size = [], number, 0
        elif start:
            size += len(raw)
            if size <= _MOST_MESSAGE_BYTES:
                held.append(raw[1:] if raw.startswith(b">") and raw.lstrip(b">").startswith(b"From ") else raw)
        elif raw.strip():
            refuse_binary(raw[:64])
            raise Unreadable('not a mailbox: it does not begin with "From "')
        blank = not raw.strip()
    yield from _finish(held, size, start)


def _finish(held: list[bytes], size: int, line: int) -> Iterator[RawRecord]:
    if size > _MOST_MESSAGE_BYTES:
        yield RawRecord(line, digest(b"".join(held)), None, "message too long")
    elif line:
        yield from _read(b"".join(held), line)


def _read(data: bytes, line: int) -> Iterator[RawRecord]:
    sha256 = digest(data)
    head = re.split(rb"\r?\n\r?\n", data.lstrip(), maxsplit=1)[0]
    if not _HEADER.match(head):
        yield RawRecord(line, sha256, None, "no e-mail: it has no headers")
        return
    try:
        with damage_named("e-mail"):
            message = email.message_from_bytes(data, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            values = _values(message)
            attachments = sum(1 for _ in message.iter_attachments())
    except Unreadable as why:
        yield RawRecord(line, sha256, None, str(why))
        return
    yield RawRecord(line, sha256, values)
    for _ in range(attachments):
        yield RawRecord(line, sha256, None, ATTACHMENT, broken=False)


def _values(message: EmailMessage) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in message.items():
        values.setdefault(name.lower(), " ".join(str(value).split()))
    values["title"] = values.get("subject", "")
    values["text"] = _body(message)
    values["date"] = _iso_date(values.get("date", ""))
    return values


def _body(message: EmailMessage) -> str:
    """The plain text, else the text of the page that the message holds."""
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    text = decode_text(data, _known_charset(part.get_content_charset(), data))
    if part.get_content_type() == "text/html":
        text = "\n\n".join(block.text for block in parse_page(text)[1])
    return text.strip()


def _known_charset(name: str | None, data: bytes) -> str:
    """The charset that the message names, where that is one and its bytes fit; many messages name a wrong one."""
    try:
        data.decode(name or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return "auto"
    return name or "auto"


def _iso_date(text: str) -> str:
    try:
        return parsedate_to_datetime(text).isoformat()
    except (ValueError, TypeError, IndexError):
        return ""
