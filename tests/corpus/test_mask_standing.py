"""A surname alone stands for a case, an operation, a test or a maker where its sentence says so; else for a person."""

from __future__ import annotations

import re

import pytest

from nichetune.corpus.masking.findings import Finding
from nichetune.corpus.spans import choose_spans
from nichetune.corpus.vocabulary import Vocabulary

NAMES = (
    *("Batson", "Garrity", "Edwards", "Katz", "Nissen", "Foley"),
    *("Goldmann", "Bosch", "Whitworth", "Okafor", "Nguyen"),
)
THINGS = [
    "We objected under «Batson» after the third strike.",
    "The statement was taken in breach of «Edwards».",
    "Under «Strickland» he must show prejudice.",
    "The complaint fails Twombly and «Iqbal».",
    "The search followed Katz, not «Olmstead».",
    "Costs follow, subject to «Sanderson» or Bullock.",
    "Severance was refused under «Zafiro».",
    "Relief is foreclosed by «Teague».",
    "The panel found no «Graham» factor favouring force.",
    "He underwent «Nissen».",
    "Suspected «Meckel», CT booked.",
    "Widal 1:80, «Coombs» neg, repeat.",
    "Her «Hickman» is blocked.",
    "Please rebook fields and «Goldmann» pressures.",
    "The «Kennon» adjustment is not sought.",
    "Ignition coil by «Bosch», plugs in stock.",
    "The screws are «Phillips».",
    "Well shut in, «Cameron» ram leaking.",
]
PEOPLE = [
    "Motion filed by {} on Friday.",
    "Counsel for {} objected.",
    "The judge asked {} to sit.",
    "Judgment was entered against {} in March.",
    "Police released {} on bail.",
    "Testimony of {} follows.",
    "Counsel met {}.",
    "The judge followed {}, who left early.",
    "After {} left, the court rose.",
    "Admitted under {}, obs stable.",
    "Transferred under {} overnight.",
    "Awaiting {} to call back.",
    "Consent taken by {}.",
    "Lathe set up by {}.",
    "Shift lead is {}.",
    "The plaintiff, {}, appeals.",
    "In violation of {}'s curfew.",
    "The statement of Maria {} was read.",
    "Dr {} removed it.",
]


def find_masked(text, start, end):
    """What is masked of a name that the tagger takes for a person."""
    spans = choose_spans(text, [Finding(start, end, "PERSON", 0.9, guessed=True)], Vocabulary())
    return [text[one.start : one.end] for one in spans]


@pytest.mark.parametrize("marked", THINGS)
def test_a_name_that_its_sentence_shows_to_be_a_thing_stays(marked):
    text = re.sub("[«»]", "", marked)
    start = marked.index("«")
    assert find_masked(text, start, marked.index("»") - 1) == []


@pytest.mark.parametrize("sentence", PEOPLE)
def test_the_same_names_are_people_where_a_person_could_stand(sentence):
    for name in NAMES:
        text = sentence.format(name)
        start = text.index(name)
        assert find_masked(text, start, start + len(name)), text


def test_a_name_beside_a_first_name_or_an_initial_is_a_person():
    for text in ("We objected under Anna Batson.", "We objected under J. Batson.", "Under Batson Keller he lost."):
        start = text.index("Batson")
        assert find_masked(text, start, start + len("Batson")), text
