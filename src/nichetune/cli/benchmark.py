"""`nichetune benchmark`: seal, supersede, show and verify the private benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nichetune.cli.options import JsonOption, ProjectOption, RunDirOption, SetOption, open_from, show

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def seal(project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
         as_json: JsonOption = False) -> None:  # fmt: skip
    """Seal the holdout and lock it: items, answers, scorers, metric, margins, seeds, decision rule, prices, suites."""
    _seal(project, run_dir, overrides, as_json, "")


@app.command()
def supersede(
    why: Annotated[str, typer.Option(help="Why the locked benchmark may be replaced; kept in the log.")],
    project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Seal what the settings and data make now in the locked one's place; the old one is kept."""
    from nichetune.core.errors import UserError

    if not why.strip():
        raise UserError("--why: say why the benchmark may be replaced: the log keeps it")
    _seal(project, run_dir, overrides, as_json, why.strip())


def _seal(project: Path, run_dir: Path | None, overrides: list[str] | None, as_json: bool, why: str) -> None:
    from nichetune.benchmark.seal import load_benchmark
    from nichetune.pipeline.run import seal_project

    opened = open_from(project, run_dir, overrides, as_json)
    seal_project(opened, why)
    sealed = load_benchmark(opened.path("benchmark"))
    told = {"digest": sealed.digest, "items": len(sealed.items), "blind": sealed.blind.get("items", 0)}
    suites = {name: len(items) for name, items in sealed.suite_items.items()}
    lines = [
        f"sealed {len(sealed.items)} items: {sealed.digest}",
        *(f"suite {n}: {c} items" for n, c in suites.items()),
    ]
    show(told | {"suites": suites}, as_json, lines)


@app.command("show")
def show_benchmark(project: ProjectOption = Path(), run_dir: RunDirOption = None, as_json: JsonOption = False) -> None:
    """Show what is sealed, counts and rules, no items; and the log: who sealed, superseded, looked, opened, and why."""
    from nichetune.benchmark.lock import Lock
    from nichetune.core.files import read_json

    opened = open_from(project, run_dir, None, as_json)
    note = read_json(opened.path("benchmark") / "benchmark.json")
    hidden = ("tasks", "items", "item_digests", "part_digests", "suites")
    plain = {key: value for key, value in note.items() if key not in hidden}
    plain["suites"] = {name: len(suite["item_digests"]) for name, suite in note.get("suites", {}).items()}
    entries = Lock(opened.run_dir).entries()
    lines = [*(f"{key}: {value}" for key, value in plain.items()), "log:", *(f"  {one.say()}" for one in entries)]
    show(plain | {"log": [one.model_dump(mode="json") for one in entries]}, as_json, lines)


@app.command()
def verify(project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
           as_json: JsonOption = False) -> None:  # fmt: skip
    """Exit 1, naming the item, the rule or the log's line, if anything sealed was changed."""
    from nichetune.pipeline.sealing import verify_lock

    opened = open_from(project, run_dir, overrides, as_json)
    benchmark = verify_lock(opened)
    show({"intact": True, "digest": benchmark.digest}, as_json, ["intact: nothing sealed has changed"])
