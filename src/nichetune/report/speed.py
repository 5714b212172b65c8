"""The page of clocks: what each rung's replies and trainings took in seconds, memory and energy on this machine.

Reads timing.json of evaluate/<rung> and train/<method> -> derived/speed.html beside the report

It stands in `derived/`, outside every digest: the same content takes another time each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.core.files import read_json
from nichetune.core.stages import TIMING
from nichetune.report.material import EVALUATE, TRAIN, Material
from nichetune.report.page import render_template
from nichetune.report.words import NO_VALUE

SPEED = "speed.html"


@dataclass(frozen=True)
class ReplyRow:
    """One rung's replies: alone in seconds, then tokens a second alone and all at once, and joules of 1,000."""

    name: str
    p50: str
    p95: str
    p99: str
    timed: str
    alone: str
    batched: str
    joules: str
    marked: bool


@dataclass(frozen=True)
class TrainingRow:
    """One training: wall seconds, the process's highest memory, and joules."""

    name: str
    seconds: str
    memory: str
    joules: str


@dataclass(frozen=True)
class SpeedPage:
    """Both tables, the machines they were measured on, and how many items make one batch."""

    machines: list[str]
    batch_size: int
    replies: list[ReplyRow]
    trainings: list[TrainingRow]


def render_speed(run: Material, inputs: dict[str, Path]) -> str:
    """The whole page.

    Args:
        inputs: stage folders by name, as the report has them.
    """
    return render_template("speed.html.j2", project=run.settings.project, speed=build_speed(run, inputs))


def build_speed(run: Material, inputs: dict[str, Path]) -> SpeedPage:
    """Reads the clocks of rungs and trainings; those of which none are left are not named."""
    clocks = {name: read_json(path / TIMING) for name, path in inputs.items() if (path / TIMING).is_file()}
    told = {name: clock for name, clock in clocks.items() if name.startswith((EVALUATE, TRAIN))}
    return SpeedPage(
        machines=sorted({clock["machine"] for clock in told.values() if clock.get("machine")}),
        batch_size=run.settings.generate.batch_size,
        replies=[
            _describe_replies(rung.name, clock, len(rung.predictions), rung.name == run.ship)
            for rung in run.rungs
            if "speed" in (clock := clocks.get(EVALUATE + rung.name, {}))
        ],
        trainings=[_describe_training(n.removeprefix(TRAIN), c) for n, c in told.items() if n.startswith(TRAIN)],
    )


def _describe_replies(name: str, clock: dict[str, Any], items: int, marked: bool) -> ReplyRow:
    batched, alone = clock["speed"]["batched"], clock["speed"]["alone"] or {}
    fresh = bool(batched["new_tokens"])  # else nothing was generated here, and its energy was spent elsewhere
    return ReplyRow(
        name=name,
        **{key: write_measure(alone.get(f"{key}_s"), 2) for key in ("p50", "p95", "p99")},
        timed=str(alone.get("n", 0)),
        alone=write_measure(alone.get("tokens_per_s"), 1),
        batched=write_measure(batched["tokens_per_s"], 1),
        joules=write_measure(per_thousand(batched["joules"], items if fresh else 0), 0),
        marked=marked,
    )


def _describe_training(name: str, clock: dict[str, Any]) -> TrainingRow:
    return TrainingRow(
        name=name,
        seconds=write_measure(clock["seconds"], 1),
        memory=write_measure(clock["peak_memory_bytes"] / 2**20, 0),
        joules=write_measure(clock.get("joules"), 0),
    )


def per_thousand(amount: float | None, items: int) -> float | None:
    """An amount for 1,000 items; None where it was not measured."""
    return None if amount is None or not items else 1000 * amount / items


def write_measure(value: float | None, digits: int) -> str:
    """A measured figure, or a dash; what is small keeps two digits that say something."""
    if value is None:
        return NO_VALUE
    return f"{value:.2g}" if 0 < value < 10**-digits else f"{value:,.{digits}f}"
