"""Every example gets the turn that a model is taught to write, or a reason why it gets none."""

from __future__ import annotations

import pytest
from corpus_tools import TASKS, make_document, make_example, make_settings, read_lines

from nichetune.core.files import write_jsonl
from nichetune.core.records import Expected
from nichetune.core.settings import TaskSettings
from nichetune.core.tasks import parse_answer
from nichetune.corpus import format as formatting

DOCUMENT = make_document("H10", "H10 Conjunctivitis.\nExcludes 1:  keratoconjunctivitis (H16.2-).")
FORM = {"finding": "Cyst", "side": "left", "hint": ""}


def test_the_assistant_turn_reads_back_as_the_expected_answer(tmp_path):
    examples = [
        make_example("n1", "Cyst, left."),
        make_example("a1", "Excludes?", task="ask", answer="keratoconjunctivitis (H16.2-)", evidence=["H10"]),
        make_example("a2", "Includes?", task="ask", answer="", abstain=True),
        make_example("r1", "Bill?", task="route", answer="billing"),
        make_example("w1", "Jam.", task="repair", steps=["Stop.", "Open."]),
    ]
    source, out = tmp_path / "mask", tmp_path / "format"
    write_jsonl(source / "examples.jsonl", examples)
    write_jsonl(source / "documents.jsonl", [DOCUMENT])
    report = formatting.run(make_settings(), {"mask": source}, out)
    assert report.counts == {"in": 5, "out": 5}
    for example in read_lines(out / "examples.jsonl"):
        assert [turn["role"] for turn in example["messages"]] == ["user", "assistant"]
        answer = parse_answer(make_settings().tasks[example["task"]], example["messages"][1]["content"])
        expected = Expected(**example["expected"])
        assert answer.parsed
        assert (answer.abstain, answer.fields) == (expected.abstain, expected.fields)
        assert expected.abstain or (answer.answer, answer.steps) == (expected.answer, expected.steps)


@pytest.mark.parametrize(
    ("task", "expected", "reason"),
    [
        ("triage", {"fields": {"finding": "", "side": "", "hint": ""}}, "no answer"),
        ("triage", {"fields": FORM | {"side": ""}}, "no value for side"),
        ("triage", {"fields": FORM}, ""),
        ("ask", {"answer": ""}, "no answer"),
        ("ask", {"answer": "keratoconjunctivitis"}, "no evidence"),
        ("ask", {"answer": "keratoconjunctivitis", "evidence": ["H99"]}, "evidence is no document"),
        ("ask", {"answer": "made up", "evidence": ["H10"]}, "quote is not in its document"),
        ("ask", {"answer": "Excludes 1: keratoconjunctivitis", "evidence": ["H10"]}, ""),
        ("repair", {"steps": []}, "no answer"),
        ("route", {"answer": "", "abstain": True}, "abstains, but the task says nothing of abstaining"),
    ],
)
def test_what_cannot_be_taught_is_dropped_with_its_reason(task, expected, reason):
    settings = TaskSettings.model_validate(TASKS[task])
    assert formatting.find_fault(settings, Expected(**expected), {"H10": DOCUMENT.text}.get) == reason
