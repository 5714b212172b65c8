"""`nichetune chat` and `nichetune serve`: talk to what was shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nichetune.cli.options import JsonOption, ProjectOption, RunDirOption, SetOption, open_from, show

Model = Annotated[str, typer.Option("--model", "-m", help="An alias or a version.")]


def add_commands(app: typer.Typer) -> None:
    """Adds these verbs to the command line."""
    app.command("chat")(chat)
    app.command("serve")(serve)


def chat(
    model: Model = "production",
    task: Annotated[str, typer.Option(help="The task to ask; needed with --ask if there are several.")] = "",
    ask: Annotated[str, typer.Option(help="Ask once and leave.")] = "",
    project: ProjectOption = Path(), run_dir: RunDirOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Talk to a shipped version in the terminal."""
    from nichetune.console import chat as console
    from nichetune.registry.register import open_registry

    opened = open_from(project, run_dir, None, as_json)
    info = open_registry(opened.settings, opened.run_dir, opened.folder).resolve(model)
    if ask:
        answer = console.answer_once(info, opened.settings, task, ask)
        show(answer, as_json, [answer["text"]])
        return
    console.chat(info, opened.settings, task)


def serve(
    host: Annotated[str, typer.Option(help="Address; default: serve.host.")] = "",
    port: Annotated[int, typer.Option(help="Port, 0 for any free one; default: serve.port.")] = -1,
    project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
) -> None:  # fmt: skip
    """Serve the registry's versions over HTTP with OpenAI's API."""
    from nichetune.registry.register import open_registry
    from nichetune.serve.server import run_server

    opened = open_from(project, run_dir, overrides)
    settings = opened.settings
    registry = open_registry(settings, opened.run_dir, opened.folder)
    run_server(registry, settings, host or settings.serve.host, settings.serve.port if port < 0 else port)
