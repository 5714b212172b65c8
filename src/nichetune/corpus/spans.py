"""Turns what the recognisers found in a text into the spans that are masked: sorted, disjoint, domain terms spared.

findings + vocabulary -> spans

    "Seen with Dr. Olivia Chen. Graves disease"  ->  [Span(14, 25, "PERSON", 0.95)]
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from nichetune.corpus.masking.complete import Stretch, begins_sentence, complete_address, complete_name, is_edge
from nichetune.corpus.masking.eponyms import names_thing
from nichetune.corpus.masking.findings import (
    GIVEN_NAME,
    LABELLED_NAME,
    NAME_KINDS,
    PATIENT_NAME,
    PLACEHOLDER,
    TITLED_NAME,
    Finding,
)
from nichetune.corpus.masking.guesses import trim_guess
from nichetune.corpus.masking.places import is_wide_place
from nichetune.corpus.masking.standing import stands_for_thing
from nichetune.corpus.vocabulary import Vocabulary

# No part of a code: the H of "H60.0" is nobody's initial.
_NAME_WORD = re.compile(r"(?<![\w.-])[^\W\d_]+(?:['’-][^\W\d_]+)*(?![\d_])(?!['’.-][^\W_])")
_NEXT_NAME = re.compile(r"[ ](?P<word>[^\W\d_]+(?:['’-][^\W\d_]+)*)")
# What may stand between the parts of one address.
_ADDRESS_GAP = re.compile(r"[ \t]{0,2}[,;–-]?[ \t]{0,2}\n?[ \t]{0,2}")
# What follows a given name in the name of a place or an institution.
_INSTITUTIONS = frozenset(
    (
        *("hospital", "clinic", "center", "centre", "university", "college", "school", "institute", "county", "city"),
        *("airport", "station", "street", "road", "avenue", "park", "beach", "island", "church", "memorial", "texas"),
        *("inc", "llc", "ltd", "gmbh", "corp", "company", "bank", "group", "foundation", "syndrome", "disease"),
    )
)
_NAME_GAP = re.compile(
    r"\s(?:(?:de|la|le|del|della|dos|da|das|do|di|du|van|von|der|den|ter|ten|bin|binti|ibn|al|el|ní|nic|ó|mac|mc|y|e|[^\W\d_]\.?)\s){1,3}",
    re.IGNORECASE,
)
_LEAST_PLACE = 3
_LAST_LETTER = re.compile(r" [^\W\d_]$")
_POSSESSIVE = re.compile(r"['’](?:s|S)?$")


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of text to be masked."""

    start: int
    end: int
    entity: str
    score: float = 1.0


def choose_spans(text: str, found: Iterable[Finding], vocabulary: Vocabulary, people: bool = True) -> list[Span]:
    """The spans that are personal, in order and without overlap.

    Args:
        people: whether names are personal; in a published text they are not.
    """
    spans = [span for one in found if (span := _judge(text, one, vocabulary)) and (people or span.entity != "PERSON")]
    standing = [match.span() for match in PLACEHOLDER.finditer(text)]
    spans = [one for one in spans if not any(one.start < end and start < one.end for start, end in standing)]
    return _join_names(text, merge_spans(_join_addresses(text, merge_spans(spans), vocabulary)))


def _join_addresses(text: str, spans: list[Span], vocabulary: Vocabulary) -> list[Span]:
    """The parts of an address that only a comma or a line end parts, as one; a town beside a street belongs to it."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        parts = {last.entity, span.entity} if last else set()
        if (
            last
            and "ADDRESS" in parts
            and parts <= {"ADDRESS", "LOCATION"}
            and _ADDRESS_GAP.fullmatch(text, last.end, span.start)
        ):
            joined[-1] = Span(last.start, span.end, "ADDRESS", max(last.score, span.score))
        else:
            joined.append(span)
    whole = [complete_address(text, span.start, span.end, vocabulary) for span in joined]
    return [_complete(span, one) if span.entity == "ADDRESS" else span for span, one in zip(joined, whole, strict=True)]


def _complete(span: Span, whole: Stretch) -> Span:
    return replace(span, start=whole.start, end=whole.end)


def _join_names(text: str, spans: list[Span]) -> list[Span]:
    """Two parts of one name with what may stand between them: "Tarquin de la | Cruz", "Dana Q. | Fenn"."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last and last.entity == span.entity == "PERSON" and _NAME_GAP.fullmatch(text, last.end, span.start):
            joined[-1] = replace(last, end=span.end, score=max(last.score, span.score))
        else:
            joined.append(span)
    return joined


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


