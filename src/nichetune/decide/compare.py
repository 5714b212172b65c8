"""Two files of scores from anywhere, or two runs, paired by item: did B do better than A?

Reads JSON Lines (or a run's folder, or the folder of one evaluated rung) -> one difference B - A:

    {"id": "q17", "score": 1, "group": "retina"}
    -> {"difference": 0.041, "low": 0.012, "high": 0.071, "p": 0.006, "n": 400, "groups": 400, "margin": 0.02,
        "decision": "better"}
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.files import iter_jsonl, read_json
from nichetune.decide.asked import check_same_items
from nichetune.decide.evaluated import read_evaluated
from nichetune.decide.paired import Paired, compare_paired, six_digits
from nichetune.decide.spending import level_of_look, resamples_at
from nichetune.decide.suite_scores import read_suite_scores
from nichetune.evaluate.metrics import ALL_TASKS, SUCCESS, fewer_is_better

_ALL = f"{ALL_TASKS}.{SUCCESS}"


@dataclass(frozen=True)
class ScoreFile:
    """Scores by item id; a group by item id where the file names one."""

    path: Path
    scores: dict[str, float]
    groups: dict[str, str]


def compare_scores(
    a: Path,
    b: Path,
    margin: float = 0.02,
    metric: str = "",
    alpha: float = 0.05,
    resamples: int = 10_000,
    seed: int = 7,
    look: int = 1,
    looks: int = 1,
    suite: str = "",
    part: str = "",
) -> dict[str, Any]:
    """Compares two sets of scores.

    Args:
        margin: half the width of what counts as equal, 0..1.
        metric: `task.metric`, for runs only; empty: the primary metric of B's verdict, or of a suite `all.success`.
        look: which of `looks` planned comparisons this is, from 1: the interval is at what this one may spend of
            alpha (spending.py).
        suite: compare answers to this sealed suite, not to the holdout; for runs only.
        part: only this part of the suite: a slice of time, `changed` or `stayed`.

    Raises:
        UserError: a file is missing or broken, there is no such suite or part, an id is missing or doubled, a score
            lies outside 0..1, an item's group differs, one asks another question in B than in A, or there is no such
            look.
    """
    level = level_of_look(look, looks, alpha)
    if not 0 <= margin < 1:
        raise UserError(f"the margin {margin} is no share: give 0 to below 1, such as 0.02 for two points")
    if part and not suite:
        raise UserError("--part is a part of a suite: name it by --suite")
    metric = metric or _ALL if suite else choose_metric(a, b, metric)
    first, second = (read_scores(one, metric, suite, part) for one in (a, b))
    items = _pair_items(first, second)
    check_same_items(a, b, items, suite)
    groups = [_group_of(item, first, second) for item in items]
    old, new = ([one.scores[item] for item in items] for one in (first, second))
    draws = resamples_at(level, resamples)
    paired = compare_paired(old, new, groups, alpha=level, resamples=draws, seed=seed)
    return {
        "difference": six_digits(paired.difference),
        "low": six_digits(paired.low),
        "high": six_digits(paired.high),
        "p": six_digits(paired.p),
        "n": paired.n,
        "groups": paired.groups,
        "margin": margin,
        "decision": decide_difference(paired, margin, fewer_is_better(metric)),
    }


def decide_difference(paired: Paired, margin: float, fewer: bool = False) -> str:
    """`better` or `worse`: the interval leaves out 0; `equivalent`: it lies inside +-margin; else `inconclusive`.

    Args:
        fewer: a small score is the good one, as of over-refusal.
    """
    if paired.low > 0:
        return "worse" if fewer else "better"
    if paired.high < 0:
        return "better" if fewer else "worse"
    return "equivalent" if -margin <= paired.low and paired.high <= margin else "inconclusive"


def read_scores(path: Path, metric: str = "", suite: str = "", part: str = "") -> ScoreFile:
    """Reads a file of scores, a run's folder (the rung that it ships) or one evaluated rung's folder.

    Raises:
        UserError: as `compare_scores`.
    """
    if path.is_dir():
        return _read_suite(path, metric, suite, part) if suite else _read_rung(path, metric)
    if suite:
        raise UserError(f"{path}: a file of scores has no suites: give runs or evaluated rungs")
    scores: dict[str, float] = {}
    groups: dict[str, str] = {}
    for number, record in enumerate(iter_jsonl(path), start=1):
        where = f"{path}: record {number}"
        name = _read_id(record, where)
        if name in scores:
            raise UserError(f"{where}: id {name} stands twice: keep one score an item")
        scores[name] = _read_score(record, where)
        if record.get("group") is not None:
            groups[name] = str(record["group"])
    if not scores:
        raise UserError(f"{path}: no scores in it: one JSON object a line, with `id` and `score`")
    return ScoreFile(path, scores, groups)


def _read_id(record: Any, where: str) -> str:
    name = record.get("id") if isinstance(record, dict) else None
    if not isinstance(name, str | int) or name == "":
        raise UserError(f'{where}: no `id`: each line is an object such as {{"id": "q1", "score": 0.5}}')
    return str(name)


def _read_score(record: dict[str, Any], where: str) -> float:
    value = record.get("score")
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise UserError(f"{where}: `score` must be a number from 0 to 1")
    return float(value)


def choose_metric(a: Path, b: Path, metric: str = "") -> str:
    """The metric that was asked for, else the primary one of B's verdict, else of A's; empty for files of scores."""
    return metric or _primary_metric(b) or _primary_metric(a)


def _primary_metric(path: Path) -> str:
    verdict = path / "decide" / "verdict.json"
    return str(read_json(verdict)["primary"]) if verdict.is_file() else ""


def find_rung(folder: Path) -> Path:
    """The folder of the rung that a run ships; any other folder is taken for a rung's own."""
    verdict = folder / "decide" / "verdict.json"
    return folder / "evaluate" / str(read_json(verdict)["ship"]) if verdict.is_file() else folder


