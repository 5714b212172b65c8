"""What `production` points to, as a run's predecessor: a new run is compared with it, paired, on every metric."""

from __future__ import annotations

from pathlib import Path

from nichetune.core.files import hash_file
from nichetune.core.settings import Settings
from nichetune.registry.register import open_registry
from nichetune.registry.registry import PRODUCTION


def find_previous(settings: Settings, run_dir: Path, project: Path) -> Path | None:
    """Folder of the production version's scores; None without one, or when it came from these very scores."""
    if not (run_dir / "registry").is_dir() and not settings.registry.url and not settings.registry.folder:
        return None
    registry = open_registry(settings, run_dir, project)
    if PRODUCTION not in registry.aliases():
        return None
    info = registry.resolve(PRODUCTION)
    if info.evidence is None:
        return None
    own = run_dir / "evaluate" / info.rung / "scores.jsonl"
    same = own.is_file() and hash_file(own) == hash_file(info.evidence / "scores.jsonl")
    return None if same else info.evidence