def _judge(text: str, one: Finding, vocabulary: Vocabulary) -> Span | None:
    """The span as it will be masked; None where it is no finding after all."""
    value = text[one.start : one.end]
    if value.casefold().strip() in vocabulary.allowed:
        return None
    if one.guessed:
        trimmed = trim_guess(text, one.start, one.end, one.entity, vocabulary.knows_word)
        if trimmed is None:
            return None
        one = replace(one, start=trimmed[0], end=trimmed[1])
    if one.entity == "LOCATION":
        return _judge_place(text, one, vocabulary)
    if one.entity not in ("PERSON", *NAME_KINDS):
        return Span(one.start, one.end, one.entity, one.score)
    span = Span(one.start, one.end, "PERSON", one.score)
    named = _judge_name(text, one.entity, span, vocabulary)
    ending = _POSSESSIVE.search(text[named.start : named.end]) if named else None
    return replace(named, end=named.start + ending.start()) if named and ending else named


def _judge_place(text: str, one: Finding, vocabulary: Vocabulary) -> Span | None:
    value = text[one.start : one.end]
    numbered = any(map(str.isdigit, value))
    is_plain = len(value) < _LEAST_PLACE or numbered or is_wide_place(value) or vocabulary.is_domain(value)
    return (
        None if is_plain or names_thing(text, one.start, one.end) else Span(one.start, one.end, one.entity, one.score)
    )


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
    """A person that the tagger guesses: spared if it is the domain's, widened to the whole name if not."""
    words = list(_NAME_WORD.finditer(text, span.start, span.end))
    # Abbreviations and plain words at either end are the record's, not the name's: "Keller DOB", "Dad Keller".
    while words and (is_edge(words[-1].group()) or _continues(text, words[-1], vocabulary)):
        words.pop()
    while words and is_edge(words[0].group()):
        words.pop(0)
    if not words or _is_said_in_domain(text, words, vocabulary):
        return None
    if len(words) == 1 and stands_for_thing(text, *words[0].span()):
        return None
    return _complete(span, complete_name(text, words[0].start(), words[-1].end(), vocabulary))


def _judge_given_name(text: str, span: Span, vocabulary: Vocabulary) -> Span | None:
    """A name that begins with a known given name, without what the domain knows behind it."""
    words = list(_NAME_WORD.finditer(text, span.start, span.end))
    if names_thing(text, span.start, span.end):
        return None
    alone = len(words) == 1
    while len(words) > 1 and (
        vocabulary.knows_word(words[-1].group()) or words[-1].group().casefold() in _INSTITUTIONS
    ):
        words.pop()
    if not words or (len(words) == 1 and (not alone or vocabulary.knows_word(words[0].group()))):
        return None
    return replace(span, start=words[0].start(), end=words[-1].end())


def _continues(text: str, word: re.Match[str], vocabulary: Vocabulary) -> bool:
    """Whether the domain's own phrase begins at this word: "Query Duane's" before "syndrome"."""
    after = _NEXT_NAME.match(text, word.end())
    return after is not None and vocabulary.knows_pair(word.group(), after["word"])


def _is_said_in_domain(text: str, words: list[re.Match[str]], vocabulary: Vocabulary) -> bool:
    """Whether the documents say just that, or say it behind a plain word that begins a sentence."""
    if vocabulary.is_domain(text[words[0].start() : words[-1].end()]):
        return True
    if names_thing(text, words[0].start(), words[-1].end()):
        return True
    rest = text[words[1].start() : words[-1].end()] if len(words) > 1 else ""
    first = words[0]
    begins = begins_sentence(text, first.start())
    return begins and vocabulary.is_common(first.group()) and vocabulary.is_title(rest)


def _trim_tail(text: str, span: Span, vocabulary: Vocabulary, keep: int) -> Span:
    """Without known words behind the first `keep`: "Dr. Olivia Chen Lattice dystrophy" ends at Chen."""
    words = list(_NAME_WORD.finditer(text, span.start, span.end))
    while len(words) > keep and vocabulary.knows_word(words[-1].group()):
        words.pop()
    return replace(span, end=words[-1].end()) if words else span
