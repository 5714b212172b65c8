"""`nichetune sweep`: training settings searched for on the development set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nichetune.cli.options import JsonOption, ProjectOption, RunDirOption, SetOption, open_from, show
from nichetune.core.errors import UserError


def sweep(
    method: Annotated[str, typer.Argument(help="qlora, lora or full; default: train.method.")] = "",
    trials: Annotated[int | None, typer.Option(min=1, help="Trials in all (default: sweep.trials).")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Begin no trial later than that.")] = None,
    parallel: Annotated[int | None, typer.Option(min=1, help="Trials at once, over Ray (default: one).")] = None,
    project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Search for training settings on the development set, never on the sealed benchmark."""
    opened = open_from(project, run_dir, overrides, as_json)
    try:
        import optuna  # noqa: F401 - said before the stages run that have to stand before a sweep
    except ImportError:
        raise UserError("nichetune sweep needs Optuna: pip install nichetune[sweep]") from None
    from nichetune.pipeline.sweep import sweep_project

    result = sweep_project(opened, method, minutes, trials=trials, parallel=parallel)
    if as_json:
        show(result.as_dict() | {"folder": opened.path("sweep")}, True, [])
        return
    from nichetune.console.sweep import print_sweep

    print_sweep(result)
    print(f"settings: {opened.path('sweep') / 'best.yaml'}")
    print(f"page:     {opened.path('sweep') / 'sweep.html'}")
