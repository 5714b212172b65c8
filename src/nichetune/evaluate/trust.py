"""Calibrates a candidate's confidence on the development set, and draws what it is worth on the sealed items.

answers to development items -> `Calibration`; answers to sealed items -> confidence.json, by task:

    {"triage": {"n": 207, "area": 0.12, "best_area": 0.05, "curve": [{"coverage": 0.1, "risk": 0.0, …}], "bins": [{…}],
                "calibration": {"method": "none", "why": "evaluate.calibration_items is 0"}}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from nichetune.core.records import Estimate, Example, ItemScore, Prediction
from nichetune.core.settings import Settings, TaskSettings
from nichetune.evaluate.confidence import (
    LEAST_CALIBRATION,
    choose_threshold,
    curve_area,
    draw_curve,
    fill_bins,
    fit_platt,
    reliability,
)
from nichetune.evaluate.intervals import DIGITS
from nichetune.evaluate.metrics import SUCCESS
from nichetune.evaluate.set_metrics import Answers, Calibration, gather_answers, summarise_set

UNASKED = Calibration(why="evaluate.calibration_items is 0: no development item was answered")
_FEW = f"fewer than {LEAST_CALIBRATION} development answers with a confidence, or all alike"


def answers_by_task(
    tasks: Mapping[str, TaskSettings],
    items: Sequence[Example],
    predictions: Sequence[Prediction],
    scores: Sequence[ItemScore],
) -> dict[str, Answers]:
    """Lines up items, predictions and scores, given in one order, for each task that has some."""
    found: dict[str, Answers] = {}
    for name, task in tasks.items():
        rows = [three for three in zip(items, predictions, scores, strict=True) if three[0].task == name]
        if rows:
            own, said, scored = zip(*rows, strict=True)
            found[name] = gather_answers(task, own, said, [one.scores.get(SUCCESS, 0.0) for one in scored])
    return found


def calibrate(answers: Answers, wrong_cost: float) -> Calibration:
    """Platt's scaling and the threshold that pays best, from answers to development items."""
    sure = answers.sure
    platt = fit_platt(sure.confidences.tolist(), sure.outcome.tolist()) if len(sure.items) else None
    if platt is None:
        return Calibration(why=_FEW)
    rows = list(zip(sure.outcome.tolist(), sure.abstained.tolist(), sure.due.tolist(), strict=True))
    values = [reliability(outcome, not abstained, due, wrong_cost) for outcome, abstained, due in rows]
    declined = [reliability(outcome, False, due, wrong_cost) for outcome, _, due in rows]
    return Calibration(platt, "", choose_threshold(sure.confidences.tolist(), values, declined))


def summarise_sets(
    settings: Settings, answers: Mapping[str, Answers], calibrations: Mapping[str, Calibration]
) -> dict[str, Estimate]:
    """The figures of every task's set of answers, as `task.metric`."""
    cost, alpha = settings.evaluate.wrong_cost, settings.benchmark.alpha
    return {
        f"{name}.{metric}": figure
        for name, own in answers.items()
        for metric, figure in summarise_set(
            settings.tasks[name], own, calibrations.get(name, UNASKED), cost, alpha
        ).items()
    }


def draw_confidence(answers: Mapping[str, Answers], calibrations: Mapping[str, Calibration]) -> dict[str, Any]:
    """The curves and bins of every task, and how its confidence was calibrated."""
    return {name: _draw(own.sure, calibrations.get(name, UNASKED)) for name, own in answers.items()}


def _draw(sure: Answers, calibration: Calibration) -> dict[str, Any]:
    told = _describe(calibration)
    if not len(sure.items):
        return {"n": 0, "why": "this rung tells no confidence", "calibration": told}
    own, outcome = sure.confidences.tolist(), sure.outcome.tolist()
    return {
        "n": len(own),
        "area": _round(curve_area(own, outcome)),
        "best_area": _round(curve_area(outcome, outcome)),  # of a confidence that knows what is right
        "curve": [_plain(asdict(point)) for point in draw_curve(own, outcome)],
        "bins": [_plain(asdict(one)) for one in fill_bins(own, outcome)],
        "calibration": told,
    }


def _describe(calibration: Calibration) -> dict[str, Any]:
    if calibration.platt is None:
        return {"method": "none", "why": calibration.why}
    return {"method": "platt", **asdict(calibration.platt), "threshold": calibration.threshold}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Rounded, but for a threshold: the confidence of a long answer may be a millionth."""
    return {k: _round(one) if isinstance(one, float) and k != "threshold" else one for k, one in values.items()}


def _round(value: float) -> float:
    return round(value, DIGITS)
