"""The rule: hold the cheapest rung, and climb only on proof."""

from __future__ import annotations

import numpy as np
import pytest

from nichetune.core.settings import EconomicsSettings
from nichetune.decide.economics import price_rung
from nichetune.decide.ladder import Rule, judge_ladder
from nichetune.evaluate.resources import Resources

RULE = Rule(margin=0.02, resamples=2000)


def _scores(rights: list[int], n: int = 200) -> np.ndarray:
    """Rungs that get the first `rights` items right: one that gets more contains the others."""
    return np.asarray([[float(i < right) for i in range(n)] for right in rights])


def test_it_climbs_to_the_cheapest_rung_that_is_good_enough_and_stays_there():
    judged = judge_ladder(["classical", "qlora", "full"], _scores([60, 120, 120], 400), range(400), RULE)
    assert judged.path == ["classical", "qlora"]
    assert judged.comparison("qlora", "full").decision == "no better"
    assert judged.conclusive


def test_a_gain_that_is_real_but_within_the_margin_is_not_paid_for():
    rule = Rule(margin=0.10, resamples=2000)
    judged = judge_ladder(["base", "lora"], _scores([1000, 1060], 2000), range(2000), rule)
    assert judged.comparisons[0].paired.low > 0
    assert (judged.held, judged.conclusive) == ("base", True)


def test_a_gain_neither_proven_nor_ruled_out_leaves_the_verdict_open():
    judged = judge_ladder(["base", "lora"], _scores([20, 23], 40), range(40), RULE)
    assert (judged.held, judged.conclusive) == ("base", False)
    assert judged.comparisons[0].decision == "inconclusive"


def test_an_open_step_no_longer_matters_once_a_rung_proven_better_than_it_is_held():
    judged = judge_ladder(["classical", "base", "qlora"], _scores([0, 1, 120]), range(200), RULE)
    assert judged.comparison("classical", "base").decision == "inconclusive"
    assert (judged.path, judged.conclusive) == (["classical", "qlora"], True)


def test_an_open_step_to_a_cheaper_rung_still_matters_while_the_held_one_is_not_proven_better_than_it():
    judged = judge_ladder(["classical", "base", "qlora"], _scores([5, 11, 17], 60), range(60), RULE)
    assert judged.path == ["classical", "qlora"]
    assert [(c.a, c.b) for c in judged.unsettled] == [("classical", "base")]


def test_a_dearer_rung_that_is_worse_is_left_behind():
    judged = judge_ladder(["classical", "base"], _scores([120, 40]), range(200), RULE)
    assert (judged.held, judged.conclusive, judged.comparisons[0].decision) == ("classical", True, "worse")


def test_a_bound_above_the_margin_and_an_adjusted_p_below_alpha_are_one_decision():
    rng = np.random.default_rng(8)
    for _ in range(20):
        index = np.repeat(np.arange(40), rng.integers(1, 6, 40))
        scores = (rng.random((4, len(index))) < rng.uniform(0.2, 0.6, (4, 1))).astype(float)
        for c in judge_ladder(list("abcd"), scores, index.tolist(), RULE).comparisons:
            assert (c.decision == "better") == (c.lower_adjusted > RULE.margin)
            if c.decision == "better":
                assert c.p_adjusted <= RULE.alpha


def test_of_four_equal_rungs_the_cheapest_is_kept_in_at_least_nineteen_samples_of_twenty():
    rng = np.random.default_rng(9)
    climbed = 0
    for _ in range(120):
        index = np.repeat(np.arange(40), rng.integers(1, 8, 40))
        hard = rng.normal(0, 1, 40)[index]
        scores = (hard + rng.normal(0, 1, (4, len(index))) > 0).astype(float)
        climbed += judge_ladder(list("abcd"), scores, index.tolist(), Rule(margin=0.0, resamples=999)).held != "a"
    assert climbed <= 6


def test_one_rung_alone_is_held_without_a_comparison():
    judged = judge_ladder(["classical"], _scores([3]), range(200), RULE)
    assert (judged.held, judged.conclusive, judged.comparisons) == ("classical", True, [])


def test_cost_is_training_storage_and_serving_at_the_prices_of_the_settings():
    prices = EconomicsSettings(
        answers=1000, horizon_months=10, usd_per_machine_hour=3.6, machine_gflops=1, usd_per_gib_month=0.5
    )
    used = Resources(items=10, serve_flops=20e9, train_flops=5e12, storage_bytes=2 << 30)
    cost = price_rung(used, prices)  # a machine second costs 0.001
    assert (cost.training_usd, cost.storage_usd, cost.serving_usd) == pytest.approx((5.0, 10.0, 2.0))
    assert (cost.total_usd, cost.usd_per_1000) == pytest.approx((17.0, 17.0))
