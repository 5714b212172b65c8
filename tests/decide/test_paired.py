"""Paired comparisons: exact where they can be, honest where items come in groups, never of zero width."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from nichetune.decide.paired import FLIPS, MCNEMAR, compare_paired


def _pair(both: int, only_a: int, only_b: int, neither: int) -> tuple[list[float], list[float]]:
    a = [1.0] * (both + only_a) + [0.0] * (only_b + neither)
    b = [1.0] * both + [0.0] * only_a + [1.0] * only_b + [0.0] * neither
    return a, b


@pytest.mark.parametrize("counts", [(30, 2, 9, 20), (50, 0, 6, 4), (10, 12, 3, 75), (40, 5, 5, 10)])
def test_mid_p_mcnemar_is_statsmodels_exact_one_with_the_observed_count_halved(counts):
    a, b = _pair(*counts)
    both, only_a, only_b, neither = counts
    exact = mcnemar([[both, only_a], [only_b, neither]], exact=True).pvalue
    paired = compare_paired(a, b, range(len(a)))
    assert paired.method == MCNEMAR
    observed = stats.binom.pmf(only_a, only_a + only_b, 0.5)
    assert paired.p == pytest.approx(min(1.0, exact - observed) if only_a != only_b else 1.0)
    assert paired.difference == pytest.approx((only_b - only_a) / len(a))


def test_flipping_single_items_is_mcnemar():
    a, b = _pair(30, 2, 11, 20)
    mid = compare_paired(a, b, range(63))
    nearly = compare_paired([*a, 0.5], [*b, 0.5], range(64))  # one fraction: no longer 0/1
    assert nearly.method == FLIPS
    assert nearly.p == pytest.approx(mid.p, abs=0.006)


def test_an_interval_of_single_items_leaves_out_zero_only_where_p_is_at_most_alpha():
    calls = set()
    for only_b in range(4, 14):
        paired = compare_paired(*_pair(40, 2, only_b, 40), range(82 + 2 + only_b - 2), resamples=1999)
        assert paired.low <= 0 or paired.p <= 0.05
        calls.add(paired.low > 0)
    assert calls == {True, False}


def test_the_gain_that_planning_names_is_found_as_often_as_it_says():
    rng = np.random.default_rng(3)  # 100 items, 10% discordant, a gain of 8.8 points: 9.4 won, 0.6 lost
    won = np.array([compare_paired(*_pair(60, lost, gained, 40 - lost - gained), range(100), resamples=999).low > 0
                    for gained, lost, _ in rng.multinomial(100, [0.094, 0.006, 0.9], 200)])  # fmt: skip
    assert won.mean() > 0.8  # 0.87 by the binomial; the exact test's 0.79 would fail here more often than not


def test_mcnemar_is_not_used_where_a_group_holds_two_items():
    a, b = _pair(10, 2, 9, 9)
    assert compare_paired(a, b, [0, *range(29)]).method == FLIPS


def test_few_groups_are_flipped_in_every_way_so_that_p_is_exact():
    paired = compare_paired([0.0] * 12, [1.0] * 12, [n // 2 for n in range(12)])
    assert paired.p == 2 / 2**6


@pytest.mark.parametrize("groups", [range(100), [n // 5 for n in range(100)]])
def test_equal_answers_have_no_difference_but_an_interval_with_width(groups):
    same = [float(n % 3 > 0) for n in range(100)]
    paired = compare_paired(same, same, groups)
    assert (paired.difference, paired.p) == (0.0, 1.0)
    assert paired.low == -paired.high
    assert paired.high > 0.03  # 0 of 100: as much as three may have been missed


def test_exchanging_the_two_turns_the_interval_round():
    rng = np.random.default_rng(5)
    a, b, groups = rng.random(80), rng.random(80), [n // 4 for n in range(80)]
    one, other = compare_paired(a, b, groups), compare_paired(b, a, groups)
    assert (one.low, one.high, one.p) == pytest.approx((-other.high, -other.low, other.p), abs=1e-9)


def test_the_same_seed_gives_the_same_figures():
    rng = np.random.default_rng(6)
    a, b, groups = rng.random(60), rng.random(60), [n // 3 for n in range(60)]
    assert compare_paired(a, b, groups) == compare_paired(a, b, groups)


@pytest.mark.parametrize(("groups", "size", "suits"), [(10, 5, 0.5), (30, 6, 1.0), (60, 1, 0.0)])
def test_two_equal_rungs_are_told_apart_in_at_most_one_of_twenty_samples(groups, size, suits):
    rng = np.random.default_rng(groups)
    apart = 0
    for _ in range(300):
        index = np.repeat(np.arange(groups), rng.integers(1, 2 * size, groups) if size > 1 else 1)
        hard, suit = rng.normal(0, 1, groups)[index], rng.normal(0, suits, groups)[index]  # each suits its own groups
        a, b = (hard + sign * suit + rng.normal(0, 1, len(index)) > 0 for sign in (1, -1))
        paired = compare_paired(a.astype(float), b.astype(float), index.tolist(), resamples=999)
        apart += paired.low > 0 or paired.high < 0
    assert apart <= 15 + 7  # 5% and two standard errors


def test_a_gain_of_twenty_points_is_found_in_most_samples_of_two_hundred_items():
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(100):
        index = np.arange(200) // 4
        hard = rng.normal(0, 0.7, 50)[index]
        a, b = (hard + shift + rng.normal(0, 1, 200) > 0 for shift in (-0.25, 0.4))
        found += compare_paired(a.astype(float), b.astype(float), index.tolist(), resamples=999).low > 0
    assert found >= 80


def test_ten_thousand_flips_of_three_hundred_groups_take_less_than_a_second():
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 900)) < 0.6
    start = time.process_time()
    compare_paired(a.astype(float), b.astype(float), [n // 3 for n in range(900)])
    assert time.process_time() - start < 1.0
