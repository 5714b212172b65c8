"""`nichetune registry`: versions and the aliases that point to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nichetune.cli.options import JsonOption, ProjectOption, RunDirOption, open_from
from nichetune.cli.options import show as print_result
from nichetune.core.errors import CheckFailed

if TYPE_CHECKING:
    from nichetune.registry.registry import Registry

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Ref = Annotated[str, typer.Argument(help="An alias, a digest, or the beginning of one.")]
Alias = Annotated[str, typer.Option(help="The alias to move.")]


def _open(project: Path, run_dir: Path | None) -> Registry:
    from nichetune.registry.register import open_registry

    opened = open_from(project, run_dir, None)
    return open_registry(opened.settings, opened.run_dir, opened.folder)


@app.command("list")
def list_versions(project: ProjectOption = Path(), run_dir: RunDirOption = None, as_json: JsonOption = False) -> None:
    """All versions, the newest first."""
    versions = _open(project, run_dir).list()
    lines = [f"{v.digest[:12]}  {v.rung:<10} {v.base_model:<14} {', '.join(v.aliases)}" for v in versions]
    print_result([v.to_json() for v in versions], as_json, lines or ["no version yet: `nichetune run` registers one"])


@app.command()
def show(ref: Ref, project: ProjectOption = Path(), run_dir: RunDirOption = None, as_json: JsonOption = False) -> None:
    """One version with its figures and where it came from."""
    import json

    found = _open(project, run_dir).show(ref)
    print_result(found, as_json, [json.dumps(found, indent=2, default=str, ensure_ascii=False)])


@app.command()
def diff(a: Ref, b: Ref, project: ProjectOption = Path(), run_dir: RunDirOption = None,
         as_json: JsonOption = False) -> None:  # fmt: skip
    """What differs between two versions: settings, prompts, adapter, figures."""
    import json
    from dataclasses import asdict

    found = asdict(_open(project, run_dir).diff(a, b))
    print_result(found, as_json, [json.dumps(found, indent=2, default=str, ensure_ascii=False)])


@app.command()
def promote(
    ref: Ref, alias: Alias = "production",
    force: Annotated[bool, typer.Option(help="Promote in spite of a regression or a critical failure.")] = False,
    reason: Annotated[str, typer.Option(help="Why; needed with --force, kept in the log.")] = "",
    project: ProjectOption = Path(), run_dir: RunDirOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Point an alias to a version; refused (exit 1) on a regression or a critical failure."""
    info = _open(project, run_dir).promote(ref, alias=alias, force=force, reason=reason)
    print_result(info.to_json(), as_json, [f"{alias} -> {info.digest[:12]} ({info.rung})"])


@app.command()
def rollback(alias: Alias = "production", project: ProjectOption = Path(), run_dir: RunDirOption = None,
             as_json: JsonOption = False) -> None:  # fmt: skip
    """Point an alias back to where it pointed before."""
    info = _open(project, run_dir).rollback(alias)
    print_result(info.to_json(), as_json, [f"{alias} -> {info.digest[:12]} ({info.rung})"])


@app.command()
def log(project: ProjectOption = Path(), run_dir: RunDirOption = None, as_json: JsonOption = False) -> None:
    """Every move: when, who, from, to, why."""
    moves = [move.to_json() for move in _open(project, run_dir).log()]
    lines = ["  ".join(str(value) for value in move.values()) for move in moves]
    print_result(moves, as_json, lines or ["no move yet"])


@app.command()
def verify(project: ProjectOption = Path(), run_dir: RunDirOption = None, as_json: JsonOption = False) -> None:
    """Exit 1, naming the file, if a registered byte was changed."""
    problems = _open(project, run_dir).verify()
    print_result({"problems": problems}, as_json, problems or ["intact: every version is what it was"])
    if problems:
        raise CheckFailed(f"{len(problems)} registered files differ from their digests")
