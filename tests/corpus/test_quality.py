"""Texts that teach nothing go for a reason; what people write in a hurry stays."""

from __future__ import annotations

import pytest
from corpus_tools import make_example, make_settings
from pydantic import ValidationError

from nichetune.core.settings import QualitySettings
from nichetune.corpus.cleaning import clean_examples
from nichetune.corpus.quality import find_flaw

DEFAULTS = QualitySettings()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "text",
    ["Pinguecula, OD.", "BP 120/80, HR 72 (!), O2 98%", "Überweisung Ménière’s, re. Ohr", "右眼の白内障", "??? help",
     "Pt: [PERSON_1], DOB [DATE_1]. K+ 3.4", "see https://example.org/a?b=1", "x"],
)  # fmt: skip
def test_what_people_write_passes(text):
    assert find_flaw(text, DEFAULTS) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("?!", "too short"),
        ("The caf\u00c3\u00a9 was closed", "garbled"),
        ("The \ufffd\ufffd was closed", "garbled"),
        ("a |||| ---- #### ~~~~ ////", "garbled"),
        ("data:" + "QUJD" * 60, "garbled"),
        ("the pump has failed again " * 12, "repeats itself"),
    ],
)
def test_what_is_no_text_goes_for_its_reason(text, reason):
    assert find_flaw(text, DEFAULTS) == reason


def test_every_filter_can_be_switched_off():
    off = QualitySettings(min_words=0, garbled=False, max_repeated=1.0)
    assert not any(find_flaw(text, off) for text in ("?!", "The \ufffd\ufffd was closed", "the pump again " * 12))


def test_another_language_goes_and_short_texts_pass():
    pytest.importorskip("py3langid")
    english = QualitySettings(languages=["en"])
    german = "Der Patient wurde heute wegen einer Trübung der Hornhaut untersucht und soll bald wiederkommen"
    assert find_flaw(german, english) == "wrong language"
    assert find_flaw(german, QualitySettings(languages=["de"])) == ""
    assert find_flaw("Trübung rechts", english) == ""


def test_what_is_nothing_but_its_sources_template_can_be_dropped_and_is_counted():
    texts = [f"Reading number {n} of the flow meter in the main hall" for n in range(40)] + [
        "The meter was broken today"
    ]
    corpus = [make_example(f"t{n}", text, task="explain", answer="Ok.") for n, text in enumerate(texts)]
    assert len(clean_examples(corpus, make_settings()).kept) == 41
    done = clean_examples(corpus, make_settings(quality={"boilerplate": True}))
    assert [one.id for one in done.kept] == ["t40"]
    assert {one.reason for one in done.dropped} == {"nothing but boilerplate"}


@pytest.mark.parametrize("name", ["english", "EN", "e"])
def test_a_language_that_is_no_code_is_refused(name):
    with pytest.raises(ValidationError, match="ISO 639-1"):
        QualitySettings(languages=[name])
