"""Were two runs asked the same? An item may keep its id and get another question, or another right answer.

Reads the sealed items of both runs (benchmark/items.jsonl, of a suite benchmark/suites/<suite>.jsonl) -> nothing, or an
error that names the first item that is not the same in both
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nichetune.benchmark.seal import ITEMS, SUITES
from nichetune.core.errors import UserError
from nichetune.core.files import iter_jsonl

_ASKED = ("task", "messages", "expected")  # where an item came from may differ


def check_same_items(a: Path, b: Path, items: Sequence[str], suite: str = "") -> None:
    """Compares what was asked under these ids, as far as both runs hold their sealed items.

    Args:
        a: a run's folder, or an evaluated rung's within one; so is `b`.

    Raises:
        UserError: an item's task, question or expected answer differs.
    """
    first, second = (_read_asked(one, suite) for one in (a, b))
    both = [item for item in items if item in first and item in second]
    other = [item for item in both if first[item] != second[item]]
    if other:
        raise UserError(
            f"{len(other)} of {len(items)} items do not ask the same, or have another right answer, in {b} than in "
            f"{a}; the first is {other[0]}: evaluate both on one benchmark"
        )


def find_sealed(path: Path, suite: str = "") -> Path | None:
    """The sealed items of a run, or of the run in which a rung's folder lies; None where there are none."""
    if not path.is_dir():
        return None
    name = Path(SUITES) / f"{suite}.jsonl" if suite else Path(ITEMS)
    files = (root / "benchmark" / name for root in (path, *path.resolve().parents[:2]))
    return next((file for file in files if file.is_file()), None)


def _read_asked(path: Path, suite: str) -> dict[str, dict[str, Any]]:
    file = find_sealed(path, suite)
    records = iter_jsonl(file) if file else ()
    return {str(one["id"]): {name: one.get(name) for name in _ASKED} for one in records}
