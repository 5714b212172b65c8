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
    part = path.with_name(f".{path.name}.part")
    with _owner_only():
        handle = part.open("w", encoding="utf-8")

    def write(record: BaseModel) -> None:
        handle.write(_ENCODER.encode(record.model_dump(mode="json")) + "\n")

    try:
        with handle:
            yield write
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
