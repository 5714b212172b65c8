"""How much a candidate's own confidence is worth: pure functions over confidences and outcomes, both in 0..1.

    curve_area([0.9, 0.8, 0.4], [1, 1, 0]) -> 0.111        calibration_error([0.9, 0.8], [1, 0]) -> 0.45

Confidence is the probability of the whole answer (`Prediction.confidence`), the outcome what the answer scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nichetune.evaluate.intervals import Floats

BINS = 10
LEAST_CALIBRATION = 20  # answers under which two parameters would be fitted to noise
_CLOSE = 1e-12
_CURVE_POINTS = 100


@dataclass(frozen=True)
class Point:
    """The riskiest answers left out: the share that is answered, its risk, and the least confidence in it."""

    coverage: float
    risk: float
    threshold: float


@dataclass(frozen=True)
class Bin:
    """Answers whose confidence lies in [low, high), the last one closed: mean confidence and mean outcome."""

    low: float
    high: float
    n: int
    confidence: float
    outcome: float


@dataclass(frozen=True)
class Platt:
    """A sigmoid over the log odds of the confidence: P(right) = 1 / (1 + exp(-(slope * logit(c) + shift)))."""

    slope: float
    shift: float
    n: int

    def apply(self, confidence: Sequence[float] | Floats) -> Floats:
        """Calibrated confidences, in 0..1."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * _log_odds(confidence) + self.shift))), dtype=np.float64)


def list_risks(confidence: Sequence[float] | Floats, outcome: Sequence[float] | Floats) -> Floats:
    """The risk (mean of 1 - outcome) of the k most confident answers, for k = 1..n.

    Among equal confidences any order may come: their errors are spread evenly, which is the expectation over orders.
    """
    sure, errors = np.asarray(confidence, dtype=np.float64), 1 - np.asarray(outcome, dtype=np.float64)
    levels, which = np.unique(-sure, return_inverse=True)
    means = np.bincount(which, errors, len(levels)) / np.bincount(which, minlength=len(levels))
    spread = means[np.sort(which)]
    return np.asarray(np.cumsum(spread) / np.arange(1, len(spread) + 1), dtype=np.float64)


def curve_area(confidence: Sequence[float] | Floats, outcome: Sequence[float] | Floats) -> float:
    """AURC: the mean risk over all coverages (Geifman and El-Yaniv 2017, "Selective classification"); 0 is best."""
    return float(list_risks(confidence, outcome).mean())


def draw_curve(confidence: Sequence[float], outcome: Sequence[float]) -> list[Point]:
    """The risk-coverage curve, at up to a hundred coverages at which a threshold exists."""
    sure = np.sort(np.asarray(confidence, dtype=np.float64))[::-1]
    risks, n = list_risks(confidence, outcome), len(sure)
    ends = np.flatnonzero(np.append(sure[1:] != sure[:-1], True))  # a threshold cannot cut between equals
    if len(ends) > _CURVE_POINTS:
        ends = ends[np.linspace(0, len(ends) - 1, _CURVE_POINTS).round().astype(int)]
    return [Point((k + 1) / n, float(risks[k]), float(sure[k])) for k in ends.tolist()]


def brier_score(confidence: Sequence[float] | Floats, outcome: Sequence[float] | Floats) -> float:
    """Mean squared distance of confidence and outcome (Brier 1950); 0 is best."""
    return float(np.mean((np.asarray(confidence) - np.asarray(outcome)) ** 2))


def fill_bins(confidence: Sequence[float] | Floats, outcome: Sequence[float] | Floats) -> list[Bin]:
    """Ten bins of equal width, those that hold something."""
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    place = np.minimum((sure * BINS + _CLOSE).astype(int), BINS - 1)
    bins = []
    for n in range(BINS):
        held = place == n
        if held.any():
            means = float(sure[held].mean()), float(right[held].mean())
            bins.append(Bin(n / BINS, (n + 1) / BINS, int(held.sum()), *means))
    return bins


def calibration_error(confidence: Sequence[float] | Floats, outcome: Sequence[float] | Floats) -> float:
    """ECE over ten bins of equal width (Guo et al. 2017): the bins' gaps, weighted by their answers; 0 is best."""
    bins = fill_bins(confidence, outcome)
    return sum(one.n * abs(one.confidence - one.outcome) for one in bins) / sum(one.n for one in bins)


def fit_platt(confidence: Sequence[float], outcome: Sequence[float]) -> Platt | None:
    """Platt's scaling (1999), on answers that are not judged; None where they are too few or all went alike.

    Two parameters and not isotonic regression, which wants a thousand answers (Niculescu-Mizil and Caruana 2005). The
    targets are Platt's, drawn in from 0 and 1. A slope below 0, by which the unsure answers would be the right ones,
    is held at 0.
    """
    from scipy.optimize import minimize

    right = np.asarray(outcome, dtype=np.float64)
    if len(right) < LEAST_CALIBRATION or right.min() == right.max():
        return None
    odds = _log_odds(confidence)
    many, few = right.sum(), (1 - right).sum()
    targets = right * (many + 1) / (many + 2) + (1 - right) / (few + 2)

    def loss(fitted: Floats) -> float:
        scores = fitted[0] * odds + fitted[1]
        return float(np.sum(np.logaddexp(0, scores) - targets * scores))

    found = minimize(loss, np.array([1.0, 0.0]), bounds=[(0, None), (None, None)], method="L-BFGS-B").x
    return Platt(round(float(found[0]), 6), round(float(found[1]), 6), len(right))


def reliability(outcome: float, answered: bool, is_due: bool, wrong_cost: float) -> float:
    """Effective reliability of one answer, -cost..1 (Whitehead et al. 2022, "Reliable visual question answering").

    An answer with any credit earns it, one without costs `wrong_cost`, and abstaining is worth 0. Beyond the paper,
    where every question has an answer: abstaining where that is the right answer earns 1.
    """
    if not answered:
        return 1.0 if is_due else 0.0
    return outcome if outcome > 0 else -wrong_cost


def choose_threshold(confidence: Sequence[float], values: Sequence[float], declined: Sequence[float]) -> float | None:
    """The least confidence from which answering pays most, on answers that are not judged; None if it never pays.

    Args:
        values: what each answer is worth as it stands; `declined` what abstaining instead would be.
    """
    order = np.argsort(-np.asarray(confidence, dtype=np.float64), kind="stable")
    sure = np.asarray(confidence, dtype=np.float64)[order]
    gain = np.cumsum((np.asarray(values, dtype=np.float64) - np.asarray(declined, dtype=np.float64))[order])
    ends = np.flatnonzero(np.append(sure[1:] != sure[:-1], True))
    best = int(ends[gain[ends].argmax()])
    return float(sure[best]) if gain[best] > 0 else None


def _log_odds(confidence: Sequence[float] | Floats) -> Floats:
    sure = np.clip(np.asarray(confidence, dtype=np.float64), 1e-12, 1 - 1e-9)
    return np.asarray(np.log(sure) - np.log1p(-sure), dtype=np.float64)
