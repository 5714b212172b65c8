"""What every reader gives: one record as it stands in its file, or why it cannot be read.

    RawRecord(line=17, sha256="9f…", values={"note": "Pinguecula, OD."}, problem="")
    RawRecord(line=18, sha256="c1…", values=None, problem="not JSON")

A broken record keeps its place and digest, never its text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record; `values` is None where `problem` says why it cannot be used.

    Attributes:
        line: from 1; a row of a table file, a paragraph of a Word file, a line of a PDF's page.
        page: of a PDF, from 1.
        part: a workbook's sheet.
        broken: whether it counts towards the share of broken records; an attachment that is left out does not.
    """

    line: int | None
    sha256: str
    values: dict[str, Any] | None
    problem: str = ""
    page: int | None = None
    part: str = ""
    broken: bool = True


class Unreadable(Exception):
    """A whole file, or all that is left of it, cannot be read; its text is the reason to count it under."""


@contextmanager
def damage_named(what: str) -> Iterator[None]:
    """Turns whatever a parser raises over damaged bytes into one reason; the disk's own errors pass.

    Raises:
        Unreadable: the parser failed.
    """
    try:
        yield
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise Unreadable(f"damaged {what}") from None


def digest(raw: bytes) -> str:
    """SHA-256 of a record's bytes, in hex."""
    return hashlib.sha256(raw).hexdigest()
