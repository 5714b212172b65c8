"""Cutting a passage: what speaks about the question stays, word for word, with its label."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nichetune.retrieve.passages import cut_passage

H65 = """H65 Nonsuppurative otitis media.
Also called: nonsuppurative otitis media with myringitis.
Excludes 1: barotitis media (T70.0); otitis media (acute) NOS (H66.9); suppurative otitis media (H66.-).
Excludes 2: diseases of the eustachian tube (H69).
Use additional: code for any associated perforated tympanic membrane (H72.-)."""


def test_passage_that_fits_stays_as_it_is():
    assert cut_passage(H65, "anything", 200) == H65


def test_line_that_answers_the_question_stays_word_for_word():
    cut = cut_passage(H65, "What does Use additional say about the tympanic membrane?", 20)
    assert "code for any associated perforated tympanic membrane (H72.-)." in cut
    assert "barotitis" not in cut and cut.startswith("H65 Nonsuppurative otitis media.")


def test_piece_from_the_middle_of_a_line_keeps_its_label():
    cut = cut_passage(H65, "Which Excludes note speaks about suppurative otitis media (H66.-)?", 12)
    assert cut.splitlines()[1] == "Excludes 1: … suppurative otitis media (H66.-). …"


def test_gaps_are_marked_and_order_is_kept():
    cut = cut_passage(H65, "eustachian tube and barotitis media", 20)
    assert cut.index("barotitis") < cut.index("eustachian")
    assert "…" in cut


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_one_endless_sentence_is_cut_at_a_word(limit: int):
    assert cut_passage("word " * 50, "word", limit) == "word " * limit + "…"


@given(
    st.lists(st.text("abAB H1.:;\n", min_size=1, max_size=30), min_size=1, max_size=8).map("\n".join),
    st.text("abAB H1.", max_size=20),
    st.integers(1, 30),
)
def test_no_passage_passes_its_limit_or_gains_a_word(text: str, query: str, limit: int):
    words = cut_passage(text, query, limit).replace("…", " ").split()
    assert len(words) <= limit
    assert set(words) <= set(text.split())
