"""Answers made elsewhere, scored as a rung beside those of the flow.

Reads a file of answers, benchmark/, mask/ -> evaluate/<name>/
"""

from __future__ import annotations

import re
from pathlib import Path

from nichetune.core.errors import UserError
from nichetune.core.settings import REMOTE, RUNGS
from nichetune.core.stages import Stage, StageResult, run_stage
from nichetune.evaluate import imported
from nichetune.pipeline.flow import Project
from nichetune.pipeline.run import lock_run
from nichetune.pipeline.sealing import note_look

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def import_answers(project: Project, answers: Path, name: str) -> StageResult:
    """Scores a file of answers; the same file is not scored twice.

    Raises:
        UserError: a name that a rung has or that is no file's, no benchmark, or answers that do not fit it.
    """
    if name in RUNGS or name.startswith(REMOTE) or not _NAME.fullmatch(name):
        raise UserError(f"--as {name!r}: give a name of letters, digits, dot, dash and underscore that no rung has")
    if not answers.is_file():
        raise UserError(f"--from: no such file: {answers}")
    benchmark, mask = project.path("benchmark"), project.path("mask")
    if not (benchmark / "items.jsonl").is_file():
        raise UserError(f"no sealed benchmark at {benchmark}: give --run-dir, or seal one: nichetune benchmark seal")
    inputs = {"benchmark": benchmark, "answers": answers}
    stage = Stage(
        f"evaluate/{name}", ("evaluate",), inputs, project.subset("tasks", "benchmark"), (), project.settings.seed
    )
    with lock_run(project.run_dir):
        done = run_stage(
            stage, project.path(f"evaluate/{name}"),
            lambda out: imported.run(project.settings, inputs | {"mask": mask}, out, name),
        )  # fmt: skip
        note_look(project, f"evaluate/{name}", done)
    return done
