"""Wins and losses side by side: sealed items on which the shipped rung and its rival do not score the same.

Material -> at most 40 items, each with its masked text, what was expected, and what both rungs wrote
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nichetune.core.records import Example, Prediction
from nichetune.core.settings import PRIMARY_METRICS, TaskSettings
from nichetune.core.tasks import render_answer
from nichetune.report.material import Material, Rung

SHOWN = 40  # enough to see a pattern; all of them stand in evaluate/<rung>/predictions.jsonl
_EMPTY = "(empty)"


@dataclass(frozen=True)
class Said:
    """What a rung wrote for one part of an answer."""

    text: str
    right: bool


@dataclass(frozen=True)
class Part:
    """One line of the comparison: a form's field, or the whole answer."""

    name: str
    expected: str
    shipped: Said
    rival: Said


@dataclass(frozen=True)
class Difference:
    """One item on which the two rungs differ; `win` where the shipped one scores higher."""

    item: str
    task: str
    outcome: Literal["win", "loss"]
    text: str
    rival: str
    parts: list[Part]


@dataclass(frozen=True)
class TaskTally:
    """How often the shipped rung won and lost against its rival in one task."""

    task: str
    rival: str
    wins: int
    losses: int
    same: int


@dataclass(frozen=True)
class Differences:
    """The tallies, and the items that are shown of them."""

    ship: str
    tallies: list[TaskTally]
    shown: list[Difference]
    total: int


def build_differences(run: Material) -> Differences | None:
    """None where no other rung answers anything differently."""
    tallies: list[TaskTally] = []
    found: list[Difference] = []
    for task, settings in run.settings.tasks.items():
        items = [item for item in run.items if item.task == task]
        rival = choose_rival(run, task, items)
        if rival is None:
            continue
        differing = [_compare(settings, item, run.shipped, rival) for item in items if _gap(item, run.shipped, rival)]
        wins = sum(one.outcome == "win" for one in differing)
        tallies.append(TaskTally(task, rival.name, wins, len(differing) - wins, len(items) - len(differing)))
        found += differing
    return Differences(run.ship, tallies, choose_shown(found), len(found)) if found else None


def choose_rival(run: Material, task: str, items: Sequence[Example]) -> Rung | None:
    """The rung that a reader would ask about: one that stayed open against the shipped one, else the next best.

    A rung that scores the same on every item (it is the shipped one on this task) has nothing to show.
    """
    differing = [rung for rung in run.rungs if any(_gap(item, run.shipped, rung) for item in items)]
    if not differing:
        return None
    open_ones = {c["b"] for c in run.verdict["comparisons"] if c["a"] == run.ship and c["decision"] == "inconclusive"}
    metric = f"{task}.{PRIMARY_METRICS[run.settings.tasks[task].kind]}"
    is_primary = run.primary.partition(".")[0] == task

    def rank(rung: Rung) -> tuple[bool, float]:
        figure = rung.figure(metric)
        return is_primary and rung.name in open_ones, figure.value or 0.0 if figure else 0.0

    return max(differing, key=rank)


def _gap(item: Example, shipped: Rung, rival: Rung) -> float:
    """How much better the shipped rung did on an item; 0 where one of them does not answer it."""
    own, other = shipped.scores.get(item.id), rival.scores.get(item.id)
    return own.scores.get("success", 0.0) - other.scores.get("success", 0.0) if own and other else 0.0


def choose_shown(found: Sequence[Difference], limit: int = SHOWN) -> list[Difference]:
    """Losses first up to half of the places, then wins: what went wrong must not drown in what went well."""
    losses = [one for one in found if one.outcome == "loss"]
    wins = [one for one in found if one.outcome == "win"]
    kept_losses = losses[: max(limit // 2, limit - len(wins))]
    return kept_losses + wins[: limit - len(kept_losses)]


def _compare(task: TaskSettings, item: Example, shipped: Rung, rival: Rung) -> Difference:
    both = (shipped, rival)
    parts = _compare_fields(task, item, both) if task.kind == "form" else [_compare_answer(task, item, both)]
    outcome: Literal["win", "loss"] = "win" if _gap(item, shipped, rival) > 0 else "loss"
    return Difference(item.id, item.task, outcome, item.prompt, rival.name, parts)


def _compare_answer(task: TaskSettings, item: Example, rungs: tuple[Rung, Rung]) -> Part:
    said = [Said(_text(rung, item), rung.scores[item.id].scores.get("success", 0.0) >= 1) for rung in rungs]
    return Part("answer", render_answer(task, item.expected), *said)


def _compare_fields(task: TaskSettings, item: Example, rungs: tuple[Rung, Rung]) -> list[Part]:
    wanted = item.expected.fields or {}
    parts = [
        Part(name, wanted.get(name) or _EMPTY, *(_say_field(rung, item, name) for rung in rungs))
        for name in task.fields
    ]
    unread = [not rung.predictions[item.id].answer.parsed for rung in rungs if item.id in rung.predictions]
    if not any(unread):
        return parts
    return [*parts, Part("raw output", "", *(Said(_text(rung, item), True) for rung in rungs))]


def _say_field(rung: Rung, item: Example, name: str) -> Said:
    prediction = rung.predictions.get(item.id)
    right = rung.scores[item.id].scores.get(name, 0.0) >= 1
    return Said(_field_text(prediction, name), right)


def _field_text(prediction: Prediction | None, name: str) -> str:
    if prediction is None or not prediction.answer.parsed:
        return "(not readable)"
    written = (prediction.answer.fields or {}).get(name)
    return "(missing)" if written is None else written or _EMPTY


def _text(rung: Rung, item: Example) -> str:
    prediction = rung.predictions.get(item.id)
    return prediction.text if prediction and prediction.text else _EMPTY
