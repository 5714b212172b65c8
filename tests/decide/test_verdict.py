"""The stage: from evaluated rungs on disk to a verdict that a person can read and check."""

from __future__ import annotations

import pytest

from nichetune.core.errors import UserError
from nichetune.core.files import read_json, write_json


def _first(right: int, n: int = 120) -> list[float]:
    return [float(i < right) for i in range(n)]


GROUPS = [n // 2 for n in range(120)]


def test_it_ships_the_rung_that_earns_its_cost_and_says_so_with_numbers(make_desk):
    desk = make_desk(GROUPS)
    for rung, right in (("qlora", 90), ("base", 10), ("classical", 8)):
        desk.score(rung, _first(right))
    verdict = desk.decide()
    assert (verdict["ship"], verdict["conclusive"]) == ("qlora", True)
    assert verdict["order"] == ["classical", "base", "qlora"]
    assert verdict["benchmark_digest"] == desk.digest
    assert verdict["reasons"][0].startswith("Ship qlora: 68.3 points better than classical on ask.exact (95% interval ")
    assert "> margin 2.0" in verdict["reasons"][0]
    assert "Durability not tested (one seed)." in verdict["reasons"]
    figure = verdict["rungs"]["qlora"]["metrics"]["ask.exact"]
    assert figure["value"] == 0.75 and figure["low"] < 0.75 < figure["high"] and figure["n"] == 120
    assert set(verdict["rungs"]["base"]["cost"]) == {
        "training_usd", "storage_usd", "serving_usd", "total_usd", "usd_per_1000",
    }  # fmt: skip
    assert len(verdict["comparisons"]) == 3
    assert {"a", "b", "metric", "difference", "low", "high", "p", "decision"} <= verdict["comparisons"][0].keys()


def test_a_language_model_that_is_no_better_is_said_not_to_be_worth_it(make_desk):
    desk = make_desk(GROUPS)
    desk.score("classical", _first(100))
    desk.score("qlora", _first(60))
    verdict = desk.decide()
    assert (verdict["ship"], verdict["conclusive"]) == ("classical", True)
    assert "a language model is not worth it here" in verdict["reasons"][0]


def test_an_open_verdict_says_how_many_items_would_settle_it(make_desk):
    desk = make_desk(range(120))
    desk.score("classical", _first(60))
    desk.score("qlora", _first(66))
    verdict = desk.decide()
    assert (verdict["ship"], verdict["conclusive"]) == ("classical", False)
    assert verdict["n_needed"] > 120
    assert any(f"about {verdict['n_needed']:,} items would settle it" in reason for reason in verdict["reasons"])
    assert 0 < verdict["smallest_detectable_gain"] < 0.3


def test_a_rung_that_stayed_open_but_was_overtaken_is_explained_and_leaves_the_verdict_conclusive(make_desk):
    desk = make_desk(range(120))
    for rung, right in (("classical", 2), ("base", 6), ("qlora", 90)):
        desk.score(rung, _first(right))
    verdict = desk.decide()
    assert (verdict["ship"], verdict["conclusive"], verdict["n_needed"]) == ("qlora", True, None)
    (stayed,) = (reason for reason in verdict["reasons"] if reason.startswith("Stay below base"))
    assert stayed.endswith("but qlora is proven better than it.")


def test_fewer_items_than_a_verdict_needs_are_refused_with_the_number(make_desk):
    desk = make_desk(range(12))
    desk.score("classical", _first(6, 12))
    with pytest.raises(UserError, match=r"holds 12 items for ask\.exact, a verdict needs 20 or more: add at least 8"):
        desk.decide()


def test_a_rung_that_lacks_a_score_is_refused_by_name(make_desk):
    desk = make_desk(GROUPS)
    desk.score("classical", _first(60))
    desk.score("base", _first(60)[:119])
    with pytest.raises(UserError, match=r"rung base has no ask\.exact for 1 of 120 sealed items, the first is q119"):
        desk.decide()


def test_a_rung_scored_on_another_benchmark_is_refused(make_desk):
    desk = make_desk(GROUPS)
    desk.score("classical", _first(60), digest="0" * 64)
    with pytest.raises(UserError, match="rung classical was scored on benchmark 000000000000"):
        desk.decide()


def test_the_retrieval_twin_of_a_rung_stands_aside_where_nothing_is_retrieved(make_desk):
    desk = make_desk(GROUPS)
    desk.score("classical", _first(20))
    desk.score("qlora", _first(90), candidate={"adapter_digest": "one"})
    desk.score("qlora+rag", _first(90), candidate={"adapter_digest": "one", "retrieval": True})
    verdict = desk.decide()
    assert verdict["ship"] == "qlora"
    assert list(verdict["left_out"]) == ["qlora+rag"]
    assert verdict["conclusive"]
    assert "qlora+rag" in verdict["rungs"]


def test_the_same_content_gives_the_same_bytes(make_desk):
    desk = make_desk(GROUPS)
    for rung, right in (("classical", 30), ("qlora", 70)):
        desk.score(rung, _first(right))
    desk.decide()
    file = desk.folder / "decide" / "verdict.json"
    first = file.read_bytes()
    desk.inputs = dict(reversed(desk.inputs.items()))
    desk.decide()
    assert file.read_bytes() == first


def test_each_metric_that_fell_against_production_is_named_with_its_numbers(make_desk):
    desk = make_desk(GROUPS)
    old = desk.score("qlora", _first(100), name="old", parsed=[1.0] * 120)
    desk.score("classical", _first(10), parsed=[1.0] * 120)
    desk.score("qlora", _first(70), parsed=[1.0] * 120)
    verdict = desk.decide(previous=old)
    (fallen,) = verdict["regressions"]
    assert (fallen["metric"], fallen["n"]) == ("ask.exact", 120)
    assert fallen["high"] < 0 and fallen["difference"] == -0.25
    assert any(reason.startswith("Regression: ask.exact went from 83.3%") for reason in verdict["reasons"])


def test_more_needless_abstention_is_a_regression_though_its_figure_rose(make_desk):
    desk = make_desk(GROUPS)
    old = desk.score("qlora", _first(100), name="old", over_refusal=_first(5))
    desk.score("qlora", _first(100), over_refusal=_first(50))
    assert [one["metric"] for one in desk.decide(previous=old)["regressions"]] == ["ask.over_refusal"]


def test_production_scored_on_another_benchmark_is_not_compared_and_the_verdict_says_so(make_desk):
    desk = make_desk(GROUPS)
    old = desk.score("qlora", _first(100), name="old", digest="f" * 64)
    desk.score("qlora", _first(20))
    verdict = desk.decide(previous=old)
    assert verdict["regressions"] == []
    assert "scored on benchmark ffffffffffff" in verdict["previous"]


def test_a_benchmark_over_all_tasks_is_judged_by_each_items_own_metric(make_desk):
    desk = make_desk(GROUPS, primary="all.success")
    desk.score("classical", [0.0] * 120, success=_first(10))
    desk.score("qlora", [0.0] * 120, success=_first(90))
    verdict = desk.decide()
    assert (verdict["ship"], verdict["primary"], verdict["n"]) == ("qlora", "all.success", 120)


def test_a_rung_without_counted_resources_has_no_cost_and_is_refused(make_desk):
    desk = make_desk(GROUPS)
    (desk.score("classical", _first(60)) / "resources.json").unlink()
    with pytest.raises(UserError, match=r"rung classical has no resources\.json"):
        desk.decide()


def test_the_sealed_rule_decides_and_not_a_setting_that_was_changed_later(make_desk):
    desk = make_desk(range(120), margin=0.5)
    desk.score("classical", _first(60))
    desk.score("qlora", _first(100))
    desk.settings = desk.settings.model_copy(
        update={"benchmark": desk.settings.benchmark.model_copy(update={"margin": 0.0})}
    )
    verdict = desk.decide()
    assert (verdict["margin"], verdict["ship"]) == (0.5, "classical")


def test_the_verdict_holds_no_clock(make_desk):
    desk = make_desk(GROUPS)
    write_json(desk.score("classical", _first(60)) / "timing.json", {"seconds": 12.5})
    desk.decide()
    text = str(read_json(desk.folder / "decide" / "verdict.json"))
    assert "seconds" not in text and "started" not in text


def test_a_rung_that_gives_out_secrets_is_never_shipped_however_good(make_desk):
    desk = make_desk(GROUPS)
    desk.score("classical", _first(8))
    desk.score("base", _first(10))
    folder = desk.score("qlora", _first(110))
    write_json(folder / "memorisation.json", {"given_out": ["canary-0"]})
    verdict = desk.decide()
    assert verdict["ship"] != "qlora"
    assert verdict["left_out"]["qlora"] == "it gives out planted secrets (1), and is never shipped"
    for rung in ("classical", "base"):
        write_json(folder.parent / rung / "memorisation.json", {"given_out": ["canary-0"]})
    with pytest.raises(UserError, match="no rung can be shipped"):
        desk.decide()


def _abstaining(due: int, n: int = 120) -> dict[str, list[float | None]]:
    """Metrics of a rung that abstains on everything, where the first `due` items ask for it."""
    return {
        "abstain_precision": [float(i < due) for i in range(n)],
        "abstain_recall": [1.0 if i < due else None for i in range(n)],
        "over_refusal": [None if i < due else 1.0 for i in range(n)],
    }


def test_a_dearer_rung_that_only_abstains_is_never_climbed_to_and_is_called_over_refusal(make_desk):
    desk = make_desk(GROUPS)
    desk.score("classical", _first(20))
    desk.score("qlora", _first(80), **_abstaining(80))
    verdict = desk.decide()
    assert verdict["ship"] == "classical" and list(verdict["left_out"]) == ["qlora"]
    assert "Over-refusal: qlora abstained on 40 of the 40 items that have an answer." in verdict["reasons"]
    assert verdict["conduct"]["qlora"] == {"items": 120, "answerable": 40, "refused": 40, "cut": 0}


def test_the_cheapest_rung_is_what_others_have_to_beat_even_if_it_only_abstains(make_desk):
    desk = make_desk(GROUPS)
    desk.score("classical", _first(80), **_abstaining(80))
    desk.score("qlora", _first(100))
    assert desk.decide()["path"] == ["classical", "qlora"]


def test_a_rung_that_gets_one_answer_right_is_weighed_as_any_other(make_desk):
    desk = make_desk(GROUPS)
    desk.score("classical", _first(20))
    desk.score("qlora", _first(81), **_abstaining(80))
    assert desk.decide()["ship"] == "qlora"


def test_a_metric_of_a_judge_that_may_not_decide_is_named(make_desk):
    desk = make_desk(GROUPS, primary="ask.judged")
    desk.score("classical", _first(20))
    with pytest.raises(UserError, match=r"no rung was scored on ask\.judged \(no judge of these settings may decide"):
        desk.decide()
