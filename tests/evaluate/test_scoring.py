"""What one answer scores, by kind of task: on answers written as a model would write them."""

from __future__ import annotations

import math

import pytest

from nichetune.core.records import Example, Expected, Message, Prediction, Source
from nichetune.core.settings import RESERVED_FIELDS, AbstainSettings, FieldSettings, TaskSettings
from nichetune.core.tasks import parse_answer, render_answer
from nichetune.evaluate.scoring import metric_names, score_item
from nichetune.evaluate.set_metrics import set_metric_names

FORM = TaskSettings(
    kind="form",
    fields={
        "finding": FieldSettings(),
        "side": FieldSettings(values=["left", "right"], may_be_empty=True),
        "action": FieldSettings(values=["code", "query laterality"]),
    },
    abstain=AbstainSettings(field="action", value="query laterality"),
)
GROUNDED = TaskSettings(kind="grounded")
WORKFLOW = TaskSettings(kind="workflow")
DOCUMENTS = {"H10": "Excludes 1:\n  keratoconjunctivitis  (H16.2-)", "H90": "Code also: deafness"}


def score(task: TaskSettings, expected: Expected, text: str) -> dict[str, float]:
    item = Example(
        id="i", group="g", task="t", messages=[Message(role="user", content="?")], expected=expected,
        source=Source(file="f"),
    )  # fmt: skip
    return score_item(task, item, Prediction(item="i", text=text, answer=parse_answer(task, text)), DOCUMENTS)


FILLED = Expected(fields={"finding": "Glaucoma", "side": "left", "action": "code"})
QUOTED = Expected(answer="keratoconjunctivitis (H16.2-)", evidence=["H10"])
SILENT = Expected(abstain=True)


@pytest.mark.parametrize(
    ("task", "expected", "perfect"),
    [
        (FORM, FILLED, ("exact_form", "finding", "side", "action", "fields", "terminology")),
        (GROUNDED, QUOTED, ("answer", "citation_precision", "citation_recall", "quote_verbatim")),
        (GROUNDED, SILENT, ("answer", "abstain_precision", "abstain_recall")),
        (WORKFLOW, Expected(steps=["wash", "rinse", "dry"]), ("exact_steps", "prefix", "edit")),
        (TaskSettings(kind="exact"), Expected(answer="42"), ("exact",)),
        (TaskSettings(kind="choice", values=["yes", "no"]), Expected(answer="no"), ("exact", "terminology")),
        (TaskSettings(kind="free"), Expected(answer="a short text"), ("similarity",)),
    ],
)
def test_what_a_model_is_taught_to_write_scores_one_everywhere(task, expected, perfect):
    scores = score(task, expected, render_answer(task, expected))
    assert {name: scores[name] for name in (*perfect, "parsed")} == dict.fromkeys((*perfect, "parsed"), 1.0)
    assert set(scores) <= set(metric_names(task))


def test_no_field_may_take_the_name_of_any_metric_of_a_form():
    assert {*metric_names(FORM), *set_metric_names(FORM), "success"} - set(FORM.fields) == RESERVED_FIELDS


@pytest.mark.parametrize(("retrieved", "found"), [(["H10", "H90"], 1.0), (["H90"], 0.0), ([], 0.0)])
def test_evidence_that_was_not_looked_up_counts_as_missed(retrieved, found):
    item = Example(
        id="i", group="g", task="t", messages=[Message(role="user", content="?")], expected=QUOTED,
        source=Source(file="f"),
    )  # fmt: skip
    answer = parse_answer(GROUNDED, "")
    asked = Prediction(item="i", text="", answer=answer, retrieved=retrieved, index_version="v1")
    assert score_item(GROUNDED, item, asked, DOCUMENTS)["evidence_recall"] == found


def test_a_rung_that_looks_nothing_up_has_no_evidence_to_find():
    assert "evidence_recall" not in score(GROUNDED, QUOTED, render_answer(GROUNDED, QUOTED))


def test_a_form_that_cannot_be_read_has_every_field_missing():
    scores = score(FORM, FILLED, '{"finding": "Glaucoma", "side": ')
    assert [scores[name] for name in ("exact_form", "finding", "side", "action", "fields", "parsed")] == [0.0] * 6


def test_an_unreadable_form_gets_no_credit_even_where_a_field_should_stay_empty():
    expected = Expected(fields={"finding": "Glaucoma", "side": "", "action": "code"})
    assert score(FORM, expected, "no form at all")["side"] == 0.0
    assert score(FORM, expected, '{"finding": "glaucoma.", "action": "code"}')["exact_form"] == 1.0


def test_one_wrong_field_breaks_the_form_and_no_other_field():
    scores = score(FORM, FILLED, '{"finding": "Glaucoma", "side": "right", "action": "code"}')
    assert (scores["exact_form"], scores["finding"], scores["side"], scores["action"]) == (0, 1, 0, 1)
    assert scores["fields"] == pytest.approx(2 / 3)


