"""The domain's terms, and codes that nobody knows."""

from __future__ import annotations

import pytest

from nichetune.core.records import Document, Example, Expected, Message, Prediction, Source
from nichetune.core.settings import TaskSettings
from nichetune.core.tasks import parse_answer
from nichetune.evaluate.terms import learn_vocabulary, score_terms

FORM = TaskSettings.model_validate(
    {"kind": "form", "fields": {"finding": {}, "side": {"values": ["left", "right"]}, "stage": {"values": ["I", "II"]}}}
)
QUOTE = TaskSettings(kind="grounded")
FREE = TaskSettings(kind="free")
TASKS = {"form": FORM, "quote": QUOTE, "free": FREE}


def make_item(task: str, expected: Expected, text: str = "?") -> Example:
    turn = Message(role="user", content=text)
    return Example(id="i", group="g", task=task, messages=[turn], expected=expected, source=Source(file="f"))


DOCUMENTS = [
    Document(id="H10.1", title="Atopic conjunctivitis", text="Use H16.25 for keratitis.", source=Source(file="d")),
    Document(id="H90", title="Hearing loss", text="Excludes: H91.", source=Source(file="d")),
]
TRAIN = [make_item("form", Expected(fields={"finding": "Cyst D31.0", "side": "left", "stage": "I"}), "seen 2026")]
VOCABULARY = learn_vocabulary(TASKS, DOCUMENTS, TRAIN)


def score(task: str, expected: Expected, text: str, question: str = "?") -> dict[str, float]:
    said = Prediction(item="i", text=text, answer=parse_answer(TASKS[task], text))
    return dict(score_terms(VOCABULARY, TASKS[task], make_item(task, expected, question), said))


def test_codes_are_words_of_the_form_that_ids_have():
    assert VOCABULARY.shapes == {"A99.9", "A99"}
    assert VOCABULARY.codes == {"h10.1", "h90", "h91", "d31.0"}  # H16.25 has a form that no id has
    assert VOCABULARY.find_codes(FREE, "See H55, not 2026-04 or X-ray H44.4.") == {"h55", "h44.4"}


def test_a_code_that_no_source_holds_is_invented():
    quoted = Expected(answer="x", evidence=["H10.1"])
    assert score("quote", quoted, '"as H91 says" [H10.1]')["invented_codes"] == 0
    assert score("quote", quoted, '"as H91 says" [H77]')["invented_codes"] == 1
    assert score("quote", quoted, '"as H77 says" [H90]', question="What of H77?")["invented_codes"] == 0
    assert "invented_codes" not in score("free", Expected(answer="x"), "no code at all")


def test_a_pattern_of_the_tasks_own_says_what_a_code_is():
    task = TaskSettings(kind="free", codes=r"[A-Z]\d\d\.\d{2}")
    own = learn_vocabulary({"free": task}, DOCUMENTS, [])
    said = Prediction(item="i", text="H16.25 and H16.26", answer=parse_answer(task, "H16.25 and H16.26"))
    assert dict(score_terms(own, task, make_item("free", Expected(answer="H16.25")), said)) == {
        "term_precision": 0.5, "term_recall": 1.0, "invented_codes": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("pattern", ["[A-", "[A-Z]*"])
def test_a_pattern_that_cannot_mean_a_code_is_refused(pattern):
    with pytest.raises(ValueError, match="codes"):
        TaskSettings(kind="free", codes=pattern)


def test_a_forms_terms_are_its_closed_values_by_field_and_what_open_fields_hold():
    expected = Expected(fields={"finding": "Atopic conjunctivitis", "side": "left", "stage": "II"})
    found = score("form", expected, '{"finding": "atopic conjunctivitis, H90", "side": "left", "stage": "I"}')
    # written: side=left, stage=I, the phrase, the code; expected: side=left, stage=II, the phrase
    assert (found["term_precision"], found["term_recall"]) == (0.5, pytest.approx(2 / 3))


def test_field_names_that_the_form_does_not_have_count_against_precision():
    expected = Expected(fields={"finding": "x", "side": "left", "stage": "I"})
    found = score("form", expected, '{"finding": "x", "side": "left", "eye": "OD", "grade": 1}')
    assert (found["key_precision"], found["key_recall"]) == (0.5, pytest.approx(2 / 3))
    assert "key_precision" not in score("form", expected, "no form")
    assert score("form", expected, "no form")["term_recall"] == 0


def test_free_text_is_held_against_the_domains_phrases():
    found = score("free", Expected(answer="Hearing loss, not atopic conjunctivitis"), "It is hearing   LOSS.")
    assert (found["term_precision"], found["term_recall"]) == (1.0, 0.5)
