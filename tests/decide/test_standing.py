"""What stands beside the ladder: looks, suites and gates in the verdict, and the last word on the blind holdout."""

from __future__ import annotations

import pytest

from nichetune.core.errors import UserError
from nichetune.core.files import write_json
from nichetune.core.records import ItemScore
from nichetune.decide.final import choose_runner_up, judge_final
from nichetune.decide.ladder import Rule
from nichetune.decide.standing import add_standing, warn_of_looks

RULE = Rule(margin=0.02, alpha=0.05, resamples=2000, seed=7)


def verdict(ship: str = "qlora", **values: float | None) -> dict:
    rungs = {
        rung: {
            "metrics": {"ask.exact": {"value": value}},
            "cost": {"total_usd": float(cost)},
        }  # each dearer than the last
        for cost, (rung, value) in enumerate(values.items())
    }
    return {"ship": ship, "primary": "ask.exact", "rungs": rungs, "benchmark_digest": "b1", "reasons": ["Ship it."]}


def scores(*values: float, group: int = 1) -> list[ItemScore]:
    return [ItemScore(item=f"q{n}", group=f"g{n // group}", task="ask", scores={"exact": float(v)})
            for n, v in enumerate(values)]  # fmt: skip


def test_the_runner_up_is_the_best_of_the_others_and_the_cheaper_of_equals():
    assert choose_runner_up(verdict(classical=0.5, base=0.5, qlora=0.9, full=None)) == "classical"
    assert choose_runner_up(verdict(classical=0.5, base=0.6, qlora=0.9)) == "base"
    assert choose_runner_up(verdict(qlora=0.9)) == ""


@pytest.mark.parametrize(
    ("ship", "other", "decision", "means"),
    [
        ([1] * 55 + [0] * 5, [0] * 55 + [1] * 5, "better", "the verdict holds"),
        ([0] * 55 + [1] * 5, [1] * 55 + [0] * 5, "worse", "does not hold"),
        ([1, 0] * 30, [1, 0] * 29 + [0, 1], "inconclusive", "too few items"),
    ],
)
def test_the_blind_items_say_whether_the_verdict_holds(ship, other, decision, means):
    told = judge_final(verdict(classical=0.5, qlora=0.9), {"qlora": scores(*ship), "classical": scores(*other)}, RULE)
    assert told["decision"] == decision and means in told["sentence"]
    assert told["difference"] == pytest.approx((sum(ship) - sum(other)) / 60, abs=1e-6)
    assert told["low"] <= told["difference"] <= told["high"] and (told["n"], told["groups"]) == (60, 60)


@pytest.mark.parametrize(
    ("ship", "gain", "holds"),
    [
        ("qlora", 0.06, True),
        ("qlora", 0.01, False),  # better, and not by the margin that the sealed rule asks of a dearer rung
        ("qlora", 0.02, None),
        ("classical", -0.01, True),  # worse, and not by so much that a dearer one would have won
        ("classical", -0.06, False),
        ("classical", -0.02, None),
    ],
)
def test_the_verdict_holds_by_its_own_rule_and_not_by_who_is_ahead(ship, gain, holds):
    ahead, n = [1] * round(2000 * abs(gain)) + [0] * round(2000 * (1 - abs(gain))), 2000
    own, other = (ahead, [0] * n) if gain > 0 else ([0] * n, ahead)
    against = {"qlora": "classical", "classical": "qlora"}[ship]
    told = judge_final(verdict(ship, classical=0.5, qlora=0.5), {ship: scores(*own), against: scores(*other)}, RULE)
    assert told["holds"] is holds
    if abs(gain) != 0.02:
        assert told["decision"] == ("better" if gain > 0 else "worse")


def test_blind_items_without_the_primary_metric_are_one_line_and_no_crash():
    with pytest.raises(UserError, match="no blind item holds"):
        judge_final(verdict(classical=0.5, qlora=0.9), {"qlora": [], "classical": []}, RULE)


def test_a_lone_rung_is_told_its_figure_alone():
    told = judge_final(verdict(qlora=0.9), {"qlora": scores(*[1, 1, 0] * 10, group=3)}, RULE)
    assert told["against"] is None and told["rungs"]["qlora"].value == pytest.approx(0.666667)
    assert "n = 30, 10 groups" in told["sentence"] and "decision" not in told


def test_choices_made_on_the_sealed_items_are_warned_of_and_repeats_are_not():
    looks = {"total": 9, "candidates": [{"rung": "qlora", "candidate": "c", "times": 9}], "choices": {}}
    assert warn_of_looks(looks | {"earlier_seals": 0}) == []
    told = warn_of_looks(looks | {"choices": {"qlora": 3}, "earlier_seals": 2})
    assert "qlora: 3 candidates with different settings" in told[0] and "2 earlier seals" in told[1]


def make_suite(folder, rung: str, missed: list[str], n: int = 40):
    critical = {"missed": len(missed), "n": n, "upper": 0.0722, "items": missed}
    write_json(folder / "evaluate" / rung / "suites" / "policy" / "suite.json", {"metrics": {}, "critical": critical})
    write_json(folder / "benchmark" / "benchmark.json", {"suites": {"policy": {}}})
    return {"benchmark": folder / "benchmark", f"evaluate/{rung}": folder / "evaluate" / rung}


def test_critical_failures_of_the_rung_that_ships_block_it_and_those_of_others_do_not(tmp_path, make_desk):
    settings = make_desk([1] * 20).settings
    inputs = make_suite(tmp_path, "qlora", [f"p{n}" for n in range(7)]) | make_suite(tmp_path, "base", ["p9"])
    told = add_standing(verdict(), settings, inputs, None)
    assert len(told["blocked"]) == 1
    assert told["blocked"][0].startswith("7 critical failures of qlora in suite policy")
    assert "p0, p1, p2, p3, p4 and 2 more" in told["blocked"][0] and "p9" not in told["blocked"][0]
    allowed = settings.model_copy(update={"gates": settings.gates.model_copy(update={"critical_failures": "allow"})})
    let = add_standing(verdict(), allowed, inputs, None)
    assert let["blocked"] == [] and any("7 critical failures" in one for one in let["reasons"])


@pytest.mark.parametrize(("ship", "critical", "lines"), [("base", True, 1), ("classical", True, 0), ("base", False, 0)])
def test_a_critical_suite_that_nobody_asked_of_the_rung_blocks_it(tmp_path, make_desk, ship, critical, lines):
    settings, inputs = make_desk([1] * 20).settings, make_suite(tmp_path, "qlora", [])
    write_json(tmp_path / "benchmark" / "benchmark.json", {"suites": {"policy": {"critical": critical}}})
    told = add_standing(verdict(ship), settings, inputs, None)
    assert len(told["blocked"]) == lines  # a classical rung cannot be asked what it never learned
    assert all("was not asked suite policy" in line for line in told["blocked"])


def test_no_failure_is_told_with_its_bound_and_a_suite_not_asked_is_named(tmp_path, make_desk):
    settings, inputs = make_desk([1] * 20).settings, make_suite(tmp_path, "qlora", [])
    told = add_standing(verdict(), settings, inputs, None)
    assert any(
        "no critical failure of qlora in 40 items, so their rate is below 7.2%" in one for one in told["reasons"]
    )
    other = add_standing(verdict("base"), settings, inputs, None)
    assert "Suite policy: base was not asked." in other["reasons"] and other["blocked"] == []
