"""Money: what an answer costs, when a proven gain pays for itself, and what would turn the verdict."""

from __future__ import annotations

import pytest

from nichetune.core.records import ItemScore
from nichetune.decide.worth import Outcomes

GROUPS = [n // 2 for n in range(200)]
FULL_USD = 10_800  # its training, at the settings' prices: 900 a month over a year
FULL_FLOPS = FULL_USD / 0.10 * 3600 * 100e9


def _first(right: int, n: int = 200) -> list[float]:
    return [float(i < right) for i in range(n)]


def _desk(make_desk, full: int = 150, **economics):
    """qlora is far better than classical and costs little; full is better still, and its training costs a lot."""
    desk = make_desk(GROUPS)
    desk.price(requests_per_month=10_000, **economics)
    desk.score("classical", _first(20))
    desk.score("qlora", _first(120))
    desk.score("full", _first(full), train_flops=FULL_FLOPS)
    return desk


def test_without_a_value_the_margin_alone_decides_and_the_verdict_says_so(make_desk):
    verdict = _desk(make_desk).decide()
    assert verdict["ship"] == "full"
    assert verdict["economics"]["value_given"] is False
    assert any(reason.startswith("No value of an answer was given") for reason in verdict["reasons"])
    assert all("pays" not in pair for pair in verdict["comparisons"])


def test_a_proven_gain_that_does_not_pay_is_not_climbed_for(make_desk):
    verdict = _desk(make_desk, usd_per_wrong_answer=0.10).decide()
    assert (verdict["ship"], verdict["conclusive"]) == ("qlora", True)
    not_full = next(reason for reason in verdict["reasons"] if reason.startswith("Not full"))
    assert "15.0 points better than qlora (95% interval " in not_full
    assert "which is worth $150.00 a month (" in not_full  # 15 of 100 answers, 10,000 a month, ten cents each
    assert "and costs $908.33 a month more: it does not pay." in not_full  # 8.33: three teraflops more an answer
    step = next(s for s in verdict["economics"]["steps"] if (s["a"], s["b"]) == ("qlora", "full"))
    assert step["saving_usd"] == pytest.approx(150)
    assert step["low_usd"] < step["saving_usd"] < step["high_usd"]
    assert verdict["economics"]["usd_of_a_point_a_month"] == pytest.approx(10)


def test_the_same_gain_is_climbed_for_where_answers_are_worth_more(make_desk):
    verdict = _desk(make_desk, usd_per_wrong_answer=2).decide()
    assert (verdict["ship"], verdict["conclusive"]) == ("full", True)
    assert "a month more: it pays." in verdict["reasons"][0]


def test_where_money_leaves_it_open_the_verdict_is_open_and_says_how_many_items_would_settle_it(make_desk):
    desk = _desk(make_desk, usd_per_wrong_answer=0.66)  # worth some 990 of the 900 that it costs
    verdict = desk.decide()
    assert (verdict["ship"], verdict["conclusive"]) == ("qlora", False)
    assert any("whether it pays is open" in reason for reason in verdict["reasons"])
    assert verdict["n_needed"] > 200


def test_the_cheapest_rung_stays_where_nothing_dearer_pays_and_the_first_sentence_says_why(make_desk):
    desk = make_desk(GROUPS)
    desk.price(requests_per_month=10_000, usd_per_wrong_answer=0.10)
    desk.score("classical", _first(100))
    desk.score("full", _first(130), train_flops=FULL_FLOPS)
    verdict = desk.decide()
    assert (verdict["ship"], verdict["conclusive"]) == ("classical", True)
    assert verdict["reasons"][0].startswith("Ship classical: full is 15.0 points better than classical on ask.exact (")
    assert verdict["reasons"][0].endswith("it does not pay.")


@pytest.mark.parametrize(
    ("assumption", "up"),
    [
        ("usd_per_wrong_answer", True),
        ("requests_per_month", True),
        ("horizon_months", True),
        ("usd_per_machine_hour", False),
    ],
)
def test_the_verdict_turns_at_the_factor_that_it_names_for_an_assumption(make_desk, assumption, up):
    desk = _desk(make_desk, usd_per_wrong_answer=0.30)
    verdict = desk.decide()
    assert verdict["ship"] == "qlora"
    turn = next(t for t in verdict["economics"]["turns"] if t["assumption"] == assumption and t["ship"] == "full")
    assert (turn["factor"] > 1) == up
    value = getattr(desk.settings.economics, assumption)
    for nudge, ships in ((1.02, "full"), (1 / 1.08, "qlora")):  # found to a twentieth
        desk.price(**{assumption: value * turn["factor"] * (nudge if up else 1 / nudge)})
        assert desk.decide()["ship"] == ships


@pytest.mark.parametrize("assumption", ["usd_per_review", "trainings"])
def test_what_a_rung_costs_more_can_turn_the_verdict_to_a_cheaper_one(make_desk, assumption):
    desk = make_desk(GROUPS)
    desk.price(requests_per_month=1_000, usd_per_wrong_answer=0.5, usd_per_review=300)
    desk.score("classical", _first(20))
    desk.score("qlora", _first(120))
    verdict = desk.decide()
    assert verdict["ship"] == "qlora"
    assert verdict["rungs"]["qlora"]["cost"]["review_usd"] == 300
    assert "review_usd" not in verdict["rungs"]["classical"]["cost"]
    (turn,) = [t for t in verdict["economics"]["turns"] if t["assumption"] == assumption]
    assert turn["ship"] == "classical" and turn["factor"] > 1


def test_the_break_even_volume_is_the_one_at_which_saving_and_cost_meet(make_desk):
    desk = _desk(make_desk, usd_per_wrong_answer=0.30)
    step = next(s for s in desk.decide()["economics"]["steps"] if (s["a"], s["b"]) == ("qlora", "full"))
    assert step["saving_usd"] < step["extra_usd"]
    desk.price(requests_per_month=round(step["break_even_requests"]))
    even = next(s for s in desk.decide()["economics"]["steps"] if (s["a"], s["b"]) == ("qlora", "full"))
    assert even["saving_usd"] == pytest.approx(even["extra_usd"], rel=1e-3)


def test_each_outcome_costs_what_the_settings_say():
    outcomes = Outcomes(wrong=4.0, abstained=1.0, escalated=2.0)

    def lost(**scores: float) -> float:
        score = ItemScore(item="i", group="g", task="t", scores=scores)
        return round(outcomes.dearest * (1 - outcomes.spare(score, "exact")), 9)

    assert lost(exact=1, parsed=1) == 0
    assert lost(exact=0, parsed=1, over_refusal=0) == 4
    assert lost(exact=0.75, parsed=1) == 1
    assert lost(exact=1, parsed=1, abstain_precision=1, abstain_recall=1) == 1  # rightly asked back
    assert lost(exact=0, parsed=1, abstain_precision=0, over_refusal=1) == 3  # a person answers after all
    assert lost(exact=0, parsed=0) == 2  # nobody can read it, and nobody is misled by it


def test_a_rung_that_abstains_where_the_other_errs_saves_more_than_its_scores_tell(make_desk):
    desk = make_desk(GROUPS)
    desk.price(requests_per_month=10_000, usd_per_wrong_answer=5, usd_per_escalation=1)
    wrong = [None if n < 100 else 0.0 for n in range(200)]
    desk.score("classical", _first(60), parsed=[1.0] * 200)
    refuses = [1.0 if n >= 100 else 0.0 for n in range(200)]
    desk.score("qlora", _first(100), parsed=[1.0] * 200, over_refusal=refuses, abstain_precision=wrong)
    step = next(s for s in desk.decide()["economics"]["steps"] if s["b"] == "qlora")
    assert step["saving_usd"] == pytest.approx((140 * 5 - 100 * 1) / 200 * 10_000)


def test_seeds_widen_the_interval_of_the_money_too(make_desk):
    widths = []
    for by_seed in ([_first(150)] * 3, [_first(140), _first(160), _first(150)]):
        desk = make_desk(GROUPS, seeds=3)
        desk.price(requests_per_month=10_000, usd_per_wrong_answer=1)
        desk.score("classical", _first(20))
        desk.score_seeds("qlora", *by_seed)
        (step,) = desk.decide()["economics"]["steps"]
        widths.append(step["high_usd"] - step["low_usd"])
    assert widths[0] < widths[1]
