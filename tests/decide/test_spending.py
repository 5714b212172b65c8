"""Looks that share one alpha."""

from __future__ import annotations

import math

import pytest

from nichetune.decide.spending import MOST_LOOKS, level_of_look, resamples_at, spent_alpha


@pytest.mark.parametrize("looks", [1, 2, 5, 30, MOST_LOOKS])
def test_all_looks_together_spend_alpha_and_no_look_spends_nothing(looks):
    levels = [level_of_look(look, looks) for look in range(1, looks + 1)]
    assert math.fsum(levels) == pytest.approx(0.05, abs=1e-12)
    assert min(levels) > 0
    assert levels == sorted(levels, reverse=True)


def test_half_of_the_looks_have_spent_what_lan_and_demets_say():
    assert spent_alpha(5, 10) == pytest.approx(0.05 * math.log(1 + (math.e - 1) / 2))
    assert spent_alpha(10, 10) == pytest.approx(0.05)


def test_one_look_is_at_plain_alpha_with_the_usual_resamples():
    assert level_of_look(1, 1) == 0.05
    assert resamples_at(0.05) == 10_000


def test_a_small_level_gets_enough_resamples_to_be_reached():
    level = level_of_look(30, 30)
    assert level / 2 * resamples_at(level) >= 10
