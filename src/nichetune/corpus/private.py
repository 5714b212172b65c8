"""Writes files that hold unmasked text: readable by their owner alone, from the first byte on.

records -> <folder>/examples.jsonl with mode 0600
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from nichetune.core.errors import UserError

_ENCODER = json.JSONEncoder(ensure_ascii=False)


class PrivateWriter:
    """Writes records one after another into a file that is not whole yet.

    Args:
        start: bytes that stand in it already and stay.
    """

    def __init__(self, unfinished: Path, start: int = 0) -> None:
        with _owner_only():
            self._handle = unfinished.open("r+b" if start else "wb")
        self._handle.truncate(start)
        self._handle.seek(start)

    def __call__(self, record: BaseModel) -> None:
        self._handle.write(_ENCODER.encode(record.model_dump(mode="json")).encode() + b"\n")

    def flush(self) -> int:
        """Leaves all of it to the system; the bytes so far."""
        self._handle.flush()
        return self._handle.tell()

    def close(self) -> None:
        """Ends the file."""
        self._handle.close()


@contextmanager
def open_private(path: Path, start: int = 0) -> Iterator[PrivateWriter]:
    """Writes records; the file stands under its name once it is whole.

    A user's mistake takes it away; what else breaks in leaves what was written, for who goes on with it.

    Args:
        start: bytes of an unfinished file that stay.
    """
    unfinished = name_unfinished(path)
    writer = PrivateWriter(unfinished, start)
    try:
        yield writer
    except UserError:
        writer.close()
        unfinished.unlink(missing_ok=True)
        raise
    except BaseException:
        writer.close()
        raise
    writer.close()
    os.replace(unfinished, path)


def name_unfinished(path: Path) -> Path:
    """Where a file stands before it is whole."""
    return path.with_name(f".{path.name}.part")


def write_private(path: Path, text: str) -> None:
    """Writes a text, whole or not at all, for its owner alone."""
    unfinished = name_unfinished(path)
    try:
        with _owner_only():
            unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


@contextmanager
def _owner_only() -> Iterator[None]:
    """New files get no mode bits for others: a chmod after writing would leave a moment in which they had."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
