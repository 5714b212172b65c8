"""Checks that every sealed item can be answered as its task asks: a typo in a label would count every rung as wrong.

items + tasks -> nothing, or a UserError that names the item, its place and the nearest allowed value
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from nichetune.core.errors import UserError
from nichetune.core.records import Example
from nichetune.core.settings import TaskSettings
from nichetune.core.tasks import normalise


def check_items(items: Iterable[Example], tasks: Mapping[str, TaskSettings], where: str) -> None:
    """Refuses the first item that no answer could be right for.

    Args:
        where: the file or benchmark that holds them, for the message.

    Raises:
        UserError: an id stands twice, a task is unknown, or an expected value is not among the task's values.
    """
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise UserError(f"{where}: item {item.id} stands twice: give each item an id of its own")
        seen.add(item.id)
        if fault := find_fault(item, tasks):
            raise UserError(f"{where}: item {item.id} ({item.source.place}): {fault}: correct the item or the task")


def find_fault(item: Example, tasks: Mapping[str, TaskSettings]) -> str:
    """What is wrong with an item's expected answer; empty if nothing is."""
    task = tasks.get(item.task)
    if task is None:
        return f"{item.task!r} is no task; tasks are: {', '.join(tasks)}"
    expected = item.expected
    if expected.abstain:
        return ""
    if task.kind == "choice":
        return _find_wrong_value("answer", expected.answer or "", task.values or [])
    for name, field in task.fields.items():
        value = (expected.fields or {}).get(name, "")
        if field.values is None or (not value and field.may_be_empty):
            continue
        if fault := _find_wrong_value(f"field {name}", value, field.values):
            return fault
    return ""


def _find_wrong_value(name: str, value: str, allowed: Sequence[str]) -> str:
    if normalise(value) in map(normalise, allowed):  # as it will be scored
        return ""
    near = difflib.get_close_matches(value, allowed, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"allowed are {', '.join(allowed)}"
    return f"{name} is {value!r}, which is none of the task's values, {hint}"
