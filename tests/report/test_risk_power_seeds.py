"""Risk against coverage, power and looks, seeds: drawn from what is there, and said to be missing where it is not."""

from __future__ import annotations

import itertools
from dataclasses import replace
from html import unescape
from types import SimpleNamespace

import pytest
from finished_run import Run

from nichetune.decide.power import Noise, smallest_gain
from nichetune.decide.reasons import points
from nichetune.report.material import Material, read_material
from nichetune.report.page import render_page
from nichetune.report.power import build_power
from nichetune.report.risk import WHY_MISSING, build_risk, measure_area, risk_at, trace_risk
from nichetune.report.seeds import build_seeds

SEEDS = {
    "count": 3, "shipped": 1, "holds": 2, "pair": ["classical", "qlora"], "gains": [0.12, 0.015, 0.14],
    "rungs": {"qlora": {"scores": [0.75, 0.645, 0.77], "mean": 0.721667, "deviation": 0.067144}},
}  # fmt: skip


@pytest.fixture
def run(finished: Run) -> Material:
    return read_material(finished.settings, finished.inputs)


def with_confidence(run: Material, rung: str, confidences: dict[str, float]) -> Material:
    """The run as it is where one rung's engine tells how likely its answers were."""

    def tell(one):
        told = {i: SimpleNamespace(**(dict(p) | {"confidence": confidences[i]})) for i, p in one.predictions.items()}
        return replace(one, predictions=told)

    return replace(run, rungs=[tell(one) if one.name == rung else one for one in run.rungs])


def test_risk_by_coverage_of_three_answers():
    points_ = trace_risk([0.8, 0.2, 0.9], [1, 0, 1])
    assert [(p.coverage, p.risk) for p in points_] == [(1 / 3, 0), (2 / 3, 0), (1, 1 / 3)]
    assert measure_area(points_, 3) == pytest.approx(1 / 9)


def test_equal_confidences_are_covered_together_in_whatever_order_they_stand():
    for scores in set(itertools.permutations([1, 1, 0, 0])):
        found = trace_risk([0.5] * 4, scores)
        assert [(p.coverage, p.risk) for p in found] == [(1, 0.5)] and measure_area(found, 4) == pytest.approx(0.5)


def test_the_area_is_the_expectation_over_the_orders_of_equal_confidences():
    scores = [1, 1, 0, 0, 1]
    orders = [[1, *rest] for rest in itertools.permutations(scores[1:])]
    areas = [sum(1 - sum(order[:k]) / k for k in range(1, 6)) / 5 for order in orders]
    found = trace_risk([0.9, 0.5, 0.5, 0.5, 0.5], scores)
    assert measure_area(found, 5) == pytest.approx(sum(areas) / len(areas))


def test_a_confidence_that_orders_well_has_less_area_than_one_that_orders_badly():
    scores = [1.0] * 7 + [0.0] * 3
    well = measure_area(trace_risk([1 - n / 10 for n in range(10)], scores), 10)
    badly = measure_area(trace_risk([n / 10 for n in range(10)], scores), 10)
    assert well == pytest.approx((1 / 8 + 2 / 9 + 3 / 10) / 10) and badly > 0.5 > well


def test_risk_is_told_only_near_the_coverage_that_was_asked_for():
    found = trace_risk([0.9, 0.9, 0.9, 0.1], [1, 1, 0, 0])
    assert risk_at(found, 0.75) == pytest.approx(1 / 3) and risk_at(found, 0.7) == pytest.approx(1 / 3)
    assert risk_at(found, 0.1) is None and risk_at(found, 1.0) == 0.5


def test_without_a_confidence_the_section_says_why(run, page):
    assert build_risk(run).missing == WHY_MISSING and WHY_MISSING in unescape(page)


