"""`nichetune dedupe`: the project's corpus or any JSON Lines file, and why a text counts as a duplicate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nichetune.cli.options import JsonOption, ProjectOption, RunDirOption, SetOption, open_from, show
from nichetune.core.errors import UserError
from nichetune.core.progress import silence_progress


def dedupe(
    source: Annotated[Path | None, typer.Argument(help="JSON Lines with `text`; without it, the project.")] = None,
    target: Annotated[Path | None, typer.Argument(help="Where the kept lines go.")] = None,
    explain: Annotated[str, typer.Option(help="Say why this id counts as a duplicate, and of which.")] = "",
    project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Drop duplicates and join near ones, in the project's corpus or in any JSON Lines file."""
    if source is None:
        _dedupe_project(explain, project, run_dir, overrides, as_json)
        return
    if as_json:
        silence_progress()
    if explain:
        if target is not None:
            raise UserError("dedupe: --explain writes nothing: give one file, nichetune dedupe in.jsonl --explain ID")
        from nichetune.corpus.explain import explain_line

        told = explain_line(explain, source)
        show(told.as_dict(), as_json, told.as_lines())
        return
    if target is None:
        raise UserError("dedupe: give two files, nichetune dedupe in.jsonl out.jsonl, or none for the project")
    from nichetune.corpus.dedupe_file import dedupe_file

    counts = dedupe_file(source, target)
    show({"target": target, **counts}, as_json, [f"{target}: " + ", ".join(f"{k} {n}" for k, n in counts.items())])


def _dedupe_project(
    explain: str, project: Path, run_dir: Path | None, overrides: list[str] | None, as_json: bool
) -> None:
    from nichetune.cli.stages import run_stage_of
    from nichetune.pipeline.run import run_project

    if not explain:
        run_stage_of("dedupe", project, run_dir, overrides, as_json)
        return
    from nichetune.corpus.explain import explain_example

    opened = open_from(project, run_dir, overrides, as_json)
    run_project(opened, until="dedupe")
    told = explain_example(explain, opened.settings, opened.path("format"), opened.path("dedupe"))
    show(told.as_dict(), as_json, told.as_lines())
