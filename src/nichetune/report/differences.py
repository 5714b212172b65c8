"""Wins and losses side by side: sealed items on which the shipped rung and another one do not score the same.

Material -> at most 40 items against the rival of each task and 12 against every other rung, each with its masked text,
what was expected, and what both rungs wrote
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from nichetune.core.records import Example, ItemScore, Prediction
from nichetune.core.settings import PRIMARY_METRICS, TaskSettings
from nichetune.core.tasks import render_answer
from nichetune.evaluate.metrics import ALL_TASKS
from nichetune.report.material import Material, Rung
from nichetune.report.words import cut_text

SHOWN = 40  # enough to see a pattern; all of them stand in evaluate/<rung>/predictions.jsonl
SHOWN_OF_OTHERS, MOST_OF_OTHERS = 12, 120  # of one task and rung; of all together
_SUCCESS = "success"
_EMPTY = "(empty)"


class Answered(Protocol):
    """What answered the items: a rung of this run, or one side of a comparison."""

    @property
    def name(self) -> str:
        """How the page calls it."""

    @property
    def predictions(self) -> dict[str, Prediction]:
        """By item id."""

    @property
    def scores(self) -> dict[str, ItemScore]:
        """By item id."""


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

    @property
    def wrong_parts(self) -> list[str]:
        """What one of the two got wrong, by name: the filter asks for it."""
        return [part.name for part in self.parts if not (part.shipped.right and part.rival.right)]


@dataclass(frozen=True)
class TaskTally:
    """How often the shipped rung won and lost against another one in one task; `chosen` for the task's rival."""

    task: str
    rival: str
    wins: int
    losses: int
    same: int
    chosen: bool


@dataclass(frozen=True)
class Differences:
    """The tallies, and the items that are shown of them."""

    ship: str
    tallies: list[TaskTally]
    shown: list[Difference]
    total: int
    lead: str = ""
    where: str = "all stand in the run's folder"

    @property
    def tasks(self) -> list[str]:
        """Tasks with a difference."""
        return list(dict.fromkeys(tally.task for tally in self.tallies))

    @property
    def rivals(self) -> list[str]:
        """Rungs with a difference."""
        return list(dict.fromkeys(tally.rival for tally in self.tallies))

    @property
    def parts(self) -> list[str]:
        """Parts of an answer that one of two rungs got wrong."""
        return list(dict.fromkeys(part for one in self.shown for part in one.wrong_parts))


def build_differences(run: Material) -> Differences | None:
    """None where no other rung answers anything differently."""
    tallies: list[TaskTally] = []
    found: dict[bool, list[list[Difference]]] = {True: [], False: []}  # against rivals; against others, each apart
    for task in run.settings.tasks:
        items = [item for item in run.items if item.task == task]
        rival = choose_rival(run, task, items)
        for rung in sorted(run.rungs, key=lambda one: one is not rival):  # the rival first
            differing = compare_answers(run.settings.tasks[task], items, run.shipped, rung)
            if not differing:
                continue
            wins = sum(one.outcome == "win" for one in differing)
            same = len(items) - len(differing)
            tallies.append(TaskTally(task, rung.name, wins, len(differing) - wins, same, rung is rival))
            found[rung is rival].append(differing)
    shown = choose_shown([one for each in found[True] for one in each])
    shown += [one for each in found[False] for one in choose_shown(each, SHOWN_OF_OTHERS)][:MOST_OF_OTHERS]
    lead = (
        f"Sealed items on which {run.ship} and another rung do not score the same. The rival of a task is the rung "
        "that stayed open against it, else the next best one."
    )
    return Differences(run.ship, tallies, shown, sum(t.wins + t.losses for t in tallies), lead) if tallies else None


def compare_answers(
    task: TaskSettings, items: Sequence[Example], own: Answered, other: Answered, metric: str = _SUCCESS
) -> list[Difference]:
    """The items of a task on which the two do not score the same on `metric`."""
    return [_compare(task, item, own, other, gap) for item in items if (gap := _gap(item, own, other, metric))]


