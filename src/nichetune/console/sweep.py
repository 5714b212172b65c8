"""A sweep on a terminal: every trial, what matters, and the flags that train with the best values.

trial  train.learning_rate  train.rank  loss                      ended
    3  0.000812             16          0.4120 (0.361 to 0.463)   finished   <- best
"""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from nichetune.console.tables import open_console
from nichetune.sweep.result import Result, say_figure


def print_sweep(result: Result) -> None:
    """Prints the trials and what follows from them."""
    console = open_console()
    console.print(_tabulate(result))
    for sentence in result.sentences:
        console.print(Text(f"· {sentence}"))
    if result.importance:
        shares = ", ".join(f"{key} {share:.0%}" for key, share in result.importance.items())
        console.print(Text(f"· What the trials' differences hang on: {shares}."))
    print(f"train with it: {result.command}")


def _tabulate(result: Result) -> Table:
    table = Table("trial", box=box.SIMPLE_HEAD)
    for key in result.best.values:
        table.add_column(key, justify="right")
    table.add_column(result.objective, justify="right", no_wrap=True)
    table.add_column("ended")
    table.add_column("")
    for row in result.trials:
        best = row.number == result.best.number
        values = [_write(row.values.get(key)) for key in result.best.values]
        ended = row.state + (f": {row.note}" if row.note else "")
        style = "bold green" if best else ""
        table.add_row(str(row.number), *values, say_figure(row), Text(ended), "<- best" if best else "", style=style)
    return table


def _write(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
