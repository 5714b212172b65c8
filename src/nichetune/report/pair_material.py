"""Two sides of a comparison with all that a page can tell of them: scores by item, and where they are runs the items.

Reads two files of scores, or two runs (their `evaluate/<rung>/` and `benchmark/items.jsonl`) -> `Compared`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nichetune.core.files import hash_file, read_records
from nichetune.core.records import Example, ItemScore, Prediction
from nichetune.core.settings import TaskSettings
from nichetune.decide.asked import find_sealed
from nichetune.decide.compare import choose_metric, find_rung, read_scores
from nichetune.decide.evaluated import Evaluated, read_evaluated
from nichetune.evaluate.intervals import Floats

_SCORES, _PREDICTIONS = "scores.jsonl", "predictions.jsonl"


@dataclass(frozen=True)
class Side:
    """One of the two, named A or B.

    Attributes:
        file: what was read, as it was named; its last part stands on the page.
        digest: SHA-256 of the scores' file.
        evaluated: the rung behind it; None for a file of scores.
        predictions: by item id; empty where none were kept.
    """

    name: str
    file: Path
    digest: str
    column: dict[str, float]
    groups: dict[str, str]
    evaluated: Evaluated | None = None
    predictions: dict[str, Prediction] = field(default_factory=dict)

    @property
    def scores(self) -> dict[str, ItemScore]:
        """Every metric by item id; empty for a file of scores."""
        return self.evaluated.scores if self.evaluated else {}

    @property
    def tasks(self) -> dict[str, TaskSettings]:
        """Tasks that it was evaluated on."""
        return self.evaluated.candidate.tasks if self.evaluated else {}

    @property
    def label(self) -> str:
        """Letter and rung, or letter and file: `B, qlora`."""
        return f"{self.name}, {self.evaluated.rung if self.evaluated else self.file.name}"


@dataclass(frozen=True)
class Compared:
    """Both sides, item by item.

    Attributes:
        metric: `task.metric`; empty for files of scores.
        result: what `compare_scores` found.
        alpha: 1 - the level of its interval.
        ids: of the items, in order; `old` and `new` are A's and B's scores of them, [items].
        groups: of the items; an item without one is its own.
        items: the sealed items by id, where a run holds them.
    """

    a: Side
    b: Side
    metric: str
    result: dict[str, Any]
    alpha: float
    ids: list[str]
    groups: list[str]
    old: Floats
    new: Floats
    items: dict[str, Example]


def read_compared(a: Path, b: Path, result: dict[str, Any], metric: str = "", alpha: float = 0.05) -> Compared:
    """Reads what `compare_scores(a, b, …)` has compared, and found to be whole.

    Raises:
        UserError: as `compare_scores`.
    """
    metric = choose_metric(a, b, metric)
    first, second = _read_side("A", a, metric), _read_side("B", b, metric)
    ids = sorted(first.column)
    groups = [first.groups.get(one) or second.groups.get(one) or f"(item {one})" for one in ids]
    old, new = (np.asarray([side.column[one] for one in ids], dtype=np.float64) for side in (first, second))
    items = _read_items(a) or _read_items(b)
    return Compared(first, second, metric, result, alpha, ids, groups, old, new, items)


def _read_side(name: str, path: Path, metric: str) -> Side:
    read = read_scores(path, metric)
    if not path.is_dir():
        return Side(name, path, hash_file(path), read.scores, read.groups)
    folder = find_rung(path)
    kept = folder / _PREDICTIONS
    predictions = {p.item: p for p in read_records(kept, Prediction)} if kept.is_file() else {}
    digest = hash_file(folder / _SCORES)
    return Side(name, path, digest, read.scores, read.groups, read_evaluated(folder), predictions)


def _read_items(path: Path) -> dict[str, Example]:
    """The sealed items of a run, or of the run in which a rung's folder lies."""
    file = find_sealed(path)
    return {item.id: item for item in read_records(file, Example)} if file else {}
