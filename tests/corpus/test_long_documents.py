"""Long documents become passages along headings and sentences, and each one says where it stands."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nichetune.corpus.reading.prose import Block, pack_passages, split_markdown, split_text
from nichetune.corpus.reading.sentences import count_words, cut_sentences

SENTENCE = 'Dr. A. Roe saw the patient (see Fig. 3) at 9.30 and wrote e.g. "query laterality" into the note.'


def test_a_paragraph_longer_than_a_passage_is_cut_between_sentences():
    found = list(split_text([" ".join([SENTENCE] * 40)], "note"))
    assert len(found) > 2
    assert all(one.text.startswith("Dr. A.") and one.text.endswith("into the note.") for one in found)
    assert all(count_words(one.text) <= 200 for one in found)


def test_a_piece_of_a_long_paragraph_knows_its_own_line():
    lines = [SENTENCE] * 40
    found = list(split_text(["", *lines], "note"))
    assert found[0].line == 2
    assert all(lines[one.line - 2] == one.text.split("\n")[0] for one in found)


def test_text_without_sentences_is_cut_between_lines_and_text_without_spaces_somewhere():
    rows = [f"row {n} of a table without any stop" for n in range(60)]
    assert all(piece.startswith("row ") for piece in cut_sentences("\n".join(rows), 50))
    chinese = "白内障是一种常见的眼病。" * 60
    pieces = cut_sentences(chinese, 100)
    assert "".join(pieces) == chinese
    assert all(piece.endswith("。") for piece in pieces)
    assert max(len(piece) for piece in cut_sentences("x" * 100_000, 200)) < 10_000_000


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("ab .!?\n。“”)Z9é"), max_size=400), st.integers(1, 20))
def test_cutting_loses_nothing_but_space(text, words):
    pieces = cut_sentences(text, words)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_passage_never_crosses_a_page_or_a_heading():
    blocks = [
        Block(1, "Desk", 1, 1),
        Block(2, "one", 0, 1),
        Block(1, "two", 0, 2),
        Block(2, "Night", 2, 2),
        Block(3, "three", 0, 2),
    ]
    found = [(one.page, one.title, one.text) for one in pack_passages(blocks, "file")]
    assert found == [(1, "Desk", "one"), (2, "Desk", "two"), (2, "Desk > Night", "three")]


def test_underlined_headings_count_and_rules_between_paragraphs_do_not():
    page = "Desk\n====\nOne.\n\nNight\n---\nTwo.\n\n---\n\nThree.\n".splitlines()
    found = [(one.title, one.text) for one in split_markdown(page, "file")]
    assert found == [("Desk", "One."), ("Desk > Night", "Two.\n\n---\n\nThree.")]
