"""Runs one stage so that its folder is whole or absent, reusable, and told by its content alone.

Reads the stage's inputs -> writes `<out>/…`, `<out>/manifest.json` (content: inside every digest) and
`<out>/timing.json` (clocks, device, memory, energy: outside every digest).

    {"stage": "dedupe", "key": "9f…", "digest": "c1…", "inputs": {"mask": "77…"}, "outputs": {…},
     "settings": {…}, "seed": 7, "versions": {"daft": "0.7.26"}, "counts": {"in": 1190, "out": 1031},
     "dropped": {"exact duplicate": 31}}

Work happens in a hidden neighbour `.<name>.work`. It is renamed only once the manifest stands in it. A killed
stage leaves that neighbour behind; the next run with the same key goes on inside it, any other key clears it.

A folder named `derived/` inside a stage's folder holds what can be rebuilt from the rest, in a form whose bytes
differ each time (a database's own files): it stands outside every digest, and who reads it rebuilds it if need be.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.resources
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nichetune.core.energy import EnergyMeter
from nichetune.core.errors import explain_os_error
from nichetune.core.files import hash_file, hash_folder, hash_text, hash_value, list_files, read_json, write_json
from nichetune.core.machine import describe_machine
from nichetune.core.progress import say

MANIFEST = "manifest.json"
TIMING = "timing.json"
DERIVED = "derived"
_KEY = ".key"
_OUTSIDE = frozenset({MANIFEST, TIMING, DERIVED, _KEY})


@dataclass(frozen=True)
class Report:
    """What a stage says of its work. `dropped` counts by reason; `facts` goes into the manifest as it is."""

    counts: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """What makes a stage's result: change any of it and the stage runs again.

    Attributes:
        name: also the folder's name.
        code: layers (package names under nichetune) whose source decides the result.
        inputs: stage folders or files, by name.
        settings: the part of the settings that this stage reads, resolved.
        packages: distributions whose versions matter.
    """

    name: str
    code: tuple[str, ...]
    inputs: dict[str, Path]
    settings: dict[str, Any]
    packages: tuple[str, ...] = ()
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class StageResult:
    """A finished stage: its folder, manifest and seconds; `reused` when no work was needed."""

    folder: Path
    manifest: dict[str, Any]
    reused: bool
    seconds: float

    @property
    def digest(self) -> str:
        """SHA-256 over the content of the stage's outputs."""
        return str(self.manifest["digest"])


@functools.cache
def code_version(layers: tuple[str, ...]) -> str:
    """SHA-256 over the source of the named layers and of `core`, templates included."""
    root = Path(str(importlib.resources.files("nichetune")))
    folders = [root / layer for layer in sorted({*layers, "core"})]
    own = [p for folder in folders for p in list_files(folder) if p.suffix != ".pyc"]
    return hash_value({p.relative_to(root).as_posix(): hash_file(p) for p in own})


def input_digest(path: Path) -> str:
    """A stage folder's content digest, a folder's file digests, or a file's SHA-256."""
    if (path / MANIFEST).is_file():
        return str(read_json(path / MANIFEST)["digest"])
    return hash_value(hash_folder(path)) if path.is_dir() else hash_file(path)


def stage_key(stage: Stage) -> str:
    """What the result depends on: inputs, settings, seed, code and versions, in one digest."""
    return hash_value(_described(stage) | {"code": code_version(stage.code)})


def _described(stage: Stage) -> dict[str, Any]:
    versions = {name: importlib.metadata.version(name) for name in stage.packages}
    inputs = {name: input_digest(path) for name, path in stage.inputs.items()}
    return {
        "stage": stage.name,
        "inputs": inputs,
        "settings": stage.settings,
        "seed": stage.seed,
        "versions": versions,
    }


def run_stage(stage: Stage, out: Path, work: Callable[[Path], Report]) -> StageResult:
    """Runs `work` in a hidden folder and renames it to `out`, or reuses `out` if nothing changed.

    Args:
        work: gets the folder to write in; what it finds there is its own unfinished work for the same key.

    Raises:
        SystemFailure: the disk is full, or the system refused something else.
    """
    try:
        return _run_stage(stage, out, work)
    except OSError as error:
        raise explain_os_error(error) from error


def _run_stage(stage: Stage, out: Path, work: Callable[[Path], Report]) -> StageResult:
    key = stage_key(stage)
    if (finished := finished_stage(out, key)) is not None:
        say(f"{stage.name:<22} reused")
        return finished
    say(f"{stage.name:<22} …")
    started, clock, meter = datetime.now(UTC), time.monotonic(), EnergyMeter()
    workspace = _open_workspace(out, key)
    report = work(workspace)
    manifest = _build_manifest(stage, key, report, workspace)
    seconds = time.monotonic() - clock
    timing = {
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "device": stage.device,
        "machine": describe_machine(),
        "peak_memory_bytes": peak_memory_bytes(),
        "joules": meter.joules(),
        **report.measured,
    }
    write_json(workspace / TIMING, timing)
    write_json(workspace / MANIFEST, manifest)
    _publish(workspace, out)
    say(f"{stage.name:<22} {seconds:6.1f} s  {_summary(report)}")
    return StageResult(out, manifest, reused=False, seconds=seconds)


def finished_stage(out: Path, key: str | None = None) -> StageResult | None:
    """The stage that stands in `out`, if it is whole, unchanged and (when asked) has this key."""
    if not (out / MANIFEST).is_file():
        return None
    manifest = read_json(out / MANIFEST)
    if key is not None and manifest.get("key") != key:
        return None
    if hash_folder(out, _OUTSIDE) != manifest["outputs"]:
        return None
    seconds = read_json(out / TIMING)["seconds"] if (out / TIMING).is_file() else 0.0
    return StageResult(out, manifest, reused=True, seconds=seconds)


def _open_workspace(out: Path, key: str) -> Path:
    workspace = out.parent / f".{out.name}.work"
    stamp = workspace / _KEY
    if workspace.exists() and not (stamp.is_file() and stamp.read_text() == key):
        shutil.rmtree(workspace)
    workspace.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key)
    return workspace


def _build_manifest(stage: Stage, key: str, report: Report, workspace: Path) -> dict[str, Any]:
    outputs = hash_folder(workspace, _OUTSIDE)
    content = {"outputs": outputs, "facts": report.facts}
    return _described(stage) | {
        "key": key,
        "digest": hash_value(content),
        "outputs": outputs,
        "counts": report.counts,
        "dropped": report.dropped,
        "facts": report.facts,
    }


def _publish(workspace: Path, out: Path) -> None:
    (workspace / _KEY).unlink(missing_ok=True)
    old = out.parent / f".{out.name}.old"
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        os.replace(out, old)
    os.replace(workspace, out)
    shutil.rmtree(old, ignore_errors=True)


def peak_memory_bytes() -> int:
    """Peak resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _summary(report: Report) -> str:
    counts = ", ".join(f"{name} {n}" for name, n in report.counts.items())
    drops = ", ".join(f"{reason} {n}" for reason, n in report.dropped.items() if n)
    return counts + (f"; dropped: {drops}" if drops else "")


def short(digest: str) -> str:
    """The first twelve characters of a digest, for people."""
    return digest[:12]


def name_digest(*parts: str) -> str:
    """A digest over several texts, separated so that they cannot run together."""
    return hash_text("\x1f".join(parts))