def test_a_value_outside_the_vocabulary_is_counted():
    scores = score(FORM, FILLED, '{"finding": "Glaucoma", "side": "sinister", "action": "code"}')
    assert scores["terminology"] == 0.5


def test_an_abstention_counts_for_precision_only_where_it_was_made_and_for_recall_only_where_it_was_due():
    asked = '{"finding": "Glaucoma", "side": "", "action": "query laterality"}'
    needless = score(FORM, FILLED, asked)
    assert (needless["abstain_precision"], needless["over_refusal"]) == (0.0, 1.0)
    assert "abstain_recall" not in needless
    due = Expected(fields={"finding": "Glaucoma", "side": "", "action": "query laterality"})
    missed = score(FORM, due, '{"finding": "Glaucoma", "side": "left", "action": "code"}')
    assert missed["abstain_recall"] == 0.0
    assert not {"abstain_precision", "over_refusal"} & missed.keys()


def test_a_model_that_always_abstains_is_right_only_where_there_is_no_answer():
    silence = render_answer(GROUNDED, SILENT)
    scores = score(GROUNDED, QUOTED, silence)
    assert (scores["answer"], scores["citation_recall"], scores["over_refusal"]) == (0.0, 0.0, 1.0)
    assert not {"citation_precision", "quote_verbatim"} & scores.keys()


def test_an_unknown_id_counts_against_citation_precision():
    scores = score(GROUNDED, QUOTED, '"keratoconjunctivitis (H16.2-)" [H10] [Z99.Z]')
    assert (scores["citation_precision"], scores["citation_recall"]) == (0.5, 1.0)


def test_citing_one_document_of_two_recalls_half_of_the_evidence():
    both = Expected(answer="deafness", evidence=["H90", "H91"])
    assert score(GROUNDED, both, '"deafness" [H90]')["citation_recall"] == 0.5


@pytest.mark.parametrize(
    ("text", "verbatim"),
    [
        ('"keratoconjunctivitis (H16.2-)" [H10]', 1.0),  # wrapped otherwise in the document
        ('"Keratoconjunctivitis (H16.2-)" [H10]', 0.0),  # other words are no quote, and neither is other case
        ('"keratoconjunctivitis (H16.2-)" [H90]', 0.0),  # stands in another document
        ('"keratoconjunctivitis (H16.2-)"', 0.0),  # names none
    ],
)
def test_a_quote_must_stand_word_for_word_in_a_document_that_the_answer_cites(text, verbatim):
    assert score(GROUNDED, QUOTED, text)["quote_verbatim"] == verbatim


def test_a_workflow_gets_credit_for_its_right_beginning_and_for_few_edits():
    scores = score(WORKFLOW, Expected(steps=["wash", "rinse", "dry", "store"]), "1. wash\n2. rinse\n3. store")
    assert (scores["exact_steps"], scores["prefix"], scores["edit"]) == (0.0, 0.5, 0.75)


def test_free_text_is_scored_by_the_words_it_shares():
    scores = score(TaskSettings(kind="free"), Expected(answer="the left eye"), "left eye")
    assert scores["similarity"] == pytest.approx(0.8)
    assert scores["rouge_l"] == pytest.approx(0.8)


def test_rouge_l_sees_an_order_that_token_f1_does_not():
    scores = score(TaskSettings(kind="free"), Expected(answer="police killed the gunman"), "the gunman killed police")
    assert scores["similarity"] == 1.0
    assert scores["rouge_l"] == 0.5  # Lin 2004: the longest common subsequence is "the gunman", 2 of 4 words


def test_evidence_is_placed_as_it_was_looked_up():
    item = Example(
        id="i", group="g", task="t", messages=[Message(role="user", content="?")], expected=QUOTED,
        source=Source(file="f"),
    )  # fmt: skip
    asked = Prediction(
        item="i", text="", answer=parse_answer(GROUNDED, ""), retrieved=["H90", "H10"], index_version="v1"
    )
    scores = score_item(GROUNDED, item, asked, DOCUMENTS)
    assert (scores["evidence_recall"], scores["evidence_recall_1"], scores["evidence_mrr"]) == (1.0, 0.0, 0.5)
    assert scores["evidence_ndcg"] == pytest.approx(1 / math.log2(3))


def test_a_citation_supports_what_it_holds_and_an_unknown_one_nothing():
    scores = score(GROUNDED, QUOTED, '"Code also: deafness" [H90] [Z99]')
    assert (scores["support_recall"], scores["support_precision"]) == (1.0, 0.5)
    assert scores["citation_precision"] == 0.0  # the sealed evidence is another document
