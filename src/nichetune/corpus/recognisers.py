"""All that looks for personal values in a text, rules and tagger together.

texts -> findings for each, in order

    "Pt: Maria Keller, MRN 00482913"  ->  [PATIENT_NAME 4-16, PERSON 4-16, MEDICAL_RECORD 22-30]

The rules read each text alone. The tagger reads many at once, and only texts that may name somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nichetune.corpus import names
from nichetune.corpus.analyzer import read_docs
from nichetune.corpus.masking.addresses import find_addresses
from nichetune.corpus.masking.checksums import find_proven
from nichetune.corpus.masking.complete import begins_sentence
from nichetune.corpus.masking.contacts import find_contacts
from nichetune.corpus.masking.custom import CustomRecogniser, find_custom
from nichetune.corpus.masking.dates import find_dates
from nichetune.corpus.masking.features import read_features
from nichetune.corpus.masking.findings import (
    CERTAIN,
    GIVEN_NAME,
    LABELLED_NAME,
    LIKELY,
    PATIENT_NAME,
    POSSIBLE,
    SURE,
    TITLED_NAME,
    Finding,
)
from nichetune.corpus.masking.labelled import find_labelled
from nichetune.corpus.masking.phones import find_phones
from nichetune.corpus.masking.plain_words import is_plain
from nichetune.corpus.masking.tagger import Tagged, tag_docs
from nichetune.corpus.secrets import find_secrets

_NAME_RULES = (
    *((TITLED_NAME, pattern, CERTAIN) for pattern in names.TITLED),
    *((PATIENT_NAME, pattern, LIKELY) for pattern in names.PATIENTS),
    *((LABELLED_NAME, pattern, LIKELY) for pattern in names.LABELLED),
)
_TAG_ENTITIES = {"PERSON": "PERSON", "ADDRESS": "ADDRESS", "CITY": "LOCATION", "ID": "BADGE_NUMBER", "USER": "USERNAME"}
# A number that only the tagger takes for personal must look like one.
_LEAST_ID_DIGITS = 4
_LEAST_GUESS = {"BADGE_NUMBER": 0.8, "USERNAME": 0.7, "LOCATION": 0.5, "ADDRESS": 0.3, "PERSON": 0.4}
# A person is guessed from here on where capitals and an unknown word speak for one, too.
_WEAK_PERSON = 0.2
_SENTENCE_BEFORE, _LINE_BEHIND = re.compile(r"[.!?]\s+$"), re.compile(r"\s*(?:\n|$)")
# Organisations that the tagger is sure of are not the people that a label promises.
_SURE_ORGANISATION = 0.9


def find_personal(
    texts: Sequence[str], guess: Sequence[bool], min_score: float, custom: Sequence[CustomRecogniser] = ()
) -> list[list[Finding]]:
    """What may be personal in each text.

    Args:
        guess: per text, whether the tagger is to read it; the rules always do.
        min_score: confidence from which a finding counts.
    """
    tagged = iter(_tag([text for text, wanted in zip(texts, guess, strict=True) if wanted]))
    found = []
    for text, wanted in zip(texts, guess, strict=True):
        guesses = next(tagged) if wanted else []
        rules = _without_organisations(_find_by_rules(text), guesses)
        own = [replace(one, score=1 + one.score) for one in find_custom(text, custom)]  # they outrank all others
        found.append([*own, *(one for one in [*rules, *_read_guesses(text, guesses)] if one.score >= min_score)])
    return found


def _find_by_rules(text: str) -> Iterator[Finding]:
    yield from find_contacts(text)
    yield from find_phones(text)
    yield from find_proven(text)
    yield from find_labelled(text)
    yield from find_dates(text)
    yield from find_addresses(text)
    for kind, pattern, score in _NAME_RULES:
        yield from (Finding(*match.span("value"), kind, score) for match in pattern.finditer(text))
    yield from (Finding(*span, GIVEN_NAME, POSSIBLE) for span in names.find_given_names(text))
    yield from (Finding(*span, "SECRET", SURE) for span in find_secrets(text))


def _tag(texts: Sequence[str]) -> list[list[Tagged]]:
    if not texts:
        return []
    read = read_docs(texts)
    return tag_docs(read.docs, read_features(read), min(_LEAST_GUESS.values()), _WEAK_PERSON)


def _read_guesses(text: str, guesses: Iterable[Tagged]) -> Iterator[Finding]:
    for one in guesses:
        entity = _TAG_ENTITIES.get(one.label, "")
        digits = sum(map(str.isdigit, text[one.start : one.end]))
        by_form = entity == "PERSON" and _has_form_of_name(text, one.start, one.end)
        if not entity or (one.score < _LEAST_GUESS[entity] and not by_form):
            continue
        # "A52.19", "7.2.14": codes and versions name things.
        if entity == "BADGE_NUMBER" and (digits < _LEAST_ID_DIGITS or "." in text[one.start : one.end]):
            continue
        if entity == "PERSON" and digits:
            continue
        # Never surer than a rule that knows what it saw.
        most = 0.59 if entity == "BADGE_NUMBER" else 0.8
        yield Finding(one.start, one.end, entity, max(_LEAST_GUESS[entity], min(one.score, most)), guessed=True)


def _has_form_of_name(text: str, start: int, end: int) -> bool:
    """Capitalised words that are no plain ones, where a capital says something: in a sentence, or as who signs."""
    words = re.findall(r"[^\W\d_]+", text[start:end])
    signs = _SENTENCE_BEFORE.search(text[max(0, start - 4) : start]) and _LINE_BEHIND.match(text, end)
    return (signs is not None or not begins_sentence(text, start)) and all(
        word.istitle() and len(word) > 1 and not is_plain(word) for word in words
    )


def _without_organisations(found: Iterable[Finding], guesses: Iterable[Tagged]) -> list[Finding]:
    firms = [(one.start, one.end) for one in guesses if one.label == "ORG" and one.score >= _SURE_ORGANISATION]
    return [
        one
        for one in found
        if one.entity not in (LABELLED_NAME, GIVEN_NAME)
        or not any(one.start < end and start < one.end for start, end in firms)
    ]
