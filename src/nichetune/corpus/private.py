"""Writes files that hold unmasked text: readable by their owner alone, from the first byte on.

records -> <folder>/examples.jsonl with mode 0600
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

_ENCODER = json.JSONEncoder(ensure_ascii=False)


@contextmanager
def open_private(path: Path) -> Iterator[Callable[[BaseModel], None]]:
    """Writes records one after another; the file is whole or absent, and its owner's alone from the first byte on."""
    with open_private_text(path) as put:

        def write(record: BaseModel) -> None:
            put(_ENCODER.encode(record.model_dump(mode="json")) + "\n")

        yield write


@contextmanager
def open_private_text(path: Path) -> Iterator[Callable[[str], object]]:
    """Writes text piece by piece, as `open_private` writes records."""
    part = path.with_name(f".{path.name}.part")
    with _owner_only():
        handle = part.open("w", encoding="utf-8")
    try:
        with handle:
            yield handle.write
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def _owner_only() -> Iterator[None]:
    """New files get no mode bits for others: a chmod after writing would leave a moment in which they had."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
