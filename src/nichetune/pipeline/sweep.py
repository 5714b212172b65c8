"""Searches for training settings: what has to stand before training, then trials on the development set.

Reads a project -> sweep/study.db, sweep/best.yaml, sweep/sweep.html in its run's folder
"""

from __future__ import annotations

from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.files import write_text
from nichetune.core.settings import Method, SweepSettings
from nichetune.pipeline.flow import Project, list_stages, run_one, uses_index
from nichetune.pipeline.run import lock_run
from nichetune.sweep.page import render_sweep
from nichetune.sweep.result import Result, read_result, write_best
from nichetune.sweep.study import open_sweep, run_trials
from nichetune.train.arguments import DEFAULT_RATES


def sweep_project(project: Project, method: str = "", minutes: float | None = None, **changes: Any) -> Result:
    """Runs or goes on with a sweep.

    Args:
        method: qlora, lora or full; empty: train.method.
        minutes: no trial begins later than that.
        changes: settings of the sweep that the command line gives; those that are None are left as they are.

    Raises:
        UserError: a method that is none of the project's rungs, or what `open_sweep` refuses.
    """
    chosen = _choose_method(project, method)
    kept = project.settings.sweep.model_dump() | {key: value for key, value in changes.items() if value is not None}
    settings = project.settings.model_copy(update={"sweep": SweepSettings.model_validate(kept)})
    with lock_run(project.run_dir):
        for stage in list_stages(project):
            if stage.startswith("train/"):
                break
            run_one(project, stage)
        names = ["mask", "split", "benchmark", *(["index"] if uses_index(settings) else [])]
        out = project.path("sweep")
        sweep = open_sweep(settings, {name: project.path(name) for name in names}, out, chosen)
        try:
            run_trials(sweep, minutes)
        finally:
            sweep.study._storage.remove_session()
        result = read_result(sweep)
        write_best(out / "best.yaml", result)
        write_text(out / "sweep.html", render_sweep(project.settings.project, result))
    return result


def _choose_method(project: Project, method: str) -> Method:
    chosen = method or project.settings.train.method
    known = [m for m in DEFAULT_RATES if f"train/{m}" in list_stages(project)]
    if chosen not in known:
        told = ", ".join(known) or "none: add qlora, lora or full to `rungs`"
        raise UserError(f"sweep: {chosen!r} is none of this project's tuned rungs; known: {told}")
    return chosen  # type: ignore[return-value]
