"""Reading, writing and hashing files: JSON, JSON Lines, content digests, atomic replacement.

A written file is complete or absent: text goes to a neighbour first, then takes the name.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from nichetune.core.errors import UserError

M = TypeVar("M", bound=BaseModel)


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces, so that equal content has an equal digest."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_to_plain)


def _to_plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


def hash_text(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def hash_value(value: Any) -> str:
    """SHA-256 of a value's canonical JSON, in hex."""
    return hash_text(canonical_json(value))


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def hash_folder(folder: Path, skip: frozenset[str] = frozenset()) -> dict[str, str]:
    """SHA-256 of every file below `folder`, by relative path; `skip` names files and folders to leave out."""
    return {p.relative_to(folder).as_posix(): hash_file(p) for p in list_files(folder, skip)}


def list_files(folder: Path, skip: frozenset[str] = frozenset()) -> list[Path]:
    """Every file below `folder`, in order; `skip` names files and folders in it to leave out."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and skip.isdisjoint(p.relative_to(folder).parts))


def write_text(path: Path, text: str) -> None:
    """Writes `text` so that `path` is complete or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON, whole or not at all."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=_to_plain)
    write_text(path, text + "\n")


def write_record(path: Path, record: BaseModel) -> None:
    """Writes a record with its keys in their own order: a form is written in the order of its fields."""
    write_text(path, record.model_dump_json(indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        UserError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no such file: {path}") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}: not valid JSON ({error.msg})") from None


def write_jsonl(path: Path, records: Iterable[BaseModel | dict[str, Any]]) -> int:
    """Writes records as JSON Lines, whole or not at all; returns how many."""
    return write_lines(path, map(dump_line, records))


def dump_line(record: BaseModel | dict[str, Any]) -> bytes:
    """A record's line of a JSON Lines file, with its newline."""
    plain = record.model_dump(mode="json") if isinstance(record, BaseModel) else record
    return json.dumps(plain, ensure_ascii=False).encode() + b"\n"


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Writes lines that end in a newline, whole or not at all; returns how many."""
    count = 0
    with open_lines(path) as write:
        for line in lines:
            write(line)
            count += 1
    return count


@contextmanager
def open_lines(path: Path) -> Iterator[Callable[[bytes], object]]:
    """Writes lines one after another; the file is whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as handle:
            yield handle.write
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def iter_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the objects of a JSON Lines file, of nichetune's own or of a user.

    Raises:
        UserError: the file is missing, or a line is not a JSON object.
    """
    if not path.is_file():
        raise UserError(f"no such file: {path}")
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            if line.strip():
                try:
                    yield json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
                except UnicodeDecodeError:
                    raise UserError(f"{path}:{number}: not UTF-8 text: save the file as UTF-8") from None
                except (ValueError, RecursionError):  # no JSON; numbers of thousands of digits; nested too deep
                    raise UserError(f"{path}:{number}: not a JSON object") from None


def read_records(path: Path, model: type[M]) -> list[M]:
    """Reads a JSON Lines file of one record type."""
    return list(iter_records(path, model))


def iter_records(path: Path, model: type[M]) -> Iterator[M]:
    """Yields the records of a JSON Lines file of one record type, so that none need be held."""
    return (model.model_validate(record) for record in iter_jsonl(path))
