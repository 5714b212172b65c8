"""`nichetune dedupe --explain` says why a text counts as a copy, and of which."""

from __future__ import annotations

import json

import pytest
from corpus_tools import lines, make_example, make_settings

from nichetune.cli.app import run
from nichetune.core.errors import UserError
from nichetune.core.files import write_jsonl
from nichetune.corpus import dedupe
from nichetune.corpus.explain import explain_example

NOTE = "The pump at the north gate was stopped after the alarm and started again when the filter was clean"


def answered(name, text, answer="Ok."):
    return make_example(name, text, task="explain", answer=answer)


@pytest.fixture
def explain(tmp_path):
    """Explains an id of a small corpus that was deduped."""
    corpus = [
        answered("a", NOTE), answered("b", NOTE.upper() + "!"), answered("c", NOTE + " today"),
        answered("d", NOTE + " indeed", "No."), answered("e", "Who has the keys?", "X"),
        answered("f", "who has the keys", "Y"), answered("g", "Nothing is like this one."),
    ]  # fmt: skip
    settings = make_settings()
    write_jsonl(tmp_path / "format" / "examples.jsonl", corpus)
    dedupe.run(settings, {"format": tmp_path / "format"}, tmp_path / "dedupe")
    return lambda name: explain_example(name, settings, tmp_path / "format", tmp_path / "dedupe")


def test_a_copy_names_its_original_its_similarity_and_the_words_that_differ(explain):
    told = explain("c")
    assert (told.fate, told.of.id, told.of.place) == ("near duplicate", "a", "notes.jsonl:1")
    assert told.of.similarity == pytest.approx(told.of.shared_runs / told.of.runs, abs=0.01)
    assert (told.of.only_here, told.of.only_there) == (["today"], [])
    assert any("similarity 0.94" in line for line in told.as_lines())


def test_an_exact_copy_a_contradiction_and_a_text_of_its_own_are_told_apart(explain):
    assert (explain("b").fate, explain("b").of.id, explain("b").of.similarity) == ("exact duplicate", "a", 1.0)
    assert (explain("e").fate, explain("e").of.id) == ("same input, different answers", "f")
    assert explain("g").as_lines()[-1].strip() == "no other text is a copy of it, or nearly the same"


def test_a_kept_text_lists_its_copies_and_its_twins(explain):
    told = explain("a")
    assert (told.fate, told.why) == ("kept", "with most copies")
    assert sorted((one.id, one.how) for one in told.copies) == [("b", "exact"), ("c", "near")]
    assert [(one.id, one.how) for one in told.lookalikes] == [("d", "near, another answer")]


def test_an_unknown_id_is_a_mistake_of_the_caller(explain):
    with pytest.raises(UserError, match="no example zzz came to dedupe"):
        explain("zzz")


def test_the_command_explains_a_line_of_any_file_and_writes_nothing(tmp_path, capsys):
    source = tmp_path / "in.jsonl"
    source.write_text(lines({"id": "a", "text": NOTE}, {"text": NOTE + " today"}, {"id": "x", "text": "Other."}))
    assert run(["dedupe", str(source), "--explain", "line 2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["fate"], told["of"]["id"], told["of"]["only_here"]) == ("near duplicate", "a", ["today"])
    assert list(tmp_path.iterdir()) == [source]


def test_an_unknown_line_is_one_line_of_error_and_exit_2(tmp_path, capsys):
    source = tmp_path / "in.jsonl"
    source.write_text(lines({"id": "a", "text": NOTE}))
    assert run(["dedupe", str(source), "--explain", "b"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "no line has the id b" in told and "pump" not in told


def test_explaining_does_not_write_and_says_so(tmp_path, capsys):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(lines({"id": "a", "text": NOTE}))
    assert run(["dedupe", str(source), str(target), "--explain", "a"]) == 2
    assert "--explain writes nothing" in capsys.readouterr().err and not target.exists()
