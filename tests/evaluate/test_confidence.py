"""Confidence: areas, bins and costs worked out by hand; a calibration that mends what it should."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nichetune.evaluate.confidence import (
    brier_score,
    calibration_error,
    choose_threshold,
    curve_area,
    draw_curve,
    fill_bins,
    fit_platt,
    list_risks,
    reliability,
)


def test_the_area_is_the_mean_risk_over_all_coverages():
    assert list_risks([0.9, 0.4, 0.8], [1, 0, 1]).tolist() == pytest.approx([0, 0, 1 / 3])
    assert curve_area([0.9, 0.4, 0.8], [1, 0, 1]) == pytest.approx(1 / 9)
    assert curve_area([0.1, 0.4, 0.2], [1, 0, 1]) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_ties_count_as_the_mean_over_every_order():
    sure, outcome = [0.9, 0.5, 0.5, 0.5], [0, 1, 0, 1]
    orders = [[outcome[0], *rest] for rest in itertools.permutations(outcome[1:])]
    areas = [curve_area([0.9, 0.5, 0.4, 0.3], order) for order in orders]
    assert curve_area(sure, outcome) == pytest.approx(np.mean(areas))


def test_a_curve_has_points_only_where_a_threshold_can_cut():
    points = draw_curve([0.9, 0.5, 0.5, 0.2], [1, 1, 0, 0])
    assert [(p.coverage, p.threshold) for p in points] == [(0.25, 0.9), (0.75, 0.5), (1.0, 0.2)]
    assert [p.risk for p in points] == pytest.approx([0, 1 / 3, 0.5])
    assert len(draw_curve(np.linspace(0, 1, 500), [1] * 500)) == 100


def test_calibration_error_weighs_the_gap_of_each_bin():
    sure, right = [0.95, 0.91, 0.35, 0.3, 1.0], [1, 0, 1, 0, 1]
    bins = fill_bins(sure, right)
    assert [(b.low, b.high, b.n) for b in bins] == [(0.3, 0.4, 2), (0.9, 1.0, 3)]
    gaps = [abs(0.325 - 0.5), abs(2.86 / 3 - 2 / 3)]
    assert calibration_error(sure, right) == pytest.approx((2 * gaps[0] + 3 * gaps[1]) / 5)


def test_brier_is_the_mean_squared_distance():
    assert brier_score([0.8, 0.4], [1, 0]) == pytest.approx((0.04 + 0.16) / 2)


@pytest.mark.parametrize(
    ("outcome", "answered", "is_due", "worth"),
    [(1, True, False, 1), (0.4, True, False, 0.4), (0, True, False, -2), (0, False, False, 0), (1, False, True, 1)],
)
def test_a_wrong_answer_costs_and_an_abstention_does_not(outcome, answered, is_due, worth):
    assert reliability(outcome, answered, is_due, 2) == worth


def test_the_threshold_is_where_answering_stops_paying():
    sure, values = [0.9, 0.8, 0.7, 0.6, 0.5], [1, 1, -1, 1, -1]
    assert choose_threshold(sure, values, [0] * 5) == 0.8  # 2 either way: the fewer answers
    assert choose_threshold(sure, [-1] * 5, [0] * 5) is None


def test_platts_scaling_mends_a_model_that_is_too_sure_of_itself():
    rng = np.random.default_rng(3)
    truth = rng.uniform(0.05, 0.95, 4000)
    right = (rng.random(4000) < truth).astype(float)
    sure = 1 / (1 + np.exp(-3 * np.log(truth / (1 - truth)) - 1))  # log odds three times too large, and shifted
    platt = fit_platt(sure[:2000].tolist(), right[:2000].tolist())
    assert (platt.slope, platt.shift) == pytest.approx((1 / 3, -1 / 3), abs=0.06)
    assert calibration_error(sure[2000:], right[2000:]) > 0.1
    assert calibration_error(platt.apply(sure[2000:]), right[2000:]) < 0.04


def test_too_few_or_uniform_answers_calibrate_nothing():
    assert fit_platt([0.5] * 19, [0, 1] * 9 + [1]) is None
    assert fit_platt([0.5] * 40, [1] * 40) is None
