"""Prompts: what is judged is what is served, and untuned rungs are told every allowed value."""

from __future__ import annotations

from nichetune.core.files import read_json, write_record
from nichetune.core.records import Candidate, Example, Expected, Message, Shot, Source
from nichetune.core.settings import FieldSettings, TaskSettings
from nichetune.generate.prompts import build_prompt, candidate_prompt

FORM = TaskSettings(
    kind="form", prompt="Fill in.", short_prompt="Go.",
    fields={"side": FieldSettings(values=["left", "right"]), "finding": FieldSettings()},
)  # fmt: skip
ITEM = Example(id="1", group="g", task="t", messages=[Message(role="user", content="Pain, left.")],
               expected=Expected(), source=Source(file="f"))  # fmt: skip


def test_a_candidate_read_back_prompts_as_the_one_that_was_judged(tmp_path):
    candidate = Candidate(rung="base", tasks={"t": FORM}, shots={"t": [Shot(prompt="a", answer="b")]})
    write_record(tmp_path / "c.json", candidate)
    again = Candidate.model_validate(read_json(tmp_path / "c.json"))
    assert candidate_prompt(again, ITEM, ()) == candidate_prompt(candidate, ITEM, ())


def test_an_untuned_rung_is_told_every_key_and_every_allowed_value():
    told = build_prompt("t", FORM, "x", "full")[0].content
    assert '"side", "finding"' in told and "left; right" in told


def test_a_tuned_rung_is_told_the_short_prompt_only():
    assert build_prompt("t", FORM, "x", "short")[0].content == "Go."


def test_passages_stand_before_the_question_under_their_ids():
    from nichetune.retrieve.search import Hit

    prompt = build_prompt("t", TaskSettings(kind="grounded"), "Why?", "short", passages=[Hit("H10", "T", "Text.", 1.0)])
    assert prompt[-1].content == "[H10] Text.\n\nWhy?"
