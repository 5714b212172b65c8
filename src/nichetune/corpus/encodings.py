"""Decodes the lines of a user's file when nothing says which encoding they are in.

bytes of one file -> its lines as (bytes, text), text None where a line cannot be decoded.

    b"Meni\\xe8re, AD\\n"  ->  Line(raw=b"Meni\\xe8re, AD", text="Menière, AD")

Lines are decoded one by one, since files that were glued together from two systems mix encodings. A file that is
not UTF-8 is taken for Windows-1252 (which holds Latin-1's letters) while it is mostly ASCII: there a statistical
guess is wrong more often than that rule. Only a file of mostly other letters is left to charset-normalizer.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from charset_normalizer import from_bytes

from nichetune.corpus.reading.raw import Unreadable

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Accented Latin text has under 10 % bytes above 127, Cyrillic or Greek in a one-byte encoding has over 60 %.
_FOREIGN_SHARE = 0.3
# Latin text in UTF-16 is half NUL bytes, all at even or all at odd places.
_NUL_SHARE = 0.2
_LEAST_BYTES_TO_JUDGE = 8
_HEAD_BYTES = 1 << 16
# What foreign files really are in. Old Macs' and IBM's tables differ from these by a few rare signs: a guess among all
# codecs takes Greek of Windows for Greek of a Mac.
_FOUND_IN_FILES = (
    "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8_r", "koi8_u", "iso8859_2",
    "iso8859_5", "iso8859_6", "iso8859_7", "iso8859_8", "tis_620", "cp874", "cp932", "shift_jis", "euc_jp",
    "iso2022_jp", "gb18030", "big5", "big5hkscs", "euc_kr", "cp949", "cp866", "utf_8",
)  # fmt: skip
# A record of more is a file without line ends; reading it whole could take all memory.
LONGEST_LINE_BYTES = 1 << 26
# First bytes of what is no text, whatever its name says.
_MAGIC = {
    b"%PDF-": "a PDF", b"PK\x03\x04": "a zip or office file", b"\x1f\x8b": "gzip data", b"PAR1": "a Parquet file",
    b"\x28\xb5\x2f\xfd": "zstd data", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old office file",
    b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"SQLite format 3\x00": "a database",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; `text` is None where it cannot be decoded (`raw` is empty where it is too long)."""

    raw: bytes
    text: str | None


class LineReader:
    """The decoded lines of a file, one after another: no more of it than a line is held.

    Attributes:
        encodings: those that were used so far, by how many lines.
    """

    def __init__(self, handle: IO[bytes], encoding: str = "auto") -> None:
        """Looks at the file's beginning.

        Raises:
            LookupError: `encoding` names no codec.
            Unreadable: the file is no text at all.
        """
        self._handle = handle
        self._head = handle.read(_HEAD_BYTES)
        handle.seek(0)
        refuse_binary(self._head)
        self._encoding = _find_wide(self._head) if encoding == "auto" else encoding
        codecs.lookup(self._encoding if self._encoding != "auto" else "utf-8")
        self._fallback = ""
        self.encodings: dict[str, int] = {}

    def __iter__(self) -> Iterator[Line]:
        if self._encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32")):
            yield from self._read_wide()
            return
        if self._head.startswith(codecs.BOM_UTF8):
            self._handle.seek(len(codecs.BOM_UTF8))
        while raw := self._handle.readline(LONGEST_LINE_BYTES):
            if len(raw) == LONGEST_LINE_BYTES and not raw.endswith(b"\n"):
                self._skip_line()
                yield Line(b"", None)
                continue
            raw = raw.removesuffix(b"\n").removesuffix(b"\r")
            yield Line(raw, self._decode(raw))

    def _skip_line(self) -> None:
        while (piece := self._handle.readline(LONGEST_LINE_BYTES)) and not piece.endswith(b"\n"):
            pass

    def _read_wide(self) -> Iterator[Line]:
        text = io.TextIOWrapper(self._handle, encoding=self._encoding, errors="replace", newline="\n")
        self._count(self._encoding)
        while line := text.readline(LONGEST_LINE_BYTES):
            line = line.removesuffix("\n").removesuffix("\r").removeprefix("\ufeff")
            yield Line(line.encode(), line)
        text.detach()

    def _decode(self, raw: bytes) -> str | None:
        first = self._encoding if self._encoding != "auto" else "utf-8"
        text = _decode_as(raw, first)
        if text is not None or self._encoding != "auto":
            if not raw.isascii():
                self._count(first)
            return text
        self._fallback = self._fallback or _guess(self._head)
        text = _decode_as(raw, self._fallback)
        if text is None and self._fallback == "cp1252":
            text = _decode_as(raw, "latin-1")
        if text is not None:
            self._count(self._fallback)
        return text

    def _count(self, encoding: str) -> None:
        self.encodings[encoding] = self.encodings.get(encoding, 0) + 1


def refuse_binary(head: bytes) -> None:
    """Stops where a file that is to hold text begins as another kind of file does.

    Raises:
        Unreadable: it does; the kind is named.
    """
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise Unreadable(f"no text but {what}, whatever its name says")


def decode_text(data: bytes, encoding: str = "auto") -> str:
    """A whole text, such as a page or a message; lines that cannot be decoded are left out.

    Raises:
        LookupError: `encoding` names no codec.
        Unreadable: it is no text at all.
    """
    return "\n".join(line.text or "" for line in LineReader(io.BytesIO(data), encoding))


def open_text(handle: IO[bytes], encoding: str = "auto") -> io.TextIOWrapper:
    """A whole file as one text that is read piece by piece, in the one encoding that suits all of it.

    Raises:
        LookupError: `encoding` names no codec.
        Unreadable: the file is no text at all.
    """
    head = handle.read(_HEAD_BYTES)
    refuse_binary(head)
    handle.seek(0)
    chosen = _find_wide(head) if encoding == "auto" else encoding
    if chosen == "auto":
        chosen = "utf-8-sig" if _is_utf8(handle) else _guess(head)
    codecs.lookup(chosen)
    handle.seek(0)
    return io.TextIOWrapper(handle, encoding=chosen, newline="")


def _is_utf8(handle: IO[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := handle.read(1 << 20):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def replace_surrogates(text: str) -> str:
    """Without halves of characters, which JSON can spell but no file can hold; the length stays the same."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _find_wide(head: bytes) -> str:
    """UTF-16 or UTF-32, by its mark or by its NUL bytes; else auto."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(head) < _LEAST_BYTES_TO_JUDGE:
        return "auto"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > _NUL_SHARE * len(head) and min(even, odd) * 20 < max(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    return "auto"


def _guess(head: bytes) -> str:
    """The encoding of a file's lines that are not UTF-8."""
    high = sum(byte > 127 for byte in head)
    if high / max(1, len(head)) > _FOREIGN_SHARE:
        best = from_bytes(head, cp_isolation=list(_FOUND_IN_FILES)).best()
        return best.encoding if best else "cp1252"
    return "cp1252"


def _decode_as(raw: bytes, encoding: str) -> str | None:
    """The text, or None where the bytes do not fit or give control characters, which no note holds."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text
