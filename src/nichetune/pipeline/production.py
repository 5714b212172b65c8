"""What `production` points to, as a run's predecessor: a new run is compared with it, paired, on every metric."""

from __future__ import annotations

from pathlib import Path

from nichetune.core.files import hash_file
from nichetune.core.settings import Settings
from nichetune.registry.register import find_production


def find_previous(settings: Settings, run_dir: Path, project: Path) -> Path | None:
    """Folder of production's evaluation; None without one, or when it came from these very scores.

    A repeated run thus has no predecessor but itself, and is reused.
    """
    info = find_production(settings, run_dir, project)
    if info is None or info.evaluation is None:
        return None
    own = run_dir / "evaluate" / info.rung / "scores.jsonl"
    same = own.is_file() and hash_file(own) == hash_file(info.evaluation / "scores.jsonl")
    return None if same else info.evaluation
