"""Options that many verbs share, and how a verb prints for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nichetune.core.progress import silence_progress

if TYPE_CHECKING:
    from nichetune.pipeline.flow import Project

ProjectOption = Annotated[Path, typer.Option("--project", "-p", help="Folder that holds nichetune.yaml.")]
RunDirOption = Annotated[Path | None, typer.Option("--run-dir", help="Where the run is written (default: the "
                                                   "setting run_dir, or runs/<project> in the project).")]  # fmt: skip
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Override a setting: --set train.epochs=1")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, no progress.")]


def open_from(project: Path, run_dir: Path | None, overrides: list[str] | None, as_json: bool = False) -> Project:
    """Reads the settings and says where the run stands."""
    from nichetune.core.settings_file import load_settings
    from nichetune.pipeline.run import open_project

    if as_json:
        silence_progress()
    folder = project if project.is_dir() else project.parent
    return open_project(load_settings(project, overrides), folder, run_dir)


def show(value: Any, as_json: bool, lines: list[str]) -> None:
    """Prints a result: the value for machines, the lines for people."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False, default=str))
        return
    for line in lines:
        print(line)
