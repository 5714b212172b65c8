"""Holm's steps, and what a number of items can show."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from nichetune.decide.holm import step_down
from nichetune.decide.power import Noise, items_needed, smallest_gain
from nichetune.decide.seeds import Luck


def _no_bound(pair: int, level: float) -> float:
    return -1.0


def test_adjusted_p_values_agree_with_statsmodels():
    p = np.random.default_rng(2).random(9) ** 3
    steps = step_down(p.tolist(), _no_bound, 0.0, 0.05)
    assert [s.p_adjusted for s in steps] == pytest.approx(multipletests(p, method="holm")[1].tolist())


def test_nothing_is_rejected_after_the_first_bound_that_fails():
    asked: dict[int, float] = {}

    def bound_at(pair: int, level: float) -> float:
        asked[pair] = level
        return {0: 0.09, 1: 0.01, 2: 0.07}[pair]

    steps = step_down([0.001, 0.01, 0.02], bound_at, 0.02, 0.06)
    assert [s.rejected for s in steps] == [True, False, False]
    assert asked == pytest.approx({0: 0.02, 1: 0.03, 2: 0.03})  # after it, the level at which it failed


@pytest.mark.parametrize(("n", "gain"), [(100, 0.088), (200, 0.062), (500, 0.040)])
def test_the_smallest_gain_of_ten_percent_discordance_is_the_reference(n, gain):
    assert smallest_gain(n, 0.10) == pytest.approx(gain, abs=5e-4)


def test_sixty_items_cannot_show_any_gain_of_ten_percent_discordance():
    assert smallest_gain(60, 0.10) is None


def test_the_items_needed_for_a_gain_show_that_gain():
    assert smallest_gain(items_needed(0.05, 0.10), 0.10) == pytest.approx(0.05, abs=1e-4)


def test_groups_of_alike_items_need_as_many_more_items_as_their_design_effect():
    assert smallest_gain(200, 0.10, noise=Noise(2.0)) == pytest.approx(smallest_gain(100, 0.10))
    assert items_needed(0.05, 0.10, noise=Noise(3.0)) == pytest.approx(3 * items_needed(0.05, 0.10), abs=3)


def test_what_the_seeds_leave_open_no_number_of_items_closes():
    luck = Luck(variance=0.01**2, degrees=2, seeds=3)
    few, more = Noise(luck=luck), Noise(luck=luck.with_seeds(9))
    assert smallest_gain(10_000_000, 0.1, noise=few) == pytest.approx(0.01 * (4.3027 + 0.8416), rel=0.01)
    assert smallest_gain(200, 0.1, noise=few) > smallest_gain(200, 0.1) + 0.01
    assert smallest_gain(200, 0.1, noise=more) < smallest_gain(200, 0.1, noise=few)
