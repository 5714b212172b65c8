"""Turns what the recognisers found in a text into the spans that are masked: sorted, disjoint, domain terms spared.

Presidio results + vocabulary -> spans

    "Seen with Dr. Olivia Chen. Graves disease"  ->  [Span(14, 25, "PERSON", 0.95)]
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from presidio_analyzer import RecognizerResult

from nichetune.corpus.names import NOT_NAMES, TITLES
from nichetune.corpus.recognisers import GIVEN_NAME, LABELLED_NAME, PATIENT_NAME, TITLED_NAME
from nichetune.corpus.vocabulary import Vocabulary

PLACEHOLDER = re.compile(r"\[[A-Z][A-Z_]*_\d+\]")
# No part of a code: the H of "H60.0" is nobody's initial.
_NAME_WORD = re.compile(r"(?<![\w.-])[^\W\d_]+(?:['’-][^\W\d_]+)*(?![\d_])(?!['’.-][^\W_])")
_NEXT_NAME = re.compile(r"[ ](?P<word>[^\W\d_]+(?:['’-][^\W\d_]+)*)")
_PREVIOUS_NAME = re.compile(r"(?P<word>[^\W\d_]+(?:['’-][^\W\d_]+)*)[ ]$")
_NAMES = (TITLED_NAME, PATIENT_NAME, LABELLED_NAME, GIVEN_NAME)
_ENTITY_NAMES = {**dict.fromkeys(_NAMES, "PERSON"), "IBAN_CODE": "IBAN"}
# What follows a given name in the name of a place or an institution.
_INSTITUTIONS = frozenset(
    (
        *("hospital", "clinic", "center", "centre", "university", "college", "school", "institute", "county", "city"),
        *("airport", "station", "street", "road", "avenue", "park", "beach", "island", "church", "memorial", "texas"),
        *("inc", "llc", "ltd", "gmbh", "corp", "company", "bank", "group", "foundation", "syndrome", "disease"),
    )
)
# Abbreviations of records that the recogniser takes into a name next to them.
_SHORT_CAPITALS = 4
_NEVER_NAMES = frozenset(
    word.casefold()
    for word in (
        *("dad", "mom", "mum", "mother", "father", "husband", "wife", "son", "daughter", "sister", "brother"),
        *("grandmother", "grandfather", "aunt", "uncle", "cousin", "patient", "pt", "clinic", "hospital", "today"),
        *("yesterday", "call", "called", "calling", "contact", "see", "met", "meet", "ask", "asked", "tell", "told"),
        *("email", "send", "sent", "spoke", "talked", "thanks", "thank", "hi", "hello", "hey", "dear", "please"),
        *("enter", "query", "forward", "check", "recheck", "note", "review", "refer", "schedule", "regards"),
        *TITLES,
        *NOT_NAMES,
    )
)
# One name before such a word is an eponym: what a thing is called, not who is meant.
_EPONYM = re.compile(
    r"(?:['’]s?)? (?:disease|syndrome|palsy|sign|reflex|dystrophy|anomaly|phenomenon|membrane|tumou?r|lymphoma|"
    r"classification|criteria|score|scale|test|law|theorem|equation|effect)s?\b"
)
_LAST_LETTER = re.compile(r" [^\W\d_]$")
_POSSESSIVE = re.compile(r"['’](?:s|S)?$")


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of text to be masked."""

    start: int
    end: int
    entity: str
    score: float = 1.0


def choose_spans(
    text: str, found: Iterable[RecognizerResult], vocabulary: Vocabulary, people: bool = True
) -> list[Span]:
    """The spans to mask, in order and without overlap.

    Args:
        people: whether names are personal; in a published text they are not.
    """
    spans = [span for one in found if (span := _judge(text, one, vocabulary)) and (people or span.entity != "PERSON")]
    standing = [match.span() for match in PLACEHOLDER.finditer(text)]
    spans = [one for one in spans if not any(one.start < end and start < one.end for start, end in standing)]
    return merge_spans(spans)


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Overlapping spans as one, of the type that is surest of the overlap (the longer one if equally sure)."""
    merged: list[Span] = []
    for span in sorted(spans):
        last = merged[-1] if merged else None
        if last is None or span.start >= last.end:
            merged.append(span)
            continue
        surest = max(last, span, key=lambda one: (one.score, one.end - one.start))
        merged[-1] = replace(surest, start=last.start, end=max(last.end, span.end))
    return merged


def _judge(text: str, one: RecognizerResult, vocabulary: Vocabulary) -> Span | None:
    """The span as it will be masked; None where it is no finding after all."""
    value = text[one.start : one.end]
    if value.casefold().strip() in vocabulary.allowed:
        return None
    entity = _ENTITY_NAMES.get(one.entity_type, one.entity_type)
    span = Span(one.start, one.end, entity, float(one.score))
    if entity != "PERSON":
        # "10:30::" has the form of an address in IPv6.
        return None if entity == "IP_ADDRESS" and value.endswith("::") else span
    named = _judge_name(text, one.entity_type, span, vocabulary)
    ending = _POSSESSIVE.search(text[named.start : named.end]) if named else None
    return replace(named, end=named.start + ending.start()) if named and ending else named


def _judge_name(text: str, kind: str, span: Span, vocabulary: Vocabulary) -> Span | None:
    """A name by the evidence for it: the less it is, the more the domain's words count against it."""
    if kind == TITLED_NAME:
        return _trim_tail(text, span, vocabulary, keep=2)
    if kind == GIVEN_NAME:
        return _judge_given_name(text, span, vocabulary)
    if kind in (PATIENT_NAME, LABELLED_NAME):
        value = _LAST_LETTER.sub("", text[span.start : span.end])  # "Mother: Otorrhea L": left
        words = _NAME_WORD.findall(value)
        is_plain = len(words) == 1 and vocabulary.knows_word(words[0])
        return None if is_plain or vocabulary.is_domain(value) else _trim_tail(text, span, vocabulary, keep=2)
    return _judge_guess(text, span, vocabulary)


