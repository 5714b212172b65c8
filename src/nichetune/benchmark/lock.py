"""Who may put another benchmark in a sealed one's place: nobody, but by superseding it, which the log tells.

    run/benchmark.log.jsonl    every seal, look and opening (ledger.py)
    run/seals/<digest>/        every benchmark that was ever in force, whole

A seal locks at `benchmark seal`, and at the latest once anything was trained or scored under it. Before that the
flow may seal anew as often as the data change. Where nothing but nichetune's own source changed (scorers, decision
rule), the flow supersedes by itself and says so: the change was not the owner's, and old scores cannot stand.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.benchmark.ledger import LEDGER, Entry, Kind, append_entry, current_seal, read_ledger
from nichetune.benchmark.seal import HEADER, Benchmark
from nichetune.core.errors import UserError
from nichetune.core.files import hash_value, read_json
from nichetune.core.stages import MANIFEST, short

SEALS = "seals"
_OWN_SOURCE = {"scorers", "decision"}
_SHOWN = 5


@dataclass(frozen=True)
class Lock:
    """The lock of one run's benchmark.

    Attributes:
        run_dir: the run's folder.
    """

    run_dir: Path

    @property
    def log(self) -> Path:
        """The log's file."""
        return self.run_dir / LEDGER

    def entries(self) -> list[Entry]:
        """Every entry of the log."""
        return read_ledger(self.log)

    def admit(self, new: Benchmark, why: str = "") -> None:
        """Lets a new benchmark take the old one's place, or refuses it.

        Args:
            why: the reason of whoever supersedes the old one; empty: nobody does.

        Raises:
            UserError: the benchmark in force is locked, and the new one is another; what differs is named.
        """
        entries = self.entries()
        old = current_seal(entries)
        if old is None or old.benchmark == new.digest or why or not self.is_locked(entries):
            return
        changed = self.find_changes(old, new)
        if not set(changed) <= _OWN_SOURCE:
            raise UserError(
                f"the benchmark was sealed by {old.who} at {old.at} and is locked; these settings or data would make "
                f"another ({_list(changed)}): put them back, or keep the old one and seal this one by "
                f"`nichetune benchmark supersede --why '...'`"
            )

    def is_locked(self, entries: Sequence[Entry]) -> bool:
        """Whether the seal in force can only be superseded."""
        seal = current_seal(entries)
        if seal is None:
            return False
        since = entries[seal.n - 1 :]
        return any(one.facts.get("locked") or one.kind in ("look", "open") for one in since) or bool(self.trained())

    def trained(self) -> list[str]:
        """What was trained in this run so far."""
        root = self.run_dir / "train"
        return sorted(p.parent.relative_to(root).as_posix() for p in root.rglob(MANIFEST)) if root.is_dir() else []

    def note_seal(self, new: Benchmark, folder: Path, why: str = "", locked: bool = False) -> Entry | None:
        """Keeps a copy of the benchmark and notes it in the log, unless it is in force already.

        Args:
            locked: whoever seals asked for it, and from now on it can only be superseded.
        """
        before = self.entries()
        old = current_seal(before)
        if why and old and old.benchmark == new.digest:
            return None
        _keep(folder, self.run_dir / SEALS / new.digest)
        changed = self.find_changes(old, new) if old and old.benchmark != new.digest else []
        supersedes = bool(old and old.benchmark != new.digest and (why or self.is_locked(before)))
        facts: dict[str, Any] = {"locked": locked}
        if supersedes and old:
            looks = sum(one.kind == "look" and one.items == new.items_digest for one in before)
            facts |= {"supersedes": old.benchmark, "changed": _shorten(changed), "looks_before": looks}
            why = why or f"nichetune's own source changed: {_list(changed)}"
        if old is None or old.benchmark != new.digest:
            facts["trained_before"] = self.trained()

        def is_noted(entries: Sequence[Entry]) -> bool:
            seal = current_seal(entries)
            if seal is None or seal.benchmark != new.digest:
                return False
            return not locked or any(one.facts.get("locked") for one in entries[seal.n - 1 :])

        kind: Kind = "supersede" if supersedes else "seal"
        return append_entry(self.log, kind, new.digest, new.items_digest, why, facts, is_noted)

    def find_changes(self, old: Entry, new: Benchmark) -> list[str]:
        """What a benchmark has other than the one of an entry, by name: `item int-0077`, `margin`, `prices`."""
        file = self.run_dir / SEALS / old.benchmark / HEADER
        if not file.is_file():
            return ["its copy under seals/ is gone, so nobody can tell what"]
        before, now = read_json(file), new.model_dump(mode="json")
        items: tuple[dict[str, str], dict[str, str]] = (before.get("item_digests", {}), now["item_digests"])
        names = [f"item {name}" for name in sorted({*items[0], *items[1]}) if items[0].get(name) != items[1].get(name)]
        parts: tuple[dict[str, str], dict[str, str]] = (before.get("part_digests", {}), now["part_digests"])
        return [*names, *(n for n in sorted({*parts[0], *parts[1]}) if parts[0].get(n) != parts[1].get(n))]


def say_seal(entry: Entry) -> list[str]:
    """What a person is told of a new seal that came late."""
    lines = []
    if entry.kind == "supersede":
        old, changed = short(str(entry.facts["supersedes"])), ", ".join(entry.facts["changed"])
        lines.append(f"note: seal {old} was superseded ({changed}); it is kept under {SEALS}/")
    if looks := entry.facts.get("looks_before"):
        lines.append(f"note: candidates had been scored {looks} times on these very items: the verdict says so")
    if trained := entry.facts.get("trained_before"):
        lines.append(
            f"note: {', '.join(trained)} had been trained before this seal: where items or training data changed it is "
            "trained again; where only the rule changed, the rule came after the training"
        )
    return lines


def candidate_variant(candidate: dict[str, Any], training: dict[str, Any]) -> str:
    """What tells two candidates of a rung apart by their settings and data: not by their weights or their seed.

    Args:
        candidate: its record.
        training: the manifest of its training stage; empty for an untuned rung.
    """
    own = {key: value for key, value in candidate.items() if key not in ("adapter", "adapter_digest")}
    # What it starts from holds a seed, too; the sealed items are the same in all looks that are counted together.
    seeded = ("benchmark", "train/")
    data = {key: value for key, value in training.get("inputs", {}).items() if not key.startswith(seeded)}
    return hash_value({"candidate": own, "settings": training.get("settings", {}), "data": data})


def _keep(folder: Path, target: Path) -> None:
    if target.is_dir():
        return
    work = target.with_name(f".{target.name}.work")
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(folder, work)
    work.rename(target)


def _list(names: Sequence[str]) -> str:
    return ", ".join(_shorten(names))


def _shorten(names: Sequence[str]) -> list[str]:
    more = len(names) - _SHOWN
    return [*names[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
