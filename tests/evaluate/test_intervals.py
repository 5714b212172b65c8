"""Intervals around a mean: where they agree with the books, and where a plain one would mislead."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from nichetune.core.errors import UserError
from nichetune.core.records import Example, Expected, ItemScore, Message, Source
from nichetune.core.settings import AbstainSettings, TaskSettings
from nichetune.evaluate.intervals import estimate_mean
from nichetune.evaluate.metrics import summarise


@pytest.mark.parametrize(("right", "n"), [(0, 20), (1, 20), (13, 40), (200, 207), (60, 60)])
def test_single_binary_items_get_wilsons_interval(right, n):
    estimate = estimate_mean([1.0] * right + [0.0] * (n - right), range(n))
    low, high = proportion_confint(right, n, method="wilson")
    assert (estimate.low, estimate.high) == pytest.approx((max(low, 0), min(high, 1)), abs=1e-6)


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_scores_that_never_vary_do_not_give_an_interval_without_width(score):
    estimate = estimate_mean([score] * 40, [n // 4 for n in range(40)])
    assert estimate.value == score
    assert estimate.high - estimate.low > 0.2  # ten groups tell no more than ten items


def test_groups_that_agree_within_themselves_widen_the_interval():
    scores = [1.0] * 40 + [0.0] * 40
    apart = estimate_mean(scores, range(80))
    together = estimate_mean(scores, [n // 8 for n in range(80)])
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_no_scores_give_none_and_never_zero():
    assert estimate_mean([], []).model_dump() == {"value": None, "low": None, "high": None, "n": 0}


def test_one_group_alone_gives_a_value_without_an_interval():
    estimate = estimate_mean([1, 0, 1, 1], ["a"] * 4)
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (0.75, None, None, 4)


@pytest.mark.parametrize("share", [0.03, 0.3, 0.9])
@pytest.mark.parametrize("groups", [10, 40])
def test_the_truth_lies_inside_in_at_least_nine_samples_of_ten_with_few_uneven_groups(share, groups):
    rng = np.random.default_rng(groups)
    inside = 0
    for _ in range(200):
        index = np.repeat(np.arange(groups), rng.integers(1, 12, groups))
        rates = rng.beta(share * 3, (1 - share) * 3, groups)  # intraclass correlation 0.25
        scores = (rng.random(len(index)) < rates[index]).astype(float)
        estimate = estimate_mean(scores, index.tolist())
        inside += estimate.low <= share <= estimate.high
    assert inside >= 180


def test_continuous_scores_that_differ_little_get_a_narrow_interval():
    scores = np.random.default_rng(1).normal(0.6, 0.02, 200).clip(0, 1)
    estimate = estimate_mean(scores, range(200))
    assert estimate.high - estimate.low < 0.01


CHOICE = {"t": TaskSettings(kind="choice", values=["a", "b"], abstain=AbstainSettings(answer="I cannot tell"))}


def _item(name: str) -> Example:
    turn = Message(role="user", content="?")
    return Example(id=name, group=name, task="t", messages=[turn], expected=Expected(), source=Source(file="f"))


def test_a_metric_that_applies_to_no_item_is_none_with_n_zero():
    scores = [ItemScore(item="1", group="1", task="t", scores={"exact": 1.0, "over_refusal": 0.0})]
    figures = summarise([_item("1")], scores, CHOICE)
    assert figures["t.abstain_precision"].value is None
    assert figures["t.abstain_precision"].n == 0
    assert figures["t.exact"].value == 1.0


def test_a_ratio_counts_only_the_items_to_which_it_applies():
    rows = [({"abstain_precision": 1.0}, 3), ({"abstain_precision": 0.0}, 1), ({}, 6)]
    made = [dict(scores) for scores, times in rows for _ in range(times)]
    scores = [ItemScore(item=str(n), group=str(n), task="t", scores=one) for n, one in enumerate(made)]
    figure = summarise([_item(str(n)) for n in range(10)], scores, CHOICE)["t.abstain_precision"]
    assert (figure.value, figure.n) == (0.75, 4)


def test_an_item_without_a_score_is_refused_by_name():
    scores = [ItemScore(item="1", group="1", task="t", scores={"exact": 1.0})]
    with pytest.raises(UserError, match="1 items have no score, the first is 2"):
        summarise([_item("1"), _item("2")], scores, CHOICE)
    with pytest.raises(UserError, match="item 1 was scored twice"):
        summarise([_item("1")], scores * 2, CHOICE)
