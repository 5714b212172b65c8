"""Decodes the lines of a user's file when nothing says which encoding they are in.

bytes of one file -> its lines as (bytes, text), text None where a line cannot be decoded.

    b"Meni\\xe8re, AD\\n"  ->  [Line(raw=b"Meni\\xe8re, AD", text="Menière, AD")]

Lines are decoded one by one, since files that were glued together from two systems mix encodings. A file that is
not UTF-8 is taken for Windows-1252 (which holds Latin-1's letters) while it is mostly ASCII: there a statistical
guess is wrong more often than that rule. Only a file of mostly other letters is left to charset-normalizer.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Accented Latin text has under 10 % bytes above 127, Cyrillic or Greek in a one-byte encoding has over 60 %.
_FOREIGN_SHARE = 0.3


@dataclass(frozen=True)
class Line:
    """One line without its end; `text` is None where it cannot be decoded."""

    raw: bytes
    text: str | None


def read_lines(data: bytes, encoding: str = "auto") -> list[Line]:
    """Splits a file into decoded lines.

    Raises:
        LookupError: `encoding` names no codec.
    """
    if encoding == "auto" and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    if encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32")):
        return [Line(text.encode(), text) for text in data.decode(encoding, "replace").splitlines()]
    codecs.lookup(encoding if encoding != "auto" else "utf-8")
    raws = [raw.removesuffix(b"\r") for raw in data.removeprefix(codecs.BOM_UTF8).split(b"\n")]
    if raws and not raws[-1]:
        raws.pop()
    fallback = _guess(data) if encoding == "auto" else ""
    return [Line(raw, _decode(raw, fallback) if fallback else _decode_as(raw, encoding)) for raw in raws]


def replace_surrogates(text: str) -> str:
    """Without halves of characters, which JSON can spell but no file can hold; the length stays the same."""
    return _SURROGATE.sub("\ufffd", text)


def _guess(data: bytes) -> str:
    """The encoding of a file's lines that are not UTF-8."""
    if _decode_as(data, "utf-8") is not None:
        return "utf-8"
    high = sum(byte > 127 for byte in data[:65536])
    if high / max(1, len(data[:65536])) > _FOREIGN_SHARE:
        best = from_bytes(data[:65536]).best()
        return best.encoding if best else "cp1252"
    return "cp1252"


def _decode(raw: bytes, fallback: str) -> str | None:
    text = _decode_as(raw, "utf-8")
    if text is not None:
        return text
    text = _decode_as(raw, fallback)
    return text if text is not None or fallback != "cp1252" else _decode_as(raw, "latin-1")


def _decode_as(raw: bytes, encoding: str) -> str | None:
    """The text, or None where the bytes do not fit or give control characters, which no note holds."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text
