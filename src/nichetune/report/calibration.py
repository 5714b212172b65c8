"""Is a rung as sure as it is right? Its own confidence against what came of it.

Material (evaluate/<rung>/confidence.json, its figures of calibration) -> a reliability plot a rung, and two tables

    {"bins": [{"low": 0.9, "high": 1.0, "n": 41, "confidence": 0.96, "outcome": 0.9}]} -> a dot at 96%, 90%
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from nichetune.core.records import Estimate
from nichetune.decide.reasons import percent
from nichetune.report.material import Material, Rung
from nichetune.report.plots import Tick
from nichetune.report.words import NO_VALUE

TOP, BOTTOM = 10.0, 170.0  # px
_LEAST_DOT, _MOST_DOT = 3.0, 9.0  # px: a dot's area is its bin's share of the answers
_TICKS = (0.0, 0.5, 1.0)
FIGURES = {
    "ece": "ECE",
    "brier": "Brier",
    "ece_calibrated": "ECE, calibrated",
    "brier_calibrated": "Brier, calibrated",
    "reliability_calibrated": "Reliability, calibrated",
}


@dataclass(frozen=True)
class Dot:
    """One bin: x in percent of the width, y and radius in px."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Diagram:
    """One rung's bins."""

    rung: str
    n: int
    dots: list[Dot]
    marked: bool


@dataclass(frozen=True)
class BinRow:
    """One bin of one rung."""

    rung: str
    between: str
    n: int
    confidence: str
    outcome: str
    marked: bool


@dataclass(frozen=True)
class Measured:
    """A figure in decimals, with its interval."""

    value: str
    interval: str


@dataclass(frozen=True)
class TrustRow:
    """One rung's figures, in the order of the task's columns."""

    rung: str
    n: int
    cells: list[Measured]
    how: str
    marked: bool


@dataclass(frozen=True)
class TaskCalibration:
    """One task; `columns` are the figures that some rung has, `without` the rungs that tell no confidence."""

    task: str
    columns: list[str]
    diagrams: list[Diagram]
    rows: list[TrustRow]
    bins: list[BinRow]
    without: list[str]


@dataclass(frozen=True)
class Calibration:
    """All tasks, on axes of shares."""

    tasks: list[TaskCalibration]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    top: float = TOP
    bottom: float = BOTTOM


def build_calibration(run: Material) -> Calibration | None:
    """None where no rung tells its confidence: the section on risk says so."""
    tasks = [_describe(run, task) for task in run.settings.tasks]
    tasks = [task for task in tasks if task.rows]
    if not tasks:
        return None
    return Calibration(tasks, [Tick(100 * t, _share(t)) for t in _TICKS], [Tick(_height(t), _share(t)) for t in _TICKS])


def _share(value: float) -> str:
    return percent(value).replace(".0", "")


def _height(share: float) -> float:
    return round(BOTTOM - share * (BOTTOM - TOP), 2)


def _find(rung: Rung, task: str) -> dict[str, Any]:
    """What a rung's answers to a task tell; empty without a confidence."""
    found: dict[str, Any] = rung.notes.get("confidence", {}).get(task, {})
    return found if found.get("n") else {}


def _describe(run: Material, task: str) -> TaskCalibration:
    known = [(rung, found) for rung in run.rungs if (found := _find(rung, task))]
    names = {rung.name for rung, _ in known}
    figures = [name for name in FIGURES if any(rung.figure(f"{task}.{name}") for rung, _ in known)]
    answering = [r.name for r in run.rungs if task in {score.task for score in r.scores.values()}]
    return TaskCalibration(
        task=task,
        columns=[FIGURES[name] for name in figures],
        diagrams=[_draw(run, rung, found) for rung, found in known],
        rows=[_measure(run, rung, task, figures, found) for rung, found in known],
        bins=[_list_bin(run, rung, one) for rung, found in known for one in found["bins"]],
        without=[name for name in answering if name not in names],
    )


def _draw(run: Material, rung: Rung, found: dict[str, Any]) -> Diagram:
    dots = [
        Dot(
            round(100 * one["confidence"], 2),
            _height(one["outcome"]),
            round(max(_LEAST_DOT, _MOST_DOT * math.sqrt(one["n"] / found["n"])), 2),
        )
        for one in found["bins"]
    ]
    return Diagram(rung.name, int(found["n"]), dots, rung.name == run.ship)


def _list_bin(run: Material, rung: Rung, one: dict[str, Any]) -> BinRow:
    between = f"{one['low']:.0%} to {one['high']:.0%}"
    confidence, outcome = percent(one["confidence"]), percent(one["outcome"])
    return BinRow(rung.name, between, int(one["n"]), confidence, outcome, rung.name == run.ship)


def _measure(run: Material, rung: Rung, task: str, figures: list[str], found: dict[str, Any]) -> TrustRow:
    cells = [_write(rung.figure(f"{task}.{name}")) for name in figures]
    return TrustRow(rung.name, int(found["n"]), cells, _say_how(found["calibration"]), rung.name == run.ship)


def _write(figure: Estimate | None) -> Measured:
    if figure is None or figure.value is None:
        return Measured(NO_VALUE, "")
    known = figure.low is not None and figure.high is not None
    return Measured(f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}" if known else "")


def _say_how(told: dict[str, Any]) -> str:
    if told["method"] == "none":
        return f"not calibrated: {told['why']}"
    least = told.get("threshold")
    pays = "answering never pays" if least is None else f"answering pays from {least:.3g}"
    return f"Platt, on {told['n']:,} development answers; {pays}"
