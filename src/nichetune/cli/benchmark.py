"""`nichetune benchmark`: seal, show and verify the private benchmark, and say what it can show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

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


@app.command()
def power(
    project: ProjectOption = Path(),
    run_dir: RunDirOption = None,
    items: Annotated[int | None, typer.Option(help="Ask of so many items, without a project.")] = None,
    groups: Annotated[int, typer.Option(help="In so many equal groups; 0: every item alone. With --items.")] = 0,
    discordance: Annotated[
        float | None,
        typer.Option(help="Share of items on which two rungs differ (default: the last verdict's, else 0.1)."),
    ] = None,
    design_effect: Annotated[
        float | None,
        typer.Option(help="Variance of a mean difference over that of items alone (default: the last verdict's, "
                     "else by --correlation)."),
    ] = None,
    correlation: Annotated[
        float,
        typer.Option(help="How alike differences in a group are taken to be, 0 to 1, where nothing was measured."),
    ] = 0.2,
    margin: Annotated[
        float | None, typer.Option(help="The gain to find (default: the sealed margin, else 0.02).")
    ] = None,
    alpha: Annotated[float | None, typer.Option(help="Level (default: the sealed one, else 0.05).")] = None,
    power: Annotated[float, typer.Option(help="How often a true gain is to be found.")] = 0.8,
    non_inferiority: Annotated[float, typer.Option(help="Also: items that show a rung not to be worse by this.")] = 0.0,
    rungs: Annotated[int | None, typer.Option(help="Rungs of the ladder (default: the settings', else 2).")] = None,
    looks: Annotated[int, typer.Option(help="Planned looks; gains and items are those of the last one.")] = 1,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """What so many items can show, and how many a gain needs: of the sealed benchmark, or of --items."""
    from nichetune.decide.outlook import GIVEN, describe_power, plan_items, state_power

    plan = plan_items(items, groups, correlation) if items is not None else _plan_project(project, run_dir, correlation)
    asked: dict[str, Any] = {"margin": margin, "alpha": alpha, "rungs": rungs}
    asked |= {name: (value, GIVEN) for name, value in
              (("discordance", discordance), ("design_effect", design_effect)) if value is not None}  # fmt: skip
    given = {name: value for name, value in asked.items() if value is not None}
    told = state_power(replace(plan, power=power, non_inferiority=non_inferiority, looks=looks, **given))
    show(told, as_json, describe_power(told))


def _plan_project(project: Path, run_dir: Path | None, correlation: float) -> Any:
    from nichetune.core.errors import UserError
    from nichetune.decide.outlook import plan_sealed

    opened = open_from(project, run_dir, None)
    benchmark = opened.path("benchmark")
    if not benchmark.is_dir():
        raise UserError(f"{benchmark}: nothing is sealed yet: nichetune benchmark seal, or give --items")
    return plan_sealed(opened.settings, benchmark, opened.path("decide") / "verdict.json", correlation)
