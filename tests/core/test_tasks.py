"""Answers as text and back."""

from __future__ import annotations

import pytest

from nichetune.core.records import Expected
from nichetune.core.settings import AbstainSettings, FieldSettings, TaskSettings
from nichetune.core.tasks import parse_answer, render_answer

FORM = TaskSettings(
    kind="form", fields={"finding": FieldSettings(), "action": FieldSettings(values=["code", "query"])},
    abstain=AbstainSettings(field="action", value="query"),
)  # fmt: skip
GROUNDED = TaskSettings(kind="grounded")


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (FORM, Expected(fields={"finding": 'a "quoted" cyst', "action": "code"})),
        (GROUNDED, Expected(answer="keratitis (H16.2-)", evidence=["H10"])),
        (TaskSettings(kind="workflow"), Expected(steps=["Lock out.", "Check."])),
        (TaskSettings(kind="choice", values=["a", "b"]), Expected(answer="b")),
    ],
)
def test_what_is_rendered_is_parsed_back(task, expected):
    answer = parse_answer(task, render_answer(task, expected))
    assert answer.parsed
    assert (answer.fields, answer.answer, answer.steps) == (expected.fields, expected.answer, expected.steps)
    assert answer.citations == expected.evidence


def test_an_abstention_is_recognised():
    assert parse_answer(GROUNDED, "The documents hold no answer.").abstain
    assert parse_answer(FORM, '{"finding": "x", "action": "Query"}').abstain
    assert not parse_answer(FORM, '{"finding": "x", "action": "code"}').abstain


@pytest.mark.parametrize("text", ["", "no form", "{broken", '["a"]', "{}}{"])
def test_a_form_that_cannot_be_read_is_a_parse_failure_and_no_error(text):
    assert not parse_answer(FORM, text).parsed


def test_a_form_within_other_words_is_read():
    assert parse_answer(FORM, 'Sure: {"finding": "x", "action": "code"} done').fields == {
        "finding": "x",
        "action": "code",
    }
