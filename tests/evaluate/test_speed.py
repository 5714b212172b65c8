"""Percentiles that stand only where the sample reaches them; the clocks themselves run in tests/e2e."""

from __future__ import annotations

import random

import pytest

from nichetune.evaluate.speed import find_percentile


def test_a_percentile_is_a_measured_value_by_nearest_rank():
    seconds = [float(n) for n in range(1, 101)]
    random.Random(3).shuffle(seconds)
    assert [find_percentile(seconds, q) for q in (50, 95, 99)] == [50.0, 95.0, 99.0]


@pytest.mark.parametrize(("percent", "least"), [(95, 20), (99, 100)])
def test_too_few_replies_have_no_tail(percent, least):
    assert find_percentile([1.0] * (least - 1), percent) is None
    assert find_percentile([1.0] * least, percent) == 1.0


def test_one_reply_is_its_own_median():
    assert find_percentile([0.25], 50) == 0.25
