"""The exact bounds of a share, against scipy's own and against arithmetic."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from nichetune.core.exact import bound_above, bound_share


@pytest.mark.parametrize(("hits", "trials"), [(0, 1), (0, 40), (3, 200), (7, 9), (25, 25)])
def test_the_interval_is_clopper_and_pearsons(hits, trials):
    known = binomtest(hits, trials).proportion_ci(0.95, method="exact")
    assert bound_share(hits, trials) == pytest.approx((known.low, known.high), abs=1e-12)


def test_none_of_a_hundred_is_below_three_per_cent():
    assert bound_above(0, 100) == pytest.approx(1 - 0.05 ** (1 / 100)) == pytest.approx(0.0295, abs=1e-4)
    assert bound_above(2, 100) > bound_above(1, 100)
    assert bound_above(5, 5) == 1.0


def test_without_trials_nothing_is_known():
    assert bound_share(0, 0) == (0.0, 1.0)


def test_an_effective_number_of_trials_lies_between_its_neighbours():
    low, high = (bound_share(2, n) for n in (20, 21))
    between = bound_share(2, 20.5)
    assert high[1] < between[1] < low[1] and high[0] < between[0] < low[0]
