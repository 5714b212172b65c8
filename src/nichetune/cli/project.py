"""`nichetune init`, `check` and `doctor`: before a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nichetune.cli.options import JsonOption, ProjectOption, SetOption, show
from nichetune.core.errors import CheckFailed, SettingsError


def add_commands(app: typer.Typer) -> None:
    """Adds these verbs to the command line."""
    app.command("init")(init)
    app.command("check")(check)
    app.command("doctor")(doctor)


def init(
    folder: Annotated[Path, typer.Argument(help="The new project's folder.")],
    template: Annotated[
        str, typer.Option(help="starter, icd10-eye-ear (the demo) or dual-licences (settings alone).")
    ] = "starter",
    as_json: JsonOption = False,
) -> None:
    """A new project that runs as it stands."""
    from nichetune.pipeline.templates import create_project

    files = create_project(folder, template)
    lines = [f"created {folder} from {template}", *(f"  {name}" for name in files),
             f"next: nichetune check --project {folder}, then nichetune run --project {folder}"]  # fmt: skip
    show({"folder": folder, "template": template, "files": files}, as_json, lines)


def check(project: ProjectOption = Path(), overrides: SetOption = None, as_json: JsonOption = False) -> None:
    """All problems of the settings and the data's files at once."""
    from nichetune.pipeline.checks import find_problems

    try:
        problems = find_problems(project, overrides)
    except SettingsError as error:
        problems = error.problems
    show({"problems": problems}, as_json, problems or ["fine: the settings can be read and every source has files"])
    if problems:
        raise typer.Exit(2)


def doctor(
    project: ProjectOption = Path(),
    base: Annotated[
        str, typer.Option(help="A base to forecast for: folder, config.json, cached Hugging Face id or known name.")
    ] = "",
    method: Annotated[str, typer.Option(help="Forecast for qlora, lora or full.")] = "",
    rank: Annotated[int, typer.Option(min=0, help="LoRA rank; 0: the settings'.")] = 0,
    length: Annotated[int, typer.Option(min=0, help="Tokens of the longest example; 0: base.max_length.")] = 0,
    batch: Annotated[int, typer.Option(min=0, help="Examples a device step; 0: the settings'.")] = 0,
    machine: Annotated[str, typer.Option(help="Only this machine: this, t4, l4, a10, a100-40, h100-80, …")] = "",
    examples: Annotated[int, typer.Option(min=1, help="Examples of an epoch.")] = 1000,
    usd_per_hour: Annotated[float | None, typer.Option(min=0, help="Price of an hour, not the known one.")] = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """What this machine can train and serve, with what is missing; with --base, --method, --rank, --length, --batch or
    --machine: the memory, time and money of that training, here and on machines to rent."""
    asked: dict[str, Any] = {"base": base, "method": method, "rank": rank}
    asked |= {"length": length, "batch": batch, "machine": machine}
    if not any(asked.values()):
        _examine(project, overrides, as_json)
        return
    from nichetune.pipeline.forecast import Question, forecast_question, show_forecasts

    job, found = forecast_question(project, overrides, Question(**asked, examples=examples, usd_per_hour=usd_per_hour))
    show([one.as_record() for one in found], as_json, show_forecasts(job, found))


def _examine(project: Path, overrides: list[str] | None, as_json: bool) -> None:
    from nichetune.pipeline.doctor import examine

    found = examine(project, overrides)
    lines = [f"{'ok ' if item.ok else 'NO '} {item.name:<22} {item.text}" for item in found]
    show([vars(item) for item in found], as_json, lines)
    if not all(item.ok for item in found):
        raise CheckFailed("something is missing: see the lines that begin with NO")
