"""`nichetune benchmark`: seal, supersede, show and verify the private benchmark, and say what it can show."""

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
    seeds: Annotated[
        int | None, typer.Option(help="Trainings of each tuned rung (default: the sealed number, else 1).")
    ] = None,
    seed_deviation: Annotated[
        float | None,
        typer.Option(help="How far a tuned rung's score deviates between trainings (default: the last verdict's)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """What so many items can show, and how many a gain needs: of the sealed benchmark, or of --items."""
    from nichetune.decide.outlook import GIVEN, describe_power, plan_items, state_power

    plan = plan_items(items, groups, correlation) if items is not None else _plan_project(project, run_dir, correlation)
    asked: dict[str, Any] = {"margin": margin, "alpha": alpha, "rungs": rungs, "seeds": seeds}
    asked |= {name: (value, GIVEN) for name, value in
              (("discordance", discordance), ("design_effect", design_effect), ("seed_deviation", seed_deviation))
              if value is not None}  # fmt: skip
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
