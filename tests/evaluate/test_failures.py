"""Failures are told apart by what could mend them."""

from __future__ import annotations

import pytest

from nichetune.core.records import Example, Expected, ItemScore, Message, Prediction, Source
from nichetune.core.settings import PRIMARY_METRICS, TaskSettings
from nichetune.core.tasks import parse_answer
from nichetune.evaluate.failures import count_failures, name_failure
from nichetune.evaluate.scoring import score_item

FORM = TaskSettings.model_validate({
    "kind": "form", "fields": {"finding": {}, "side": {"values": ["left", "right", "none"]}},
    "abstain": {"field": "side", "value": "none"},
})  # fmt: skip
QUOTE = TaskSettings(kind="grounded")


def judge(task: TaskSettings, expected: Expected, text: str, stopped: str = "end"):
    item = Example(
        id="n", group="n", task="t", messages=[Message(role="user", content="?")], expected=expected,
        source=Source(file="n"),
    )  # fmt: skip
    prediction = Prediction(item="n", text=text, answer=parse_answer(task, text), stopped=stopped)
    scores = score_item(task, item, prediction)
    scores["success"] = scores[PRIMARY_METRICS[task.kind]]
    counted = count_failures(
        [item], {"n": prediction}, {"n": ItemScore(item="n", group="n", task="t", scores=scores)}, {"t": task}
    )
    kind = name_failure(task, item, prediction, scores)
    assert list(counted.elements()) == ([kind] if kind else [])
    return kind


CYST = Expected(fields={"finding": "Cyst", "side": "left"})


@pytest.mark.parametrize(
    ("expected", "text", "stopped", "kind"),
    [
        (CYST, '{"finding":"Cyst","side":"left"}', "brace", None),
        (CYST, '{"finding":"Myopia","side":"left"}', "brace", "content"),
        (CYST, "It is a cyst of the left eye.", "end", "form"),
        (CYST, '{"finding":"Cyst","side":"the left one"}', "brace", "form"),
        (CYST, '{"finding":"Cyst Cyst Cyst', "length", "not stopping"),
        (CYST, '{"finding":"Cyst","side":"none"}', "brace", "abstention"),
        (
            Expected(fields={"finding": "Cyst", "side": "none"}),
            '{"finding":"Cyst","side":"left"}',
            "brace",
            "abstention",
        ),
    ],
)
def test_the_first_kind_that_fits_names_a_failed_form(expected, text, stopped, kind):
    assert judge(FORM, expected, text, stopped) == kind


def test_an_answer_where_there_is_none_and_a_refusal_where_there_is_one_are_failures_of_abstention():
    assert judge(QUOTE, Expected(abstain=True), '"Code first" [H10]') == "abstention"
    assert (
        judge(QUOTE, Expected(answer="Code first", evidence=["H10"]), "The documents hold no answer.") == "abstention"
    )
    assert judge(QUOTE, Expected(answer="Code first", evidence=["H10"]), '"Use more" [H10]') == "content"
