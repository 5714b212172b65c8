"""Which value is taken for which: expected and written values of each field, counted over the wrong ones.

Material -> `Confusion("triage", "side", [Pair("right", "left", [0, 2, 5])], ...)`, the shipped rung's first
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from nichetune.core.records import Example, Prediction
from nichetune.core.settings import TaskSettings
from nichetune.core.tasks import normalise
from nichetune.report.material import Material, Rung
from nichetune.report.words import cut_text

MOST_PAIRS = 15  # of one field; the rest is counted
EMPTY, MISSING, UNREADABLE = "(empty)", "(missing)", "(not readable)"
_ANSWER = "answer"
_SHORT = 120  # characters of a value: more would crowd out the counts


@dataclass(frozen=True)
class Pair:
    """How often each rung wrote one value where another was due; in the order of `Confusion.rungs`."""

    expected: str
    written: str
    counts: list[int]


@dataclass(frozen=True)
class Confusion:
    """One field of one task; `hidden` pairs are not shown."""

    task: str
    field: str
    rungs: list[str]
    pairs: list[Pair]
    hidden: int


@dataclass(frozen=True)
class Confusions:
    """All fields, and which rung's column is marked."""

    ship: str
    fields: list[Confusion]


def build_confusions(run: Material) -> Confusions | None:
    """None where no task has values that could be taken for one another, or nothing was wrong."""
    found = [
        one
        for name, task in run.settings.tasks.items()
        for field in _list_fields(task)
        if (one := _confuse(run, name, field))
    ]
    return Confusions(run.ship, found) if found else None


def _list_fields(task: TaskSettings) -> list[str]:
    if task.kind == "form":
        return list(task.fields)
    return [_ANSWER] if task.kind in ("exact", "choice") else []


def _confuse(run: Material, task: str, field: str) -> Confusion | None:
    items = [item for item in run.items if item.task == task]
    answering = [rung for rung in run.rungs if any(item.id in rung.scores for item in items)]
    spelt = {normalise(value): value for item in items if (value := _expected(item, field))}
    counted = {rung.name: count_pairs(rung, items, field, spelt) for rung in answering}
    ship = counted.get(run.ship, Counter())
    every = set().union(*counted.values())
    ordered = sorted(every, key=lambda p: (-ship[p], -sum(c[p] for c in counted.values()), p))
    if not ordered:
        return None
    shown = [
        Pair(cut_text(due, _SHORT), cut_text(written, _SHORT), [counted[rung][due, written] for rung in counted])
        for due, written in ordered[:MOST_PAIRS]
    ]
    return Confusion(task, field, list(counted), shown, len(ordered) - len(shown))


def count_pairs(
    rung: Rung, items: Sequence[Example], field: str, spelt: dict[str, str] | None = None
) -> Counter[tuple[str, str]]:
    """(expected, written) of the items on which this field is wrong.

    Args:
        spelt: how a text is shown, by its folded form: texts that compare as equal count together. Grows.
    """
    found: Counter[tuple[str, str]] = Counter()
    spelt = {} if spelt is None else spelt
    for item in items:
        scores = rung.scores.get(item.id)
        name = "success" if field == _ANSWER else field
        if scores is None or scores.scores.get(name, 1.0) >= 1:
            continue
        wanted = _expected(item, field)
        written = _written(rung.predictions.get(item.id), field)
        found[wanted, spelt.setdefault(normalise(written), written)] += 1
    return found


def _expected(item: Example, field: str) -> str:
    if field == _ANSWER:
        return item.expected.answer or EMPTY
    return (item.expected.fields or {}).get(field) or EMPTY


def _written(prediction: Prediction | None, field: str) -> str:
    if prediction is None or not prediction.answer.parsed:
        return UNREADABLE
    if field == _ANSWER:
        return prediction.answer.answer or EMPTY
    value = (prediction.answer.fields or {}).get(field)
    return MISSING if value is None else value or EMPTY