def test_a_rung_that_tells_its_confidence_is_drawn_and_others_are_named(run):
    scores = {i: s.scores["exact_form"] for i, s in run.shipped.scores.items() if "exact_form" in s.scores}
    told = with_confidence(run, run.ship, {i: 0.5 + 0.4 * scores.get(i, 0.0) for i in run.shipped.predictions})
    found = build_risk(told)
    assert not found.missing and [curve.name for curve in found.curves] == [run.ship]
    assert found.rows[0].n == 24 and found.rows[0].cells[-1] == f"{points(1 - sum(scores.values()) / 24)}%"
    assert found.rows[0].cells[3] == "0.0%"  # the surest three quarters are right: confidence knows the scores here
    assert "base" in found.without and run.ship not in found.without
    assert "Risk by coverage as a table" in render_page(told)


def test_power_repeats_the_verdicts_own_figure_and_plans_other_sizes(run):
    found, told = build_power(run), run.verdict["power"]
    assert found is not None
    assert f"a true gain of {points(told['smallest_gain'])} points" in found.sentence
    own = next(row for row in found.sizes if row.own)
    assert own.items == run.verdict["n"] and own.gain == points(told["smallest_gain"])
    gains = [float(row.gain) for row in found.sizes if row.gain != "none"]
    assert gains == sorted(gains, reverse=True) and len(gains) > 2
    noise = Noise(told["design_effect"], told["items_per_group"])
    wanted = smallest_gain(8 * own.items, told["discordant"], 0.05, 0.8, noise)
    assert wanted is not None and found.sizes[-1].gain == points(wanted)
    needed = [int(row.items.replace(",", "")) for row in found.gains]
    assert needed == sorted(needed, reverse=True) and sum(row.is_margin for row in found.gains) == 1


def test_looks_are_told_where_the_verdict_counts_them(run, page):
    assert "This verdict does not count them." in page
    candidates = [("base", "b1" * 32, 1), ("qlora", "a1" * 32, 1), ("qlora", "a2" * 32, 2)]
    looks = {
        "total": 4, "candidates": [{"rung": r, "candidate": c, "times": n} for r, c, n in candidates],
        "warnings": ["qlora: 2 candidates were scored on the sealed items"],
    }  # fmt: skip
    told = replace(run, verdict=run.verdict | {"looks": looks})
    found = build_power(told)
    assert found is not None and found.looks is not None
    assert [(row.rung, row.candidate, row.looks) for row in found.looks.rows] == candidates
    assert looks["warnings"][0] in unescape(render_page(told))


def test_one_seed_is_said_to_be_one(run):
    found = build_seeds(run)
    assert found.sentence == run.verdict["durability"] and not found.rows and found.plot is None


def test_scores_of_every_seed_stand_in_the_page(run):
    told = replace(run, verdict=run.verdict | {"seeds": SEEDS, "durability": "Durability over 3 seeds."})
    found = build_seeds(told)
    assert found.rows[0].scores == ["75.0%", "64.5%", "77.0%"] and found.rows[0].mean == "72.2%"
    assert (found.pair, found.holds, found.gains) == ("qlora over classical", 2, ["+12.0", "+1.5", "+14.0"])
    page = render_page(told)
    assert "64.5 to 77.0" in page and "it exceeds the margin in 2 of 3" in page


def test_suites_show_figures_and_the_bound_behind_no_failure(run, page):
    assert 'id="suites"' not in page
    figure = {"value": 0.95, "low": 0.84, "high": 0.99, "n": 40}
    critical = {"missed": 0, "n": 100, "upper": 0.029513, "items": []}
    failed = {"missed": 1, "n": 100, "upper": 0.046, "items": ["policy-04"]}
    told = {
        "suites": {
            "policy": {
                "qlora": {"metrics": {"ask.abstain_recall": figure}, "critical": critical},
                "base": {"metrics": {"ask.abstain_recall": figure}, "critical": failed},
            }
        },
        "blocked": ["1 critical failure of qlora"],
    }
    found = render_page(replace(run, verdict=run.verdict | told))
    assert "below 3.0%" in found and "policy-04" in found and "84.0 to 99.0" in found
    assert "Promotion is blocked: 1 critical failure of qlora." in found
