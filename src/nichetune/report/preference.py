"""Preference optimisation: whether the failures left after SFT are of a kind that it can move, and what it moved.

Material -> `Preferences(sentence="Of 58 items that qlora gets wrong, 31 (53%) …", …)`, or None where nothing was tuned

It is proposed, never applied: only where the movable failures make up a fair share of all, and would, all mended, be
worth more than the benchmark's margin.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from nichetune.decide.reasons import points
from nichetune.evaluate.candidates import rung_method, rung_retrieves, sft_method
from nichetune.evaluate.failures import FAILURES, MOVABLE, Failure, count_failures
from nichetune.report.material import Material, Rung
from nichetune.report.words import NO_VALUE, name_metric, write_gain, write_interval, write_value

WORTH_A_TRY = 0.2  # share of the failures: below it most of the work would go into what cannot be moved
_PREFERABLE = ("qlora", "lora")


@dataclass(frozen=True)
class FailureRow:
    """One tuned rung: items answered, failed, and the failures by kind."""

    rung: str
    answered: int
    failed: int
    counts: list[int]


@dataclass(frozen=True)
class MovedMetric:
    """One metric before and after."""

    name: str
    before: str
    before_interval: str
    after: str
    after_interval: str
    change: str
    n: int


@dataclass(frozen=True)
class Moved:
    """What one rung moved: on held-out pairs in words, on the sealed benchmark metric by metric."""

    rung: str
    start: str
    pairs: str
    rows: list[MovedMetric]


@dataclass(frozen=True)
class Preferences:
    """The count, what it proposes, and what was tried."""

    sentence: str
    is_proposed: bool
    kinds: list[str]
    rows: list[FailureRow]
    moved: list[Moved]


def build_preferences(run: Material) -> Preferences | None:
    """None where no model was tuned."""
    tuned = [rung for rung in run.rungs if _is_sft(rung.name) and rung.predictions]
    if not tuned:
        return None
    counts = {rung.name: _count(run, rung) for rung in tuned}
    best = max(tuned, key=lambda rung: _value(rung, run.primary))
    sentence, is_proposed = _propose(run, best, counts[best.name])
    rows = [
        FailureRow(one.name, len(one.predictions), counts[one.name].total(), [counts[one.name][k] for k in FAILURES])
        for one in tuned
    ]
    return Preferences(sentence, is_proposed, list(FAILURES), rows, _list_moved(run))


def _is_sft(rung: str) -> bool:
    method = rung_method(rung)
    return method not in ("", "classical") and method == sft_method(method)


def _value(rung: Rung, metric: str) -> float:
    figure = rung.figure(metric)
    return figure.value or 0.0 if figure else 0.0


def _count(run: Material, rung: Rung) -> Counter[Failure]:
    return count_failures(run.items, rung.predictions, rung.scores, run.settings.tasks)


def _propose(run: Material, rung: Rung, counts: Counter[Failure]) -> tuple[str, bool]:
    """The sentence, and whether it proposes anything."""
    failed, movable = counts.total(), sum(counts[kind] for kind in MOVABLE)
    if not failed:
        return f"{rung.name} gets no sealed item wrong: there is nothing for preference optimisation to move.", False
    share, gain = movable / failed, movable / len(rung.predictions)
    told = ", ".join(f"{counts[kind]} by {kind}" for kind in FAILURES)
    count = f"Of {len(rung.predictions)} sealed items {rung.name} gets {failed} wrong: {told}."
    if share < WORTH_A_TRY or gain <= run.settings.benchmark.margin:
        return (
            f"{count} Preference optimisation moves how a model answers, not what it knows: the failures left "
            f"({movable} of {failed} movable) are not of the kind that it can move, and it is not proposed.",
            False,
        )
    worth = f"All of these mended, {points(gain)} points would be won at most."
    method = sft_method(rung_method(rung.name))
    if method not in _PREFERABLE:
        return f"{count} {movable} are of a kind that preferences can move; it starts from an adapter. {worth}", False
    name = f"{method}+dpo" + ("+rag" if rung_retrieves(rung.name) else "")
    if any(sft_method(rung_method(one.name)) == method and not _is_sft(one.name) for one in run.rungs):
        return f"{count} {movable} are of a kind that preferences can move; what was moved stands below.", False
    return (
        f"{count} {movable} ({share:.0%}) are of a kind that preferences can move. {worth} Worth a try: the rung "
        f"{name}, with a source of preference pairs (as: preferences).",
        True,
    )


def _list_moved(run: Material) -> list[Moved]:
    known = {rung.name: rung for rung in run.rungs}
    found = []
    for rung in run.rungs:
        method = rung_method(rung.name)
        start = known.get(sft_method(method) + ("+rag" if rung_retrieves(rung.name) else ""))
        if method != sft_method(method) and start is not None:
            facts = run.manifests.get(f"train/{method}", {}).get("facts", {})
            found.append(Moved(rung.name, start.name, _tell_pairs(facts), _compare(run, start, rung)))
    return found


def _tell_pairs(facts: dict[str, Any]) -> str:
    """The held-out pairs in a sentence; empty where training left no count."""
    told = facts.get("preferences")
    if not told or told["after"]["win_rate"]["value"] is None:
        return ""
    before, after = told["before"]["win_rate"], told["after"]["win_rate"]
    return (
        f"Learnt from {facts['pairs']} pairs. Of {after['n']} held-out pairs the chosen answer was the likelier one in "
        f"{_share(before)} before and is in {_share(after)} after; {told['won']} were won, {told['lost']} lost."
    )


def _share(figure: dict[str, Any]) -> str:
    return f"{points(figure['value'])}% ({points(figure['low'])} to {points(figure['high'])})"


def _compare(run: Material, start: Rung, rung: Rung) -> list[MovedMetric]:
    rows = []
    for metric in dict.fromkeys([*start.metrics, *rung.metrics]):
        before, after = start.figure(metric), rung.figure(metric)
        if before is None and after is None:
            continue
        task, _, name = metric.partition(".")
        gap = None if before is None or after is None else (after.value or 0.0) - (before.value or 0.0)
        rows.append(
            MovedMetric(
                name=f"{task}: {name_metric(name, run.settings.tasks.get(task)).label}",
                before=write_value(before),
                before_interval=write_interval(before),
                after=write_value(after),
                after_interval=write_interval(after),
                change=NO_VALUE if gap is None else write_gain(gap),
                n=(after or before).n,  # type: ignore[union-attr]
            )
        )
    return rows
