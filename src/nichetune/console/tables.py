"""Tables for a terminal: a verdict, the seconds of a run's stages, an answered form.

Reads verdict.json -> rungs from the cheapest to the dearest, in percent, with 95% intervals:

    rung        triage.exact_form       usd per 1,000
                n = 210
    classical    0.0 (0.0-1.8)          $0.000021
    qlora       65.2 (58.1-71.4)        $0.039          <- ship
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nichetune.core.settings import PRIMARY_METRICS
from nichetune.decide.reasons import points, usd

Verdict = Mapping[str, Any]


_PIPE_COLUMNS = 120  # a log has no width of its own, and 80 would cut the rungs' names


def open_console() -> Console:
    """A console as wide as the terminal, or as a log."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_COLUMNS)


def print_verdict(verdict: Verdict, console: Console | None = None) -> None:
    """Prints the rungs, what is shipped, and why."""
    console = console or open_console()
    console.print(verdict_table(verdict))
    for reason in verdict["reasons"]:
        console.print(Text(f"· {reason}"))  # as text: a metric in [brackets] is not rich's markup
    if not verdict["conclusive"]:
        console.print(Text("Not conclusive.", style="bold yellow"))
    if fallen := verdict.get("regressions"):
        console.print(Text(f"Fell against production: {', '.join(map(_name_fallen, fallen))}.", style="bold red"))


def print_stages(stages: Iterable[tuple[str, float, bool]], console: Console | None = None) -> None:
    """Prints each stage's seconds, and which were reused.

    Args:
        stages: name, seconds, reused.
    """
    stages = list(stages)
    table = Table("stage", box=box.SIMPLE_HEAD)
    table.add_column("seconds", justify="right")
    for name, seconds, reused in stages:
        table.add_row(name, "reused" if reused else f"{seconds:.1f}", style="dim" if reused else "")
    # A reused stage's seconds are those of the run that made it: they are not part of this one.
    table.add_section()
    table.add_row("total", f"{sum(seconds for _, seconds, reused in stages if not reused):.1f}")
    (console or open_console()).print(table)


def verdict_table(verdict: Verdict) -> Table:
    """The rungs by cost, the primary metric first, then each other task's main one."""
    rungs: Mapping[str, Any] = verdict["rungs"]
    metrics = choose_metrics(verdict)
    table = Table("rung", box=box.SIMPLE_HEAD, caption=_caption(verdict), caption_justify="left")
    for metric in metrics:
        table.add_column(f"{metric}\n{_say_n(rungs, metric)}", justify="right", no_wrap=True)
    table.add_column("usd per 1,000", justify="right", no_wrap=True)
    table.add_column("")
    for rung in sorted(rungs, key=lambda name: _cost_order(verdict, name)):
        shipped = rung == verdict["ship"]
        figures = [_figure(rungs[rung]["metrics"].get(metric)) for metric in metrics]
        cost = usd(rungs[rung]["cost"]["usd_per_1000"])
        table.add_row(rung, *figures, cost, "<- ship" if shipped else "", style="bold green" if shipped else "")
    return table


def choose_metrics(verdict: Verdict) -> list[str]:
    """`task.metric` for the columns: what decides, and of every other task the metric that would."""
    primary = str(verdict["primary"])
    known = {metric for rung in verdict["rungs"].values() for metric in rung["metrics"]}
    tasks = sorted({metric.partition(".")[0] for metric in known} - {primary.partition(".")[0]})
    names = dict.fromkeys(PRIMARY_METRICS.values())
    mains = (next((f"{task}.{name}" for name in names if f"{task}.{name}" in known), None) for task in tasks)
    return [primary, *(metric for metric in mains if metric)]


def form_table(fields: Mapping[str, str]) -> Table:
    """A form as it would be filled in; an empty field stays visible."""
    table = Table(box=box.SIMPLE, show_header=False)
    for name, value in fields.items():
        table.add_row(name, Text(value or "(empty)", style="" if value else "dim"))
    return table


def render(table: Table) -> str:
    """A table as text, in colour where standard output is a terminal."""
    out = io.StringIO()
    width = None if sys.stdout.isatty() else 100
    Console(file=out, force_terminal=sys.stdout.isatty(), width=width, highlight=False).print(table)
    return out.getvalue().strip("\n")


def _caption(verdict: Verdict) -> str:
    gain = verdict.get("smallest_detectable_gain")
    told = f"; smallest gain that it can tell: {points(gain)} points" if gain is not None else ""
    return f"Percent, with 95% intervals; margin {points(verdict['margin'])} points{told}."


def _cost_order(verdict: Verdict, rung: str) -> tuple[float, int]:
    """By cost, and equal ones as the ladder took them; `order` lacks the rungs that stood aside."""
    order = list(verdict["order"])
    place = order.index(rung) if rung in order else len(order)
    return verdict["rungs"][rung]["cost"]["total_usd"], place


def _figure(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None or estimate["value"] is None:
        return "-"
    value = points(estimate["value"])
    if estimate["low"] is None or estimate["high"] is None:
        return value
    return f"{value} ({points(estimate['low'])}-{points(estimate['high'])})"


def _say_n(rungs: Mapping[str, Any], metric: str) -> str:
    figures = [rung["metrics"][metric] for rung in rungs.values() if metric in rung["metrics"]]
    counts = sorted({figure["n"] for figure in figures if figure["value"] is not None})
    return f"n = {'-'.join(map(str, dict.fromkeys([counts[0], counts[-1]])))}" if counts else ""


def _name_fallen(one: Any) -> str:
    return str(one["metric"]) if isinstance(one, Mapping) else str(one)
