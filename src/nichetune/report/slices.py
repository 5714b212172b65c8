"""Each rung by slices of the sealed items: classes of documents, tenants, time, length, what is due.

Material -> one table a task, every figure with n and an interval clustered by group

Slices are looked at after the fact and many at a time: they show where to look, and decide nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nichetune.core.records import Example
from nichetune.core.settings import TaskSettings
from nichetune.core.tasks import is_abstention
from nichetune.evaluate.intervals import estimate_mean
from nichetune.evaluate.metrics import SUCCESS
from nichetune.report.material import Material, Rung
from nichetune.report.quality import Cell
from nichetune.report.words import write_interval, write_value

MOST_VALUES = 12  # of one dimension: a page is read, and the rest stands together in one row


@dataclass(frozen=True)
class SliceRow:
    """The items of one slice, and what each rung made of them."""

    dimension: str
    value: str
    n: int
    cells: list[Cell]


@dataclass(frozen=True)
class TaskSlices:
    """One task's slices."""

    task: str
    rungs: list[str]
    rows: list[SliceRow]


def build_slices(run: Material) -> list[TaskSlices] | None:
    """None where no task's items differ in anything but their text."""
    tasks = [_slice_task(run, name, task) for name, task in run.settings.tasks.items()]
    return [task for task in tasks if task.rows] or None


def _slice_task(run: Material, name: str, task: TaskSettings) -> TaskSlices:
    items = [item for item in run.items if item.task == name]
    answering = [rung for rung in run.rungs if any(item.id in rung.scores for item in items)]
    rows = [
        SliceRow(dimension, value, len(own), [_judge(rung, own, run.ship) for rung in answering])
        for dimension, values in slice_items(items, task).items()
        for value, own in values.items()
    ]
    return TaskSlices(name, [rung.name for rung in answering], rows if answering else [])


def _judge(rung: Rung, items: Sequence[Example], ship: str) -> Cell:
    scores = [rung.scores[item.id] for item in items if item.id in rung.scores]
    figure = estimate_mean([s.scores.get(SUCCESS, 0.0) for s in scores], [s.group for s in scores])
    return Cell(write_value(figure), write_interval(figure), figure.n, rung.name == ship)


def slice_items(items: Sequence[Example], task: TaskSettings) -> dict[str, dict[str, list[Example]]]:
    """Items by dimension and value; a dimension in which all are alike is left out."""
    found = {one.name: _gather(items, one) for one in _list_dimensions(items, task)}
    return {name: values for name, values in found.items() if len(values) > 1}


@dataclass(frozen=True)
class _Dimension:
    """What items are sliced by; `order` where its values have one of their own, else the largest slice comes first."""

    name: str
    read: Callable[[Example], str]
    order: list[str] | None = None


def _list_dimensions(items: Sequence[Example], task: TaskSettings) -> list[_Dimension]:
    years = sorted({_read_year(item) for item in items})
    bounds, read_length = _cut_lengths(items)
    return [
        _Dimension("document class", lambda item: item.document_class or "(none)"),
        _Dimension("tenant", lambda item: item.tenant),
        _Dimension("valid from", _read_year, years),
        _Dimension("what is due", lambda item: "to abstain" if asks_to_abstain(item, task) else "an answer"),
        _Dimension("length of the text", read_length, bounds),
    ]


def asks_to_abstain(item: Example, task: TaskSettings) -> bool:
    """Whether abstaining is the right answer."""
    return item.expected.abstain or is_abstention(task, item.expected.fields or {})


def _read_year(item: Example) -> str:
    return item.valid_from[:4] if item.valid_from else "(unknown)"


def _cut_lengths(items: Sequence[Example]) -> tuple[list[str], Callable[[Example], str]]:
    """Thirds by number of words: their names, and the one of an item."""
    lengths = sorted(len(item.prompt.split()) for item in items)
    ends = sorted({lengths[len(lengths) * n // 3] for n in (1, 2)} - {lengths[0]}) if lengths else []
    names = [f"below {ends[0]} words"] if ends else [""]
    names += [f"{low} to {high - 1} words" for low, high in itertools.pairwise(ends)]
    names += [f"{ends[-1]} words or more"] if ends else []
    return names, lambda item: names[sum(len(item.prompt.split()) >= end for end in ends)]


def _gather(items: Sequence[Example], by: _Dimension) -> dict[str, list[Example]]:
    """Beyond `MOST_VALUES` the smallest slices stand together."""
    values: dict[str, list[Example]] = {}
    for item in items:
        values.setdefault(by.read(item), []).append(item)
    ordered = sorted(values.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    kept, rest = ordered[:MOST_VALUES], ordered[MOST_VALUES:]
    if by.order is not None:
        kept.sort(key=lambda pair: by.order.index(pair[0]) if by.order else 0)
    others = [item for _, own in rest for item in own]
    return dict(kept) | ({f"({len(rest)} others)": others} if others else {})
