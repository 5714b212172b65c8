"""Preference pairs are read, masked and formatted as all else, and never become examples."""

from __future__ import annotations

import json

import pytest
from corpus_tools import TASKS, ingest_files, lines, make_example, make_settings, read_lines

from nichetune.core.errors import SettingsError
from nichetune.core.files import write_jsonl
from nichetune.core.records import Example, Expected
from nichetune.core.settings_file import load_settings
from nichetune.corpus import format as formatting
from nichetune.corpus import mask

NOTES = "id,text,answer\nn1,Why is it red?,It is a cyst.\n"
PAIRS = [
    {"id": "n1", "prompt": "Why is it red?", "chosen": "A cyst.", "rejected": "Well, it may be a cyst, Maria Keller."},
    {"prompt": "And now?", "chosen": "Healed.", "rejected": "Healed."},
    {"prompt": "And then?", "chosen": "Nothing."},
    {"chosen": [{"role": "user", "content": "Since?"}, {"role": "assistant", "content": "May."}],
     "rejected": [{"role": "user", "content": "Since?"}, {"role": "assistant", "content": "Perhaps May."}]},
]  # fmt: skip


def make_project(**more):
    sources = [
        {"path": "notes.csv", "task": "explain"},
        {"path": "pairs.jsonl", "task": "explain", "as": "preferences"} | more,
    ]
    return make_settings(sources)


def test_pairs_keep_both_answers_and_go_their_own_way_after_format(tmp_path):
    settings = make_project()
    private, report = ingest_files(tmp_path, {"notes.csv": NOTES, "pairs.jsonl": lines(*PAIRS)}, settings)
    assert (report.counts["examples"], report.counts["preferences"]) == (1, 3)
    assert report.dropped == {"no rejected answer": 1}
    (tmp_path / "mask").mkdir()
    mask.run(settings, {"ingest": private}, tmp_path / "mask")
    (tmp_path / "format").mkdir()
    done = formatting.run(settings, {"mask": tmp_path / "mask"}, tmp_path / "format")
    assert done.counts == {"in": 4, "out": 3, "preferences": 2}
    assert done.dropped == {"chosen and rejected answers are the same": 1}
    assert [one["id"] for one in read_lines(tmp_path / "format" / "examples.jsonl")] == ["n1"]
    first, last = read_lines(tmp_path / "format" / "preferences.jsonl")
    assert first["id"] == "n1"  # a pair may have the id of the example that it is about
    assert first["rejected"] == "Well, it may be a cyst, [PERSON_1]." and first["messages"][-1]["content"] == "A cyst."
    assert (last["messages"][0]["content"], last["rejected"]) == ("Since?", "Perhaps May.")


def test_the_users_own_columns_are_mapped_and_other_sources_still_take_the_chosen_answer(tmp_path):
    settings = make_project(map={"text": "q", "answer": "good", "rejected": "bad"})
    pair = {"q": "Red?", "good": "Yes.", "bad": "Yes, I am very sure."}
    private, _ = ingest_files(tmp_path, {"notes.csv": NOTES, "pairs.jsonl": lines(pair)}, settings)
    read = [Example.model_validate(one) for one in read_lines(private / "examples.jsonl")]
    assert [(one.expected.answer, one.rejected) for one in read][1:] == [("Yes.", "Yes, I am very sure.")]
    assert "rejected" not in read[0].model_dump()
    plain = make_settings([{"path": "pairs.jsonl", "task": "explain"}])
    (tmp_path / "again").mkdir()
    private, report = ingest_files(tmp_path / "again", {"pairs.jsonl": lines(*PAIRS[:2])}, plain)
    assert report.facts["rejected_answers_left_out"] == 2
    assert not any(Example.model_validate(one).rejected for one in read_lines(private / "examples.jsonl"))


def test_a_form_keeps_a_rejected_answer_that_cannot_be_read(tmp_path):
    example = make_example("p1", "Cyst, left.", fields={"finding": "Cyst", "side": "left", "hint": ""})
    pair = example.model_copy(update={"rejected": "A cyst on the left."})
    write_jsonl(tmp_path / "mask" / "examples.jsonl", [pair])
    write_jsonl(tmp_path / "mask" / "documents.jsonl", [])
    settings = make_settings([{"path": "p.jsonl", "task": "triage", "as": "preferences"}])
    formatting.run(settings, {"mask": tmp_path / "mask"}, tmp_path / "format")
    (kept,) = read_lines(tmp_path / "format" / "preferences.jsonl")
    assert kept["messages"][-1]["content"] == '{"finding":"Cyst","side":"left","hint":""}'
    assert kept["rejected"] == "A cyst on the left." and Expected(**kept["expected"]) == example.expected


def test_a_form_may_be_chosen_column_by_column(tmp_path):
    mapped = {"text": "q", "fields.finding": "found", "fields.side": "eye"}
    settings = make_project(task="triage", map=mapped)
    pair = {"q": "Red?", "found": "Cyst", "eye": "left", "hint": "", "rejected": "A cyst."}
    private, report = ingest_files(tmp_path, {"notes.csv": NOTES, "pairs.jsonl": lines(pair)}, settings)
    _, read = [Example.model_validate(one) for one in read_lines(private / "examples.jsonl")]
    assert report.dropped == {} and read.rejected == "A cyst."
    assert read.expected.fields == {"finding": "Cyst", "side": "left", "hint": ""}


@pytest.mark.parametrize(
    ("rungs", "sources", "told"),
    [
        (["qlora", "qlora+dpo"], "", "'qlora+dpo' learns from preference pairs, and no source holds any"),
        (["base", "lora+kto+rag"], "pairs", "'lora+kto+rag' starts from 'lora': list that rung, too"),
        (
            ["full", "full+dpo"],
            "pairs",
            "'full+dpo': preferences move an adapter, and full tuning leaves none: take lora+dpo",
        ),
    ],
)
def test_a_rung_that_lacks_what_it_learns_from_is_told_at_once(tmp_path, rungs, sources, told):
    found = [{"path": "notes.csv", "task": "explain"}]
    found += [{"path": "p.jsonl", "task": "explain", "as": "preferences"}] if sources else []
    raw = {"project": "clinic", "tasks": {"explain": TASKS["explain"]}, "rungs": rungs, "sources": found}
    (tmp_path / "nichetune.yaml").write_text(json.dumps(raw))
    with pytest.raises(SettingsError, match="rungs") as error:
        load_settings(tmp_path)
    assert told in str(error.value)
