"""The sliders' arithmetic is the verdict's: page and Python agree in a real browser, for prices of every size."""

from __future__ import annotations

import json

import pytest
from browser import Browser
from finished_run import Run

from nichetune.core.settings import EconomicsSettings
from nichetune.decide.economics import price_rung
from nichetune.decide.reasons import usd
from nichetune.report.economics import (
    Outcomes,
    build_economics,
    count_answers,
    list_prices,
    measure_outcomes,
    price_outcomes,
)
from nichetune.report.material import Material, read_material

CHEAP = {"answers": 2500, "horizon_months": 3, "usd_per_machine_hour": 0.02, "machine_gflops": 40}
DEAR = {"answers": 900_000_000, "usd_per_machine_hour": 31.5, "machine_gflops": 650_000, "usd_per_gib_month": 2.5}
FREE = {"usd_per_machine_hour": 0, "usd_per_gib_month": 0}
VALUED = {"usd_per_wrong_answer": 4.25, "usd_per_abstention": 0.3, "usd_per_escalation": 7, "answers": 12_345}
MONTHLY = VALUED | {"requests_per_month": 321, "horizon_months": 7.5}
MOVE = """(moved) => { const form = document.getElementById('prices');
  for (const [name, value] of Object.entries(moved)) {
    form.elements[name].value = String(value);
    form.elements[name].dispatchEvent(new Event('input', { bubbles: true })); }
  return Object.fromEntries([...document.querySelectorAll('#priced tr[data-rung]')].map((row) => [row.dataset.rung,
    Object.fromEntries([...row.querySelectorAll('[data-cost]')].map((c) => [c.dataset.cost, c.textContent]))])) }"""


@pytest.fixture
def run(finished: Run) -> Material:
    return read_material(finished.settings, finished.inputs)


def price_in_python(run: Material, moved: dict[str, float]) -> dict[str, dict[str, str]]:
    """What decide/economics.py and report/economics.py make of the same prices."""
    prices = {price.name: price.value for price in list_prices(run.settings.economics)} | moved
    known = {name: prices[name] for name in EconomicsSettings.model_fields if name in prices}
    settings = EconomicsSettings.model_validate(known | {"answers": round(count_answers(prices))})
    told = {}
    for rung in run.rungs:
        if rung.resources is None or rung.figure(run.primary) is None:
            continue
        cost = price_rung(rung.resources, settings)
        lost = price_outcomes(measure_outcomes(run, rung), prices)
        told[rung.name] = {
            "training": usd(cost.training_usd), "review": usd(0), "storage": usd(cost.storage_usd),
            "serving": usd(cost.serving_usd), "total": usd(cost.total_usd), "per_1000": usd(cost.usd_per_1000),
            "outcomes": usd(lost), "together": usd(cost.total_usd + lost),
        }  # fmt: skip
    return told


@pytest.mark.parametrize("moved", [{}, CHEAP, DEAR, FREE, VALUED], ids=["own", "cheap", "dear", "free", "valued"])
def test_page_and_python_price_alike(browser: Browser, page_file, run, moved):
    page = browser.open(page_file)
    assert page.ask(f"({MOVE})({json.dumps(moved)})") == price_in_python(run, moved)


def test_requests_a_month_replace_the_answers(browser: Browser, page_file, run):
    page = browser.open(page_file)
    told = page.ask(f"({MOVE})({json.dumps(MONTHLY)})")
    by_month = {rung: cost["outcomes"] for rung, cost in told.items()}
    assert by_month == {rung: cost["outcomes"] for rung, cost in price_in_python(run, MONTHLY).items()}
    assert count_answers(MONTHLY) == 321 * 7.5


def test_trainings_and_reviews_are_paid_as_often_as_they_happen(browser: Browser, page_file, run):
    page = browser.open(page_file)
    once = page.ask(f"({MOVE})({json.dumps({'usd_per_machine_hour': 50})})")
    told = page.ask(f"({MOVE})({json.dumps({'trainings': 4, 'usd_per_review': 250})})")
    assert float(told["qlora"]["training"][1:]) == pytest.approx(4 * float(once["qlora"]["training"][1:]), rel=0.01)
    assert told["qlora"]["review"] == "$1,000.00" and told["base"]["review"] == told["classical"]["review"] == "$0"


def test_another_order_of_cost_is_said_to_be_another_question(browser: Browser, page_file):
    page = browser.open(page_file)
    line = "document.getElementById('priced-order').textContent"
    assert "the order in which the verdict weighed them" in page.ask(line)
    page.ask(f"({MOVE})({json.dumps({'answers': 1000, 'usd_per_machine_hour': 90, 'trainings': 100})})")
    assert "weighed them in another order" in page.ask(line)
    page.ask("document.querySelector('#prices button').click()")
    assert "That is the order in which the verdict weighed them." in page.ask(line)


def test_a_number_that_cannot_be_leaves_the_table_as_it_was(browser: Browser, page_file, run):
    page = browser.open(page_file)
    for wrong in ({"machine_gflops": 0}, {"machine_gflops": ""}, {"machine_gflops": -3}):
        assert page.ask(f"({MOVE})({json.dumps(wrong)})") == price_in_python(run, {})
        assert "missing or out of its range" in page.ask("document.getElementById('priced-order').textContent")


def test_without_a_script_the_table_holds_the_verdicts_own_dollars(run):
    section = build_economics(run)
    assert section is not None
    assert {rung.name: rung.dollars for rung in section.rungs} == price_in_python(run, {})


def test_outcomes_are_what_became_of_each_answer(run):
    found = {rung.name: measure_outcomes(run, rung) for rung in run.rungs}
    for rung in run.rungs:
        own = [s.scores for s in rung.scores.values() if s.task == "triage"]
        unread = sum(not s["parsed"] for s in own)
        asked = sum("abstain_precision" in s for s in own)
        wrong = sum(s["parsed"] and "abstain_precision" not in s and not s["exact_form"] for s in own)
        assert found[rung.name].abstained == pytest.approx(asked / 24)
        assert found[rung.name].wrong == pytest.approx(wrong / 24)
        assert found[rung.name].escalated >= unread / 24
    assert price_outcomes(Outcomes(0.25, 0.1, 0.05), VALUED | {"requests_per_month": 0}) == pytest.approx(
        12_345 * (0.25 * 4.25 + 0.1 * 0.3 + 0.05 * 7)
    )


def test_the_verdicts_own_sums_stand_below(run):
    step = {
        "a": "qlora", "b": "full", "saving_usd": 210.0, "low_usd": -90.0, "high_usd": 330.0, "extra_usd": 900.0,
        "pays": "does not pay", "break_even_requests": 171000,
    }  # fmt: skip
    told = {"steps": [step], "turns": [{"assumption": "requests_per_month", "factor": 4.3, "ship": "full"}]}
    run.verdict["economics"] = told
    section = build_economics(run)
    assert section is not None
    row = section.worth[0]
    assert (row.name, row.saving, row.interval) == ("full − qlora", "$210.00", "−$90.00 to $330.00")
    assert row.break_even == "171,000" and section.turns == [("requests_per_month", "4.3", "full")]
