"""Calibration, judge, robustness, memorisation: what the files say stands on the page, and what is missing is said."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
from finished_run import Run
from measured_run import make_drift

from nichetune.decide.reasons import percent
from nichetune.report.calibration import BOTTOM, TOP, build_calibration
from nichetune.report.cost import build_cost
from nichetune.report.judge import build_judge
from nichetune.report.material import Material, read_material
from nichetune.report.memorisation import NOT_PLANTED, NOT_TRAINED, build_memorisation
from nichetune.report.page import render_page
from nichetune.report.robustness import NOT_ASKED, build_robustness
from nichetune.report.suites import build_suites


@pytest.fixture
def run(measured: Run) -> Material:
    return read_material(measured.settings, measured.inputs)


def with_note(run: Material, rung: str, **notes: object) -> Material:
    """The run with other notes of one rung; None takes one away."""

    def change(one):
        held = {**one.notes, **notes}
        return replace(one, notes={name: told for name, told in held.items() if told is not None})

    return replace(run, rungs=[change(one) if one.name == rung else one for one in run.rungs])


def test_what_was_not_measured_is_said_in_one_line_or_left_out(finished, page):
    text = unescape(page)
    assert NOT_PLANTED in text and NOT_ASKED in text
    assert 'id="judge"' not in page and 'id="calibration"' not in page
    planted = finished.settings.model_copy(
        update={"canaries": finished.settings.canaries.model_copy(update={"count": 5})}
    )
    assert build_memorisation(read_material(planted, finished.inputs)).missing == NOT_TRAINED


def test_a_rung_that_gives_secrets_out_is_named_with_its_rate_and_refused(run):
    found = build_memorisation(run)
    rows = {row.rung: row for row in found.rows}
    assert found.leaking and set(rows) == {"qlora", "qlora+rag"}
    leaks = rows["qlora+rag"]
    assert (leaks.asked, leaks.given_out, leaks.secrets, leaks.rate) == (10, 1, "canary-3", "10.0%")
    assert leaks.standing == "refused: never shipped" and leaks.highest == leaks.ceiling == "6.66"
    assert (rows["qlora"].bound, rows["qlora"].standing) == ("below 25.9%", "may be shipped")  # 1 - 0.05 ** (1 / 10)
    page = unescape(render_page(run))
    assert "A tuned rung gives planted secrets out: it is never shipped." in page
    assert "went through the masking" in page


def test_an_unmasked_corpus_is_the_control(run):
    bare = run.settings.model_copy(update={"mask": run.settings.mask.model_copy(update={"enabled": False})})
    assert "this is the control" in build_memorisation(replace(run, settings=bare)).control
    sound = with_note(run, "qlora+rag", memorisation=None)
    assert not build_memorisation(sound).leaking and "gives planted secrets out" not in render_page(sound)


def test_falls_are_paired_differences_by_writing_task_and_rung(run):
    found = build_robustness(run)
    assert [plot.title for plot in found.plots] == ["With typos", "In capitals", "Fields in another order"]
    own = found.rungs.index("qlora")
    told = run.shipped.notes["robustness"]["typos"]["triage"]
    row = next(row for row in found.rows if (row.kind, row.task) == ("With typos", "triage"))
    cell = row.cells[own]
    assert cell is not None and cell.n == 24 and cell.marked
    assert cell.shares == f"{percent(told['before'])} → {percent(told['after'])}" and cell.difference.startswith("-")
    assert float(cell.difference) == pytest.approx(100 * (told["after"] - told["before"]), abs=0.06)
    questions = next(row for row in found.rows if (row.kind, row.task) == ("With typos", "instruction"))
    assert questions.cells[found.rungs.index("classical")] is None  # it answers no questions
    assert [row.task for row in found.rows if row.kind == "Fields in another order"] == ["triage"]
    assert [plot.meaning for plot in found.plots] == [
        "gain on all tasks, points", "gain on all tasks, points", "gain on triage, points",
    ]  # fmt: skip
    assert all(row.at is not None for row in found.plots[-1].rows)


def test_the_judge_is_shown_with_kappa_bound_and_the_pull_of_the_order(run):
    found = build_judge(run)
    assert found is not None and found.may_decide and found.least == "0.60"
    assert found.kappa == "0.71 (95% interval 0.61 to 0.81, n = 120)"
    assert "shown first" in found.leans
    told = next(row for row in found.rows if row.rung == "qlora")
    assert told.first == percent(run.shipped.notes["judge"]["order"]["first"]["value"])
    assert (told.first_n, told.turned_n, told.unclear) == (400, 200, "4 of 404")
    assert {row.value for row in found.judged} == {"62.5%"} and {row.n for row in found.judged} == {40}


def test_a_judge_that_may_not_decide_is_said_to_decide_nothing(run):
    own = run.shipped.notes["judge"]
    weak = own | {
        "may_decide": False, "agreement": {"value": None, "low": None, "high": None, "n": 12},
        "order": own["order"] | {"first": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 80}},
    }  # fmt: skip
    told = with_note(run, run.ship, judge=weak)
    page = unescape(render_page(told))
    assert "the judge decides nothing" in page and "none can be told of 12 labels" in page
    found = build_judge(told)
    assert found is not None and found.leans == ""
    earlier = with_note(run, run.ship, judge={k: v for k, v in own.items() if k != "order"})
    assert [row.first_n for row in build_judge(earlier).rows if row.marked] == [0]  # before the order was counted


def test_dots_stand_where_confidence_and_success_meet(run):
    found = build_calibration(run)
    assert found is not None and [task.task for task in found.tasks] == ["triage", "instruction"]
    triage = found.tasks[0]
    own = next(diagram for diagram in triage.diagrams if diagram.rung == "qlora")
    bins = run.shipped.notes["confidence"]["triage"]["bins"]
    assert len(own.dots) == len(bins) > 2 and own.n == sum(one["n"] for one in bins) == 24
    for dot, one in zip(own.dots, bins, strict=True):
        assert dot.x == pytest.approx(100 * one["confidence"], abs=0.01)
        assert (BOTTOM - dot.y) / (BOTTOM - TOP) == pytest.approx(one["outcome"], abs=0.01)
    rows = {row.rung: row for row in triage.rows}
    ece = run.shipped.figure("triage.ece")
    assert ece is not None and rows["qlora"].cells[0].value == f"{ece.value:.3f}" and rows["qlora"].cells[0].interval
    assert rows["qlora"].how == "Platt, on 40 development answers; answering pays from 0.31"
    assert rows["classical"].how.startswith("not calibrated: ") and rows["classical"].cells[2].value == "–"
    assert triage.without == ["base"]
    assert (len(triage.columns), found.tasks[1].columns) == (5, ["ECE", "Brier"])  # notes alone were calibrated


def test_figures_of_confidence_stand_with_calibration_and_those_of_abstaining_with_abstention(full_page):
    quality, abstention = (
        full_page.partition(f'<section id="{name}"')[2].partition("</section>")[0] for name in ("quality", "abstention")
    )
    assert "Brier" not in quality and "ECE" not in quality.upper() and "Missed abstention" not in quality
    assert "Missed abstention" in abstention and "Effective reliability" in abstention


def test_what_a_judge_left_behind_that_these_settings_do_not_ask_is_not_told(measured):
    asks_none = measured.settings.model_copy(update={"judge": type(measured.settings.judge)()})
    assert build_judge(read_material(asks_none, measured.inputs)) is None
    assert build_judge(read_material(measured.settings, measured.inputs)) is not None


def suite(run: Material, name: str):
    found = build_suites(run)
    assert found is not None
    return next(one for one in found.suites if one.name == name)


def test_a_suite_shows_its_main_metrics_and_its_critical_failures_up_to_their_bound(run):
    policy = suite(run, "policy")
    assert [plot.title for plot in policy.plots] == ["triage: Exact form", "Critical failures"]
    rows = {row.rung: row for row in policy.critical}
    assert (rows["qlora"].rate, rows["qlora"].bound, rows["qlora"].named) == (
        "2.5%", "below 11.3%", "policy-triage-input-04",
    )  # fmt: skip
    assert (rows["base"].rate, rows["base"].bound) == ("0.0%", "below 7.2%")
    assert policy.unasked == "Not asked: classical, qlora+rag." and policy.over_time is None
    general = suite(run, "general")
    assert [row.name.label for row in general.rows] == ["capitals: Exact answer"]  # what applies to nothing is left out
    assert general.unasked.startswith("Base was asked 31 of its 40 items; not asked: ")


def test_a_suite_over_time_has_its_slices_their_slope_and_what_changed_apart(run):
    drift = suite(run, "drift").over_time
    assert [row.part for row in drift.rows] == [
        "2021", "2022", "2024", "2026", "what changed", "what stayed", "slope, points a slice",
    ]  # fmt: skip
    own = drift.rungs.index("qlora")
    assert [row.cells[own].value for row in drift.rows[:4]] == ["80.0%", "64.0%", "48.0%", "36.0%"]
    assert (drift.rows[-1].cells[own].value, drift.rows[-1].cells[own].interval) == ("-15.0", "-21.0 to 4.0")
    assert drift.sentence == "The right answer of 38.0% of 100 items is no longer what it was."
    assert [curve.name for curve in drift.curves] == drift.rungs and len(drift.curves[own].points.split()) == 4
    assert [(row.part, row.gain, row.interval, row.n) for row in drift.gains] == [
        ("2026", "+44.0", "21.0 to 67.0", 25), ("changed", "+34.2", "-2.5 to 63.0", 38),
    ]  # fmt: skip


def test_fewer_than_four_slices_are_compared_and_have_no_slope(run):
    few = {rung: make_drift(("2021", "2026"), rung == "qlora+rag") for rung in ("qlora", "qlora+rag")}
    told = replace(run, verdict=run.verdict | {"suites": {"drift": few}})
    drift = suite(told, "drift").over_time
    assert "Fewer than 4 slices" in drift.sentence and not any("slope" in row.part for row in drift.rows)
    assert "Fewer than 4 slices" in render_page(told)


def test_what_an_answer_takes_is_counted_and_never_a_measured_time(run, full_page):
    used = next(row for row in build_cost(run).used if row.name == "qlora")
    assert (used.serving, used.training, used.stored) == ("33.3", "200,000", "267.0")  # 1.2e12 / 36; 2e14; 28e7 bytes
    assert "What an answer takes, counted" in full_page
    assert not re.search(r"\bseconds\b|\bp50\b|\bp95\b", full_page)