def _read_rung(folder: Path, metric: str) -> ScoreFile:
    rung = find_rung(folder)
    if not (rung / "scores.jsonl").is_file():
        raise UserError(f"{folder}: neither a finished run nor an evaluated rung: no decide/verdict.json, no scores")
    evaluated = read_evaluated(rung)
    if not metric:
        raise UserError(f"{folder}: say which metric to compare, one of: {', '.join(evaluated.metrics)}")
    scores = evaluated.column(metric)
    if not scores:
        raise UserError(f"{folder}: no item has a {metric}; there are: {', '.join(evaluated.metrics)}")
    return ScoreFile(folder, scores, {item: evaluated.scores[item].group for item in scores})


def _read_suite(folder: Path, metric: str, suite: str, part: str) -> ScoreFile:
    held = read_suite_scores(find_rung(folder), suite, part)
    task, _, name = metric.partition(".")
    own = {item: s for item, s in held.items() if task in (s.task, ALL_TASKS) and name in s.scores}
    if not own:
        raise UserError(f"{folder}: no item of suite {suite} has a {metric}; take another --metric, such as {_ALL}")
    return ScoreFile(folder, {i: s.scores[name] for i, s in own.items()}, {i: s.group for i, s in own.items()})


def _pair_items(a: ScoreFile, b: ScoreFile) -> list[str]:
    for one, other in ((a, b), (b, a)):
        missing = [item for item in one.scores if item not in other.scores]
        if missing:
            raise UserError(
                f"{other.path}: {len(missing)} ids of {one.path} are missing, the first is {missing[0]}: "
                "both need a score for every item"
            )
    return sorted(a.scores)


def _group_of(item: str, a: ScoreFile, b: ScoreFile) -> Hashable:
    """The item's group; without one it is a group of its own, which no named group can equal."""
    named = {one.groups[item] for one in (a, b) if item in one.groups}
    if len(named) > 1:
        raise UserError(f"item {item} is in another group in {b.path} than in {a.path}: give it the same one in both")
    return ("named", named.pop()) if named else ("single", item)
