"""Two ready-made suites that are views of the holdout: questions with known evidence, and slices of time.

holdout items (+ tasks) -> items, or by item the slice of time that it belongs to
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nichetune.core.errors import UserError
from nichetune.core.records import Example
from nichetune.core.settings import TaskSettings

SLICES = 4  # fewer allow no slope; more would leave too few items in each


def pick_retrieval(tasks: Mapping[str, TaskSettings], holdout: Sequence[Example]) -> list[Example]:
    """The grounded questions whose evidence is known.

    Raises:
        UserError: there is none.
    """
    found = [
        item for item in holdout
        if tasks[item.task].uses_retrieval and item.expected.evidence and not item.expected.abstain
    ]  # fmt: skip
    if not found:
        raise UserError(
            "suites.retrieval: no sealed question names its evidence: map `evidence` to a column of document ids, or "
            "leave the suite out"
        )
    return found


def slice_by_time(holdout: Sequence[Example], slices: int = SLICES) -> dict[str, str]:
    """By item id its slice, "1: 2026-01-02 to 2026-02-11" for the oldest; items of one day are never parted.

    Raises:
        UserError: fewer than two days have items.
    """
    dated = sorted((item.valid_from[:10], item.id) for item in holdout if item.valid_from)
    days = sorted({day for day, _ in dated})
    if len(days) < 2:
        raise UserError(
            "suites.drift: the sealed items are of fewer than two days: map `valid_from` to a column of dates, or "
            "leave the suite out"
        )
    count = min(slices, len(days))
    held: list[list[tuple[str, str]]] = [[]]
    for n, (day, name) in enumerate(dated):
        full = n >= len(dated) * len(held) / count
        if full and len(held) < count and held[-1] and held[-1][-1][0] != day:
            held.append([])
        held[-1].append((day, name))
    return {name: f"{n}: {own[0][0]} to {own[-1][0]}" for n, own in enumerate(held, start=1) for _, name in own}
