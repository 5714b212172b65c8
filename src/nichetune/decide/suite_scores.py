"""One rung's scores on a sealed suite, all of it or a part: a slice of time, what changed, what stayed.

evaluate/<rung>/suites/<suite>/{scores.jsonl, members.json} -> scores by item id
"""

from __future__ import annotations

from pathlib import Path

from nichetune.benchmark.seal import SUITES
from nichetune.core.errors import UserError
from nichetune.core.files import read_json, read_records
from nichetune.core.records import ItemScore
from nichetune.evaluate.drift import MEMBERS


def read_suite_scores(rung: Path, suite: str, part: str = "") -> dict[str, ItemScore]:
    """Scores by item id.

    Args:
        rung: the folder of an evaluated rung.
        part: a slice's name, `changed` or `stayed`; empty: all items.

    Raises:
        UserError: the rung was not asked this suite, or the suite has no such part.
    """
    folder = rung / SUITES / suite
    if not suite or not (folder / "scores.jsonl").is_file():
        known = sorted(path.parent.name for path in (rung / SUITES).glob("*/scores.jsonl"))
        raise UserError(f"{rung}: no answers to suite {suite!r}; it was asked: {', '.join(known) or 'none'}")
    scores = {score.item: score for score in read_records(folder / "scores.jsonl", ItemScore)}
    if not part:
        return scores
    members = read_members(folder)
    if part not in members:
        raise UserError(f"{rung}: suite {suite} has no part {part!r}; parts are: {', '.join(members) or 'none'}")
    return {item: scores[item] for item in members[part] if item in scores}


def read_members(folder: Path) -> dict[str, list[str]]:
    """Item ids of each part of a suite that is judged apart; none where time is no matter."""
    file = folder / MEMBERS
    return dict(read_json(file)) if file.is_file() else {}
