"""The last stage of a run: what the verdict ships becomes a version, and gets an alias.

decide/verdict.json + evaluate/<rung>/ + its adapter + index/ -> registry/versions/<digest>/, alias moved

    production   when there is none yet, and nothing in the verdict blocks it
    candidate    afterwards: `nichetune registry promote` is a person's decision
"""

from __future__ import annotations

from pathlib import Path

from nichetune.core.errors import UserError
from nichetune.core.files import read_json
from nichetune.core.records import Candidate
from nichetune.core.settings import Settings
from nichetune.registry.database import SQLITE_FILE
from nichetune.registry.registry import PRODUCTION, Registry
from nichetune.registry.version import VersionInfo, read_blocks

CANDIDATE = "candidate"


def open_registry(settings: Settings, run_dir: Path, project: Path | None = None) -> Registry:
    """The registry that the settings name.

    Args:
        project: what a relative `registry.folder` is relative to; None: the working folder.
    """
    return Registry.open(registry_folder(settings, run_dir, project), settings.registry.url)


def registry_folder(settings: Settings, run_dir: Path, project: Path | None = None) -> Path:
    """Where the registry's files stand, or will."""
    named = settings.registry.folder
    return (project or Path()) / Path(named).expanduser() if named else run_dir / "registry"


def find_production(settings: Settings, run_dir: Path, project: Path | None = None) -> VersionInfo | None:
    """What `production` points to, whose `evaluation` a new run is compared with; creates no registry."""
    if not settings.registry.url and not (registry_folder(settings, run_dir, project) / SQLITE_FILE).is_file():
        return None
    registry = open_registry(settings, run_dir, project)
    return registry.resolve(PRODUCTION) if PRODUCTION in registry.aliases() else None


def run_register(settings: Settings, run_dir: Path, project: Path | None = None) -> VersionInfo:
    """Registers what `decide/verdict.json` ships; the same run gives the same version and moves nothing.

    Raises:
        UserError: a stage before this one has not finished.
        SystemFailure: the disk is full, or the database is out of reach.
    """
    verdict = run_dir / "decide" / "verdict.json"
    if not verdict.is_file():
        raise UserError(f"no verdict at {verdict}: `nichetune run` decides first")
    evaluate = run_dir / "evaluate" / str(read_json(verdict)["ship"])
    candidate = Candidate.model_validate(read_json(evaluate / "candidate.json"))
    adapter = run_dir / candidate.adapter if candidate.adapter else None
    index = run_dir / "index" if candidate.retrieval else None
    registry = open_registry(settings, run_dir, project)
    info = registry.register(candidate, adapter, evaluate, verdict, index, note=f"shipped by {settings.project}")
    return _give_alias(registry, info)


def _give_alias(registry: Registry, info: VersionInfo) -> VersionInfo:
    if read_blocks(info):  # production is reached by a forced promotion only, even where there is none yet
        return registry.set_alias(CANDIDATE, info.digest, why="shipped by the last run, blocked by its verdict")
    after = registry.set_alias(PRODUCTION, info.digest, why="the first version", only_if_new=True)
    if PRODUCTION in after.aliases and CANDIDATE not in registry.aliases():
        return after
    return registry.set_alias(CANDIDATE, info.digest, why="shipped by the last run")
