"""Figures of a whole set of answers that are no mean over items: F1s, the area under risk and coverage, calibration.

items + predictions + scores [+ what the development set taught] -> figures by name, for one task:

    {"fields_micro": {"value": 0.81, "low": 0.76, "high": 0.85, "n": 207}, "aurc": {…}, "missed_abstention": {…}}

They stand in metrics.json beside the means, and in no item's scores. `docs/metrics.md` defines each one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nichetune.core.records import Answer, Estimate, Example, Expected, Prediction
from nichetune.core.settings import TaskSettings
from nichetune.core.tasks import is_abstention, normalise
from nichetune.evaluate.confidence import (
    Platt,
    brier_score,
    calibration_error,
    curve_area,
    reliability,
)
from nichetune.evaluate.intervals import (
    Floats,
    Kept,
    estimate_rare,
    estimate_signed,
    estimate_statistic,
)

Figures = dict[str, Estimate]


@dataclass(frozen=True)
class Calibration:
    """What the development set taught about a task's confidence.

    Attributes:
        platt: None where it could not be fitted.
        why: it could not.
        threshold: the confidence (as it is, not calibrated) under which abstaining pays; None: answering never does.
    """

    platt: Platt | None = None
    why: str = ""
    threshold: float | None = None


@dataclass(frozen=True)
class Answers:
    """The answers to one task's items, as columns.

    Attributes:
        outcome: `success` of each, 0..1.
        confidence: None where nothing tells it.
        abstained: whether each abstained; `due`: whether it should have.
    """

    items: Sequence[Example]
    predictions: Sequence[Prediction]
    groups: list[str]
    outcome: Floats
    confidence: list[float | None]
    abstained: Kept
    due: Kept

    @property
    def sure(self) -> Answers:
        """Only the answers whose confidence is known."""
        kept = [n for n, one in enumerate(self.confidence) if one is not None]
        if len(kept) == len(self.confidence):
            return self
        return Answers(
            [self.items[n] for n in kept], [self.predictions[n] for n in kept], [self.groups[n] for n in kept],
            self.outcome[kept], [self.confidence[n] for n in kept], self.abstained[kept], self.due[kept],
        )  # fmt: skip

    @property
    def confidences(self) -> Floats:
        """Of answers that all have one."""
        return np.asarray(self.confidence, dtype=np.float64)


def gather_answers(
    task: TaskSettings, items: Sequence[Example], predictions: Sequence[Prediction], outcome: Sequence[float]
) -> Answers:
    """Lines one task's items, predictions and successes up."""
    return Answers(
        items=items,
        predictions=predictions,
        groups=[item.group for item in items],
        outcome=np.asarray(outcome, dtype=np.float64),
        confidence=[one.confidence for one in predictions],
        abstained=np.asarray([one.answer.abstain for one in predictions], dtype=bool),
        due=np.asarray([is_due(task, item) for item in items], dtype=bool),
    )


def is_due(task: TaskSettings, item: Example) -> bool:
    """Whether abstaining is the right answer."""
    return item.expected.abstain or is_abstention(task, item.expected.fields or {})


def set_metric_names(task: TaskSettings) -> list[str]:
    """Every figure that a task's set of answers may hold, in the order in which they are shown."""
    own = {"form": ["fields_micro", "fields_macro"], "choice": ["macro_f1"]}.get(task.kind, [])
    abstain = ["abstain_f1", "missed_abstention", "reliability"] if task.abstain else []
    sure = ["aurc", "ece", "brier", "ece_calibrated", "brier_calibrated", "reliability_calibrated"]
    return [*own, *abstain, *sure]


def summarise_set(
    task: TaskSettings, answers: Answers, calibration: Calibration, wrong_cost: float, alpha: float = 0.05
) -> Figures:
    """Every figure that applies; those of confidence only where some answer tells its own.

    Args:
        wrong_cost: of a wrong answer, where a right one is worth 1 and abstaining 0.
    """
    figures: Figures = {}
    if task.kind == "form":
        figures |= _score_slots(task, answers, alpha)
    if task.kind == "choice":
        figures["macro_f1"] = _estimate(answers, _macro_f1(answers), alpha)
    if task.abstain:
        figures |= _score_abstention(answers, wrong_cost, alpha)
    sure = answers.sure
    if len(sure.items):
        figures |= _score_confidence(sure, alpha) | _score_calibrated(sure, calibration, wrong_cost, alpha)
    return {name: figures[name] for name in set_metric_names(task) if name in figures}


def _estimate(answers: Answers, statistic: Callable[[Kept], float | None], alpha: float) -> Estimate:
    return estimate_statistic(statistic, answers.groups, alpha)


