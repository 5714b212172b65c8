"""Runs the flow from the first stage to the last, one process at a time, and registers what the verdict ships.

Reads a project -> its run folder; a second run reuses all that has not changed.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nichetune.benchmark.ledger import current_seal
from nichetune.benchmark.lock import Lock
from nichetune.core.errors import SystemFailure, UserError, explain_os_error
from nichetune.core.files import read_json
from nichetune.core.settings import REMOTE, Settings
from nichetune.core.stages import StageResult
from nichetune.evaluate.candidates import list_trainings, name_seed, split_seed
from nichetune.evaluate.primary import check_primary
from nichetune.pipeline.flow import Project, list_stages, run_one, seal_for_good


@dataclass
class RunResult:
    """What a run did: its stages with their seconds, the verdict if it came so far, the version registered.

    Attributes:
        unregistered: why what the verdict ships is no version: a hosted model is none.
    """

    run_dir: Path
    stages: list[tuple[str, float, bool]] = field(default_factory=list)
    verdict: dict[str, Any] | None = None
    version: str = ""
    unregistered: str = ""


def open_project(settings: Settings, folder: Path, run_dir: Path | None = None) -> Project:
    """Where a project's run stands: `--run-dir`, the setting, or `runs/<project>` in the project."""
    chosen = run_dir or (folder / settings.run_dir if settings.run_dir else folder / "runs" / settings.project)
    return Project(settings, folder.resolve(), chosen.resolve())


def run_project(project: Project, until: str = "", restart_from: str = "") -> RunResult:
    """Runs all stages in order.

    Args:
        until: last stage to run (`train` means all of `train/…`); empty: all.
        restart_from: stage from which on everything is made anew; empty: only what changed.

    Raises:
        UserError: no such stage, no such base model, or another run is at work in the same folder.
    """
    names = list_stages(project)
    last = _find(names, until, last=True) if until else len(names) - 1
    check_primary(project.settings)
    _refuse_base(project.settings, names[: last + 1])
    with lock_run(project.run_dir):
        if restart_from:
            _forget(project, names[_find(names, restart_from, last=False) :])
        result = RunResult(project.run_dir)
        for name in names[: last + 1]:
            done = run_one(project, name)
            result.stages.append((name, done.seconds, done.reused))
        if "decide" in names[: last + 1]:
            result.verdict = read_json(project.path("decide") / "verdict.json")
        if last == len(names) - 1:
            _finish(project, result.verdict or {}, result)
    return result


def _refuse_base(settings: Settings, stages: list[str]) -> None:
    """Before hours of masking, rather than at the first training; what the hub holds is only known then."""
    from nichetune.models.packaged import find_local

    parts = {split_seed(name.partition("/")[2])[0] for name in stages if "/" in name}
    if any(part != "classical" and not part.startswith(REMOTE) for part in parts):
        find_local(settings.base.model)


def _finish(project: Project, verdict: dict[str, Any], result: RunResult) -> None:
    from nichetune.registry.moves import explain_hosted
    from nichetune.registry.register import run_register

    shipped = str(verdict["ship"])
    if shipped.startswith(REMOTE):  # a verdict all the same: the run is whole
        result.unregistered = explain_hosted(shipped)
        return
    result.version = run_register(project.settings, project.run_dir, project.folder).digest


def _find(names: list[str], wanted: str, last: bool) -> int:
    places = [n for n, name in enumerate(names) if name == wanted or name.startswith(f"{wanted}/")]
    if not places:
        raise UserError(f"no stage {wanted!r} in these settings; stages: {', '.join(names)}")
    return places[-1] if last else places[0]


def _forget(project: Project, names: list[str]) -> None:
    for name in names:
        shutil.rmtree(project.path(name), ignore_errors=True)


def seal_project(project: Project, why: str = "") -> StageResult:
    """Seals the benchmark for good, with all that has to stand before it.

    Args:
        why: the reason to put it in a locked one's place; empty: a locked one must be the same.

    Raises:
        UserError: it is locked and would become another, or there is nothing to supersede.
    """
    run_project(project, until="split")
    with lock_run(project.run_dir):
        before = current_seal(Lock(project.run_dir).entries())
        done = seal_for_good(project, why)
        if why and (before is None or before.benchmark == done.manifest["facts"]["benchmark_digest"]):
            raise UserError("nothing to supersede: the settings and data make the very benchmark that is sealed")
        return done


@contextmanager
def lock_run(run_dir: Path) -> Iterator[None]:
    """Two runs in one folder would take each other's work away."""
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        handle = (run_dir / ".lock").open("w")
    except OSError as error:
        raise explain_os_error(error) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemFailure(f"another run is at work in {run_dir}: wait for it, or give --run-dir") from None
        yield


def run_needed(project: Project, name: str) -> StageResult:
    """Runs one stage and only what has to stand before it: no other rung is trained or evaluated."""
    kind, _, part = name.partition("/")
    rung, seed = split_seed(part)
    needed = [name_seed(method, seed) for method in list_trainings(rung)]
    with lock_run(project.run_dir):
        for stage in list_stages(project):
            if stage == name:
                break
            own, _, method = stage.partition("/")
            if not method or (own == "train" and kind in ("train", "evaluate") and method in needed):
                run_one(project, stage)
        return run_one(project, name)
