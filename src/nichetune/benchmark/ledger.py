"""The log beside the benchmark: every sealing, every look at the sealed items, every opening of the blind holdout.

appends to <run>/benchmark.log.jsonl, one entry a line, each holding the digest of the one before:

    {"n": 3, "kind": "look", "at": "2026-11-28T21:04:11+00:00", "who": "mira", "why": "", "benchmark": "c1…",
     "items": "9f…", "facts": {"rung": "qlora", "candidate": "5e…", "variant": "77…"}, "before": "b0…", "digest": "d4…"}

It stands outside every stage's folder, so that no rebuild takes it away, and outside every digest, since it holds
clocks. A changed or missing line breaks the chain; a line cut short by a kill claimed nothing yet, and is dropped.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from nichetune.core.errors import CheckFailed, explain_os_error
from nichetune.core.files import canonical_json, hash_value
from nichetune.core.people import name_user
from nichetune.core.records import Record

LEDGER = "benchmark.log.jsonl"
Kind = Literal["seal", "supersede", "look", "open"]
_START = "0" * 64  # what the first entry names as the one before


class Entry(Record):
    """One line.

    Attributes:
        at: UTC, to the second.
        benchmark: digest of the seal that was in force, or came into force.
        items: digest of the sealed items and answers alone: what a new rule leaves as it was.
        facts: what else belongs to the kind: the rung and candidate of a look, what changed at a superseding.
        before: digest of the entry before.
    """

    n: int
    kind: Kind
    at: str
    who: str
    why: str = ""
    benchmark: str
    items: str
    facts: dict[str, Any] = Field(default_factory=dict)
    before: str
    digest: str = ""

    def compute_digest(self) -> str:
        """The digest that this content has."""
        return hash_value(self.model_dump(mode="json", exclude={"digest"}))

    def say(self) -> str:
        """The entry in one line, for people."""
        told = ", ".join(f"{key} {_say(value)}" for key, value in self.facts.items() if _is_telling(key, value))
        why = f": {self.why}" if self.why else ""
        more = f" ({told})" if told else ""
        return f"{self.at}  {self.who}  {self.kind} {self.benchmark[:12]}{why}{more}"


def _is_telling(key: str, value: Any) -> bool:
    return key != "lines" and value not in ("", [], None, False)


def _say(value: Any) -> str:
    if isinstance(value, list):
        return " + ".join(map(str, value))
    text = str(value)
    return text[:12] if len(text) == 64 else text


def read_ledger(file: Path) -> list[Entry]:
    """All entries; none where there is no log yet.

    Raises:
        CheckFailed: a line was changed, taken out or put in; the first one is named.
    """
    return _parse(file.read_bytes(), file)[0] if file.is_file() else []


def append_entry(
    file: Path, kind: Kind, benchmark: str, items: str, why: str = "", facts: dict[str, Any] | None = None,
    unless: Callable[[Sequence[Entry]], bool] = lambda entries: False,
) -> Entry | None:  # fmt: skip
    """Appends an entry, by one process at a time.

    Args:
        unless: asked, with the log locked, whether the entry is there already; None is returned then.

    Raises:
        CheckFailed: the log so far is not whole.
        SystemFailure: the disk is full.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            handle.seek(0)
            entries, whole = _parse(handle.read(), file)
            if unless(entries):
                return None
            handle.truncate(whole)  # a line that a killed process left half written
            entry = _make(entries, kind, benchmark, items, why, facts or {})
            handle.write(canonical_json(entry).encode() + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
            return entry
    except OSError as error:
        raise explain_os_error(error) from error


def _make(
    entries: Sequence[Entry], kind: Kind, benchmark: str, items: str, why: str, facts: dict[str, Any]
) -> Entry:  # fmt: skip
    entry = Entry(
        n=len(entries) + 1, kind=kind, at=datetime.now(UTC).isoformat(timespec="seconds"), who=name_user(), why=why,
        benchmark=benchmark, items=items, facts=facts, before=entries[-1].digest if entries else _START,
    )  # fmt: skip
    return entry.model_copy(update={"digest": entry.compute_digest()})


def _parse(raw: bytes, file: Path) -> tuple[list[Entry], int]:
    """The entries, and how many bytes of whole lines they take."""
    whole = raw.rfind(b"\n") + 1
    entries: list[Entry] = []
    before = _START
    for number, line in enumerate(raw[:whole].splitlines(), start=1):
        try:
            entry = Entry.model_validate(json.loads(line))
        except (ValueError, ValidationError):
            raise CheckFailed(f"{file}:{number}: no entry of this log: restore the file from a copy") from None
        if entry.before != before or entry.n != number or entry.digest != entry.compute_digest():
            raise CheckFailed(
                f"{file}:{number}: the log was changed here, its chain of digests breaks: restore the file from a copy"
            )
        entries.append(entry)
        before = entry.digest
    return entries, whole


def current_seal(entries: Sequence[Entry]) -> Entry | None:
    """The entry of the seal in force; None before the first."""
    return next((entry for entry in reversed(entries) if entry.kind in ("seal", "supersede")), None)