def choose_rival(run: Material, task: str, items: Sequence[Example]) -> Rung | None:
    """The rung that a reader would ask about: one that stayed open against the shipped one, else the next best.

    A rung that scores the same on every item (it is the shipped one on this task) has nothing to show.
    """
    differing = [rung for rung in run.rungs if any(_gap(item, run.shipped, rung) for item in items)]
    if not differing:
        return None
    open_ones = {c["b"] for c in run.verdict["comparisons"] if c["a"] == run.ship and c["decision"] == "inconclusive"}
    metric = f"{task}.{PRIMARY_METRICS[run.settings.tasks[task].kind]}"
    is_primary = run.primary.partition(".")[0] in (task, ALL_TASKS)

    def rank(rung: Rung) -> tuple[bool, float]:
        figure = rung.figure(metric)
        return is_primary and rung.name in open_ones, figure.value or 0.0 if figure else 0.0

    return max(differing, key=rank)


def _gap(item: Example, shipped: Answered, rival: Answered, metric: str = _SUCCESS) -> float:
    """How much better the shipped rung did on an item; 0 where one of them does not answer it."""
    own, other = shipped.scores.get(item.id), rival.scores.get(item.id)
    return own.scores.get(metric, 0.0) - other.scores.get(metric, 0.0) if own and other else 0.0


def choose_shown(found: Sequence[Difference], limit: int = SHOWN) -> list[Difference]:
    """Losses first up to half of the places, then wins: what went wrong must not drown in what went well."""
    losses = [one for one in found if one.outcome == "loss"]
    wins = [one for one in found if one.outcome == "win"]
    kept_losses = losses[: max(limit // 2, limit - len(wins))]
    return kept_losses + wins[: limit - len(kept_losses)]


def _compare(task: TaskSettings, item: Example, shipped: Answered, rival: Answered, gap: float) -> Difference:
    both = (shipped, rival)
    parts = _compare_fields(task, item, both) if task.kind == "form" else [_compare_answer(task, item, both)]
    outcome: Literal["win", "loss"] = "win" if gap > 0 else "loss"
    return Difference(item.id, item.task, outcome, cut_text(item.prompt), rival.name, parts)


def _compare_answer(task: TaskSettings, item: Example, rungs: tuple[Answered, Answered]) -> Part:
    said = [Said(_text(rung, item), rung.scores[item.id].scores.get("success", 0.0) >= 1) for rung in rungs]
    return Part("answer", render_answer(task, item.expected), *said)


def _compare_fields(task: TaskSettings, item: Example, rungs: tuple[Answered, Answered]) -> list[Part]:
    wanted = item.expected.fields or {}
    parts = [
        Part(name, wanted.get(name) or _EMPTY, *(_say_field(rung, item, name) for rung in rungs))
        for name in task.fields
    ]
    unread = [not rung.predictions[item.id].answer.parsed for rung in rungs if item.id in rung.predictions]
    if not any(unread):
        return parts
    return [*parts, Part("raw output", "", *(Said(_text(rung, item), True) for rung in rungs))]


def _say_field(rung: Answered, item: Example, name: str) -> Said:
    prediction = rung.predictions.get(item.id)
    right = rung.scores[item.id].scores.get(name, 0.0) >= 1
    return Said(cut_text(_field_text(prediction, name)), right)


def _field_text(prediction: Prediction | None, name: str) -> str:
    if prediction is None or not prediction.answer.parsed:
        return "(not readable)"
    written = (prediction.answer.fields or {}).get(name)
    return "(missing)" if written is None else written or _EMPTY


def _text(rung: Answered, item: Example) -> str:
    prediction = rung.predictions.get(item.id)
    return cut_text(prediction.text) if prediction and prediction.text else _EMPTY
