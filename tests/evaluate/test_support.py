"""Support: word for word, or in other words by the packaged encoder, but never with other numbers."""

from __future__ import annotations

import pytest

from nichetune.evaluate.support import judge_support

DOCUMENTS = {
    "H90": "Conductive and sensorineural hearing loss\nExcludes 1: deaf nonspeaking (H91.3)",
    "H91": "Other and unspecified hearing loss. Sudden idiopathic hearing loss is coded at H91.2",
    "H10": "Conjunctivitis",
}


@pytest.mark.parametrize(
    ("cited", "recall", "precision"),
    [
        (["H90"], 1.0, 1.0),
        (["H91"], 0.0, 0.0),
        (["H90", "H91"], 1.0, 0.5),  # irrelevant: the other one supports it alone
        (["Z99", "H90", "H90"], 1.0, 0.5),  # no document has Z99; an id counts once
        ([], 0.0, None),
    ],
)
def test_precision_is_the_share_that_supports_and_recall_whether_any_does(cited, recall, precision):
    found = judge_support("excludes 1: deaf  nonspeaking (H91.3).", cited, DOCUMENTS)
    assert (found.recall, found.precision) == (recall, precision)


def test_the_encoder_finds_the_same_in_other_words_but_not_with_another_code():
    from nichetune.models.encoder import load_encoder

    encode = load_encoder("all-minilm-l6-v2").encode
    said = "Sudden idiopathic loss of hearing is coded at H91.2"
    assert judge_support(said, ["H91"], DOCUMENTS).recall == 0
    assert judge_support(said, ["H91"], DOCUMENTS, encode).recall == 1
    assert judge_support(said.replace("H91.2", "H91.3"), ["H91"], DOCUMENTS, encode).recall == 0
    assert judge_support("Wash your hands before the examination", ["H91"], DOCUMENTS, encode).recall == 0
