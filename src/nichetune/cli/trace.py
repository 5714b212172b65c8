"""`nichetune trace`: where a record came from, and what each stage of the run did with it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nichetune.cli.options import JsonOption, ProjectOption, RunDirOption, SetOption, open_from, show

if TYPE_CHECKING:
    from nichetune.pipeline.trace import Trace


def add_commands(app: typer.Typer) -> None:
    """Adds this verb to the command line."""
    app.command("trace")(trace)


def trace(
    name: Annotated[str, typer.Argument(metavar="ID", help="An example's or document's id, or its place: notes.csv:18, "
                                        "guide.pdf:p3, 'book.xlsx [Sheet1]:4'.")],
    project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Follow one record from its file, line or page through every stage; its text is not shown."""
    from nichetune.pipeline.trace import trace_record

    found = trace_record(open_from(project, run_dir, overrides, as_json), name)
    show([asdict(one) for one in found], as_json, [line for one in found for line in _describe(one)])


def _describe(trace: Trace) -> list[str]:
    lines = [f"{trace.id}: {trace.kind}" + (f" {trace.title!r}" if trace.title else ""),
             f"  source     {trace.source}, sha256 {trace.sha256}"]  # fmt: skip
    if trace.file:
        lines.append(f"  file       read as: {trace.file['read_as']}, sha256 {trace.file['sha256']}")
    return lines + [f"  {step.stage:<10} {step.outcome}" for step in trace.steps]