def _score_slots(task: TaskSettings, answers: Answers, alpha: float) -> Figures:
    """F1 of filled fields, pooled and by field (slot filling, as in MUC: Chinchor 1992); unreadable forms fill none."""
    written, wanted = (_fields_of(task, one) for one in ([p.answer for p in answers.predictions],
                                                         [i.expected for i in answers.items]))  # fmt: skip
    hits = (written == wanted) & (wanted != "")  # [items, fields]
    filled, due = written != "", wanted != ""

    def by_field(kept: Kept) -> list[float | None]:
        counts = (part[kept].sum(axis=0).tolist() for part in (hits, filled, due))
        return [_f1(*three) for three in zip(*counts, strict=True)]

    def macro(kept: Kept) -> float | None:
        known = [one for one in by_field(kept) if one is not None]
        return sum(known) / len(known) if known else None

    def micro(kept: Kept) -> float | None:
        return _f1(*(int(part[kept].sum()) for part in (hits, filled, due)))

    return {"fields_micro": _estimate(answers, micro, alpha), "fields_macro": _estimate(answers, macro, alpha)}


def _fields_of(task: TaskSettings, answers: Sequence[Answer | Expected]) -> np.ndarray:
    """Normalised values by item and field, [items, fields]; empty where nothing was filled in."""
    filled = [one.fields or {} for one in answers]
    return np.asarray([[normalise(fields.get(name) or "") for name in task.fields] for fields in filled], dtype=object)


def _f1(hits: int, written: int, wanted: int) -> float | None:
    """Harmonic mean of hits / written and hits / wanted; None where there is neither."""
    return 2 * hits / (written + wanted) if written + wanted else None


def _macro_f1(answers: Answers) -> Callable[[Kept], float | None]:
    """The mean over the values of a choice of each value's F1: rare values count as much as common ones."""
    written, wanted = (
        np.asarray(["" if one.abstain else normalise(one.answer or "") for one in side], dtype=object)
        for side in ([p.answer for p in answers.predictions], [i.expected for i in answers.items])
    )
    values = sorted(set(wanted.tolist()) - {""})

    def statistic(kept: Kept) -> float | None:
        own, right = written[kept], wanted[kept]
        found = [_f1(int(((own == v) & (right == v)).sum()), int((own == v).sum()), int((right == v).sum()))
                 for v in values]  # fmt: skip
        known = [one for one in found if one is not None]
        return sum(known) / len(known) if known else None

    return statistic


def _score_abstention(answers: Answers, wrong_cost: float, alpha: float) -> Figures:
    did, due = answers.abstained, answers.due

    def f1(kept: Kept) -> float | None:
        return _f1(int((did & due)[kept].sum()), int(did[kept].sum()), int(due[kept].sum()))

    groups = [group for group, one in zip(answers.groups, due.tolist(), strict=True) if one]
    worth = [
        reliability(outcome, not abstained, is_due, wrong_cost)
        for outcome, abstained, is_due in zip(answers.outcome.tolist(), did.tolist(), due.tolist(), strict=True)
    ]
    return {
        "abstain_f1": _estimate(answers, f1, alpha),
        "missed_abstention": estimate_rare((~did[due]).astype(float).tolist(), groups, alpha),
        "reliability": estimate_signed(worth, answers.groups, -wrong_cost, alpha),
    }


def _score_confidence(sure: Answers, alpha: float, suffix: str = "", calibrated: Floats | None = None) -> Figures:
    own = sure.confidences if calibrated is None else calibrated
    measures = {"ece": calibration_error, "brier": brier_score}
    if calibrated is None:  # no monotone map moves the order, which is all that the area sees
        measures = {"aurc": curve_area, **measures}

    def about(measure: Callable[[Floats, Floats], float]) -> Callable[[Kept], float | None]:
        return lambda kept: measure(own[kept], sure.outcome[kept]) if kept.any() else None

    return {f"{name}{suffix}": _estimate(sure, about(measure), alpha) for name, measure in measures.items()}


def _score_calibrated(sure: Answers, calibration: Calibration, wrong_cost: float, alpha: float) -> Figures:
    if calibration.platt is None:
        return {}
    least = calibration.threshold
    worth = [
        reliability(outcome, not abstained and least is not None and own >= least, is_due, wrong_cost)
        for outcome, own, abstained, is_due in zip(
            sure.outcome.tolist(), sure.confidences.tolist(), sure.abstained.tolist(), sure.due.tolist(), strict=True
        )
    ]
    figures = _score_confidence(sure, alpha, "_calibrated", calibration.platt.apply(sure.confidences))
    return figures | {"reliability_calibrated": estimate_signed(worth, sure.groups, -wrong_cost, alpha)}