def _judge_guess(text: str, span: Span, vocabulary: Vocabulary) -> Span | None:
    """A person that the language model guesses: spared if it is the domain's, widened to the whole name if not."""
    words = list(_NAME_WORD.finditer(text, span.start, span.end))
    # Abbreviations and plain words at either end are the record's, not the name's: "Keller DOB", "Dad Keller".
    while words and (_is_edge(words[-1].group()) or _continues(text, words[-1], vocabulary)):
        words.pop()
    while words and _is_edge(words[0].group()):
        words.pop(0)
    if not words or _is_said_in_domain(text, words, vocabulary):
        return None
    return _widen(text, replace(span, start=words[0].start(), end=words[-1].end()), vocabulary)


def _base_end(word: re.Match[str]) -> int:
    """Where a word ends without its possessive."""
    ending = _POSSESSIVE.search(word.group())
    return word.start() + ending.start() if ending else word.end()


def _judge_given_name(text: str, span: Span, vocabulary: Vocabulary) -> Span | None:
    """A name that begins with a known given name, without what the domain knows behind it."""
    words = list(_NAME_WORD.finditer(text, span.start, span.end))
    alone = len(words) == 1
    while len(words) > 1 and (
        vocabulary.knows_word(words[-1].group()) or words[-1].group().casefold() in _INSTITUTIONS
    ):
        words.pop()
    if len(words) == 1 and (not alone or vocabulary.knows_word(words[0].group())):
        return None
    return replace(span, start=words[0].start(), end=words[-1].end())


def _is_edge(word: str) -> bool:
    short = word.isupper() and len(word) <= _SHORT_CAPITALS
    return short or word[0].islower() or word.casefold() in _NEVER_NAMES


def _continues(text: str, word: re.Match[str], vocabulary: Vocabulary) -> bool:
    """Whether the domain's own phrase begins at this word: "Query Duane's" before "syndrome"."""
    after = _NEXT_NAME.match(text, word.end())
    return after is not None and vocabulary.knows_pair(word.group(), after["word"])


def _is_said_in_domain(text: str, words: list[re.Match[str]], vocabulary: Vocabulary) -> bool:
    """Whether the documents say just that, or say it behind a plain word that begins a sentence."""
    if vocabulary.is_domain(text[words[0].start() : words[-1].end()]):
        return True
    if len(words) == 1 and _EPONYM.match(text, _base_end(words[0])):
        return True
    rest = text[words[1].start() : words[-1].end()] if len(words) > 1 else ""
    first = words[0]
    begins = not text[: first.start()].rstrip(" \"'(") or text[: first.start()].rstrip(" \"'(")[-1] in ".:;!?\n"
    return begins and vocabulary.is_common(first.group()) and vocabulary.is_title(rest)


def _widen(text: str, span: Span, vocabulary: Vocabulary) -> Span:
    """With the capitalised, unknown words beside it: the model often finds half a name."""
    while (after := _NEXT_NAME.match(text, span.end)) and _is_unknown_name(after["word"], vocabulary):
        span = replace(span, end=after.end())
    while (before := _PREVIOUS_NAME.search(text, max(0, span.start - 40), span.start)) and _is_unknown_name(
        before["word"], vocabulary
    ):
        span = replace(span, start=before.start("word"))
    return span


def _is_unknown_name(word: str, vocabulary: Vocabulary) -> bool:
    return not _is_edge(word) and not vocabulary.knows_word(word)


def _trim_tail(text: str, span: Span, vocabulary: Vocabulary, keep: int) -> Span:
    """Without known words behind the first `keep`: "Dr. Olivia Chen Lattice dystrophy" ends at Chen."""
    words = list(_NAME_WORD.finditer(text, span.start, span.end))
    while len(words) > keep and vocabulary.knows_word(words[-1].group()):
        words.pop()
    return replace(span, end=words[-1].end()) if words else span
