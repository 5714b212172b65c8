"""`nichetune export`: leave with what you made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nichetune.cli.options import JsonOption, ProjectOption, RunDirOption, SetOption, open_from, show


def add_commands(app: typer.Typer) -> None:
    """Adds this verb to the command line."""
    app.command("export")(export)


def export(
    to: Annotated[str, typer.Option(help="merged, gguf, vllm or ollama; or the benchmark, for inspect or lm-eval.")],
    out: Annotated[Path, typer.Option(help="The new folder.")],
    version: Annotated[str, typer.Option(help="An alias or a digest of the registry; default: production.")] = "",
    rung: Annotated[str, typer.Option(help="A rung of the run instead.")] = "",
    quantise: Annotated[str, typer.Option(help="Number format. merged: f16 (default), bf16, f32; gguf and ollama: also "
                                          "q8_0 (default), q5_1, q5_0, q4_1, q4_0.")] = "",
    items: Annotated[int | None, typer.Option(min=0, help="Benchmark items to replay: 100 by default, 0 for none; a "
                                              "harness gets all of them.")] = None,
    force: Annotated[bool, typer.Option(help="Replace an earlier export.")] = False,
    project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Write a version for others to serve, and say how alike it answers; or its benchmark for another harness."""
    from nichetune.pipeline.export import Wanted, find_source
    from nichetune.pipeline.export import export as write_export

    opened = open_from(project, run_dir, overrides, as_json)
    record = write_export(opened, find_source(opened, version, rung), Wanted(to, quantise, items, force), out)
    show(record, as_json, _describe(record, out))


def _describe(record: dict[str, Any], out: Path) -> list[str]:
    from nichetune.pipeline.export_harness import HARNESSES

    size = sum(file["bytes"] for file in record["files"].values()) / 1e6
    kind = f", {record['quantise']}" if record["quantise"] else ""
    lines = [f"{out}: {record['origin']['rung']} as {record['to']}{kind}, {len(record['files'])} files, {size:.0f} MB"]
    replay = record["replay"]
    if replay:
        lines.append(f"replayed on {replay['items']} benchmark items by {replay['engine']}, against the original:")
        lines += [f"  {label:<12} {_figure(replay[key])}" for label, key in _SHARES]
        lines += [f"  {name}: {_figure(m['before'])} -> {_figure(m['after'])}" for name, m in replay["metrics"].items()]
    elif record["to"] not in HARNESSES:
        lines.append("not replayed: nothing says yet that it answers as the original does")
    return lines + [f"note: {note}" for note in record["notes"]]


_SHARES = (("same text", "same_text"), ("same answer", "same_answer"))


def _figure(estimate: dict[str, Any]) -> str:
    if estimate["value"] is None:
        return f"none (n {estimate['n']})"
    if estimate["low"] is None:
        return f"{estimate['value']:.3f} (n {estimate['n']})"
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f}, n {estimate['n']})"
