"""`nichetune benchmark`: seal, show and verify the private benchmark."""

from __future__ import annotations

from pathlib import Path

import typer

from nichetune.cli.options import JsonOption, ProjectOption, RunDirOption, SetOption, open_from, show

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def seal(project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
         as_json: JsonOption = False) -> None:  # fmt: skip
    """Seal the holdout: items, answers, scorers, primary metric, margins and seeds under one digest."""
    from nichetune.benchmark.seal import load_benchmark
    from nichetune.pipeline.run import run_project

    opened = open_from(project, run_dir, overrides, as_json)
    run_project(opened, until="benchmark")
    sealed = load_benchmark(opened.path("benchmark"))
    show({"digest": sealed.digest, "items": len(sealed.items)}, as_json,
         [f"sealed {len(sealed.items)} items: {sealed.digest}"])  # fmt: skip


@app.command("show")
def show_benchmark(project: ProjectOption = Path(), run_dir: RunDirOption = None, as_json: JsonOption = False) -> None:
    """Show what is sealed; counts and rules, no items."""
    from nichetune.core.files import read_json

    opened = open_from(project, run_dir, None, as_json)
    note = read_json(opened.path("benchmark") / "benchmark.json")
    plain = {key: value for key, value in note.items() if key not in ("tasks", "items", "item_digests")}
    show(plain, as_json, [f"{key}: {value}" for key, value in plain.items()])


@app.command()
def verify(project: ProjectOption = Path(), run_dir: RunDirOption = None, as_json: JsonOption = False) -> None:
    """Exit 1, naming the item, if anything sealed was changed."""
    from nichetune.benchmark.seal import verify_benchmark

    opened = open_from(project, run_dir, None, as_json)
    verify_benchmark(opened.path("benchmark"))
    show({"intact": True}, as_json, ["intact: nothing sealed has changed"])
