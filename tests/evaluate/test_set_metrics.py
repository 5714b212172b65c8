"""Figures of a whole set of answers, on sets small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nichetune.core.records import Example, Expected, ItemScore, Message, Prediction, Source
from nichetune.core.settings import PRIMARY_METRICS, Settings, TaskSettings
from nichetune.core.tasks import parse_answer
from nichetune.evaluate.intervals import estimate_mean, estimate_rare, estimate_signed, estimate_statistic
from nichetune.evaluate.metrics import summarise
from nichetune.evaluate.scoring import score_item
from nichetune.evaluate.set_metrics import Calibration, gather_answers, set_metric_names, summarise_set
from nichetune.evaluate.trust import answers_by_task, calibrate, draw_confidence, summarise_sets

FORM = TaskSettings.model_validate(
    {"kind": "form", "fields": {"finding": {"may_be_empty": True}, "side": {"values": ["left", "right"]}}}
)
CHOICE = TaskSettings.model_validate({"kind": "choice", "values": ["a", "b"], "abstain": {"answer": "I cannot tell"}})


def make_answers(task: TaskSettings, rows: list[tuple[Expected, str, float | None]]):
    items, predictions, outcomes = [], [], []
    for n, (expected, text, sure) in enumerate(rows):
        turn = Message(role="user", content="?")
        item = Example(id=str(n), group=str(n), task="t", messages=[turn], expected=expected, source=Source(file="f"))
        said = Prediction(item=str(n), text=text, answer=parse_answer(task, text), confidence=sure)
        items.append(item)
        predictions.append(said)
        outcomes.append(score_item(task, item, said)[PRIMARY_METRICS[task.kind]])
    return gather_answers(task, items, predictions, outcomes)


def form(finding: str, side: str) -> Expected:
    return Expected(fields={"finding": finding, "side": side})


def test_slots_are_pooled_or_averaged_over_fields_and_an_unreadable_form_fills_none():
    rows = [
        (form("Cyst", "left"), '{"finding": "cyst", "side": "left"}', None),
        (form("", "right"), '{"finding": "Myopia", "side": "right"}', None),
        (form("Cyst", "left"), "no form", None),
        (form("Cyst", "left"), '{"finding": "Myopia", "side": "right"}', None),
    ]
    figures = summarise_set(FORM, make_answers(FORM, rows), Calibration(), 1.0)
    # finding: 1 hit of 3 written and 3 wanted; side: 2 hits of 3 written and 4 wanted
    assert figures["fields_micro"].value == pytest.approx(2 * 3 / (6 + 7), abs=1e-6)
    assert figures["fields_macro"].value == pytest.approx((2 / 6 + 4 / 7) / 2, abs=1e-6)
    assert set(figures) == {"fields_micro", "fields_macro"}  # no confidence was told


def answer(value: str) -> Expected:
    return Expected(answer=value)


CHOICES = [
    (answer("a"), "a", 0.9), (answer("a"), "a", 0.8), (answer("a"), "b", 0.7), (answer("b"), "b", 0.6),
    (answer("b"), "I cannot tell", 0.5), (Expected(abstain=True), "I cannot tell", 0.4),
    (Expected(abstain=True), "a", 0.3),
]  # fmt: skip


def test_a_choice_and_its_abstentions():
    figures = summarise_set(CHOICE, make_answers(CHOICE, CHOICES), Calibration(), 2.0)
    assert figures["macro_f1"].value == pytest.approx((4 / 6 + 2 / 4) / 2, abs=1e-6)  # a: 2 of 3 and 3; b: 1 of 2 and 2
    assert figures["abstain_f1"].value == 0.5
    assert (figures["missed_abstention"].value, figures["missed_abstention"].n) == (0.5, 2)
    assert figures["reliability"].value == pytest.approx((1 + 1 - 2 + 1 + 0 + 1 - 2) / 7, abs=1e-6)
    risks = [0, 0, 1 / 3, 1 / 4, 2 / 5, 2 / 6, 3 / 7]
    assert figures["aurc"].value == pytest.approx(np.mean(risks), abs=1e-6)
    assert figures["brier"].value == pytest.approx((0.01 + 0.04 + 0.49 + 0.16 + 0.25 + 0.36 + 0.09) / 7, abs=1e-6)
    assert "ece_calibrated" not in figures
    assert list(figures) == [name for name in set_metric_names(CHOICE) if name in figures]


def test_none_missed_in_a_hundred_is_below_three_percent():
    none = estimate_rare([0.0] * 100, range(100))
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(1 - 0.05 ** (1 / 100), abs=1e-6) and none.high < 0.03
    assert estimate_rare([0.0] * 100, [n // 5 for n in range(100)]).high == pytest.approx(
        1 - 0.05 ** (1 / 20), abs=1e-6
    )
    assert estimate_rare([1.0] * 4, range(4)).high == 1
    assert estimate_rare([], []).value is None


def test_a_mean_as_a_statistic_has_the_interval_of_a_mean():
    rng = np.random.default_rng(5)
    scores, groups = rng.uniform(0.2, 0.9, 40), [n // 2 for n in range(40)]
    means = estimate_statistic(lambda kept: float(scores[kept].mean()), groups)
    assert means.model_dump() == pytest.approx(estimate_mean(scores.tolist(), groups).model_dump(), abs=1e-6)


@pytest.mark.parametrize("groups", [30, 150])
def test_an_f1s_interval_holds_the_truth(groups):
    """hits 0.6, written 0.75 and wanted 0.8 of all items: F1 = 1.2 / 1.55."""
    rng = np.random.default_rng(groups)
    inside = 0
    for _ in range(200):
        draw = rng.random(groups)
        hit, written, wanted = draw < 0.6, draw < 0.75, (draw < 0.6) | (draw > 0.8)

        def f1(kept, hit=hit, written=written, wanted=wanted):
            return 2 * hit[kept].sum() / (written[kept].sum() + wanted[kept].sum())

        found = estimate_statistic(f1, range(groups))
        inside += found.low <= 1.2 / 1.55 <= found.high
    assert inside >= 182


def test_signed_scores_keep_their_scale():
    found = estimate_signed([1, 1, -2, 0], range(4), -2)
    assert found.value == 0
    assert -2 < found.low < 0 < found.high < 1


SETTINGS = Settings.model_validate(
    {"project": "p", "sources": [{"path": "f", "task": "t"}], "tasks": {"t": CHOICE.model_dump()}}
)


def test_the_development_set_calibrates_and_chooses_when_to_abstain():
    dev = make_answers(CHOICE, [(answer("a"), "a", 0.9), (answer("a"), "b", 0.6)] * 20)
    learnt = calibrate(dev, wrong_cost=1.0)
    assert learnt.threshold == 0.9  # at 0.6 it was always wrong
    sealed = make_answers(CHOICE, [(answer("a"), "a", 0.95), (answer("a"), "b", 0.5)] * 10)
    figures = summarise_sets(SETTINGS, {"t": sealed}, {"t": learnt})
    assert figures["t.reliability"].value == 0
    assert figures["t.reliability_calibrated"].value == 0.5  # the wrong ones are not given
    assert figures["t.ece_calibrated"].value < figures["t.ece"].value
    drawn = draw_confidence({"t": sealed}, {"t": learnt})["t"]
    assert drawn["calibration"]["method"] == "platt"
    assert (drawn["n"], drawn["area"] >= drawn["best_area"]) == (20, True)


def test_without_development_answers_nothing_is_calibrated_and_that_is_said():
    few = calibrate(make_answers(CHOICE, CHOICES), 1.0)
    assert few.platt is None and "fewer than 20" in few.why
    drawn = draw_confidence({"t": make_answers(CHOICE, CHOICES)}, {})["t"]
    assert drawn["calibration"] == {
        "method": "none", "why": "evaluate.calibration_items is 0: no development item was answered",
    }  # fmt: skip


def test_a_file_of_an_older_run_without_confidence_has_every_other_figure():
    rows = [(expected, text, None) for expected, text, _ in CHOICES]
    told = make_answers(CHOICE, rows)
    figures = summarise_set(CHOICE, told, Calibration(), 1.0)
    assert set(figures) == {"macro_f1", "abstain_f1", "missed_abstention", "reliability"}
    assert draw_confidence({"t": told}, {})["t"]["n"] == 0


def test_items_means_stay_what_they_are_beside_the_new_figures():
    rows = make_answers(CHOICE, CHOICES)
    scores = [
        ItemScore(item=item.id, group=item.group, task="t", scores=score_item(CHOICE, item, said) | {"success": 1.0})
        for item, said in zip(rows.items, rows.predictions, strict=True)
    ]
    means = summarise(rows.items, scores, {"t": CHOICE})
    sets = summarise_sets(SETTINGS, answers_by_task({"t": CHOICE}, rows.items, rows.predictions, scores), {})
    assert not means.keys() & sets.keys()
    assert means["t.exact"].value == pytest.approx(4 / 7, abs=1e-6)
