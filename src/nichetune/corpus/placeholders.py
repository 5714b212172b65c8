"""Gives what is masked in one record its placeholders: typed, numbered, the same person always the same.

values of one record, in order -> placeholders

    "Maria Keller" -> [PERSON_1]   "Ms. Keller's" Keller -> [PERSON_1]   "Olivia Chen" -> [PERSON_2]
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from nichetune.corpus.masking.findings import PLACEHOLDER
from nichetune.corpus.spans import Span, merge_spans
from nichetune.corpus.vocabulary import Vocabulary

_LEAST_LETTERS = 3
# Names that are a time as well: "June Smith comes in June".
_CALENDAR = frozenset(
    (
        *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
        *("november", "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    )
)
# Names that are words as well: in lower case they are taken for the word.
_WORDS_TOO = frozenset(
    (
        *("art", "bill", "bush", "chase", "cook", "dawn", "dean", "drew", "faith", "fields", "frank"),
        *("gene", "grace", "grant", "gray", "green", "guy", "hope", "jack", "jean", "joy", "king"),
        *("long", "mark", "max", "miles", "page", "pat", "price", "ray", "reed", "rob", "rose"),
        *("short", "stone", "sue", "summer", "sunny", "wade", "ward", "white", "will", "woods", "young"),
    )
)


class PlaceholderMap:
    """The placeholders of one record; every text of the record goes through the same map."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        # Numbers go on above those of placeholders that the texts bring along: those stand for somebody else.
        taken = [match.group() for text in texts for match in PLACEHOLDER.finditer(text)]
        self._last: dict[str, int] = {}
        for placeholder in taken:
            entity, _, number = placeholder[1:-1].rpartition("_")
            if number.isdigit():  # a keyed hash carries no number
                self._last[entity] = max(self._last.get(entity, 0), int(number))
        self._known: dict[tuple[str, str], str] = {}
        self._people: dict[frozenset[str], str] = {}
        self._small: set[str] = set()  # words of names that somebody wrote in lower case

    def name(self, entity: str, value: str) -> str:
        """The placeholder for a value."""
        key = (entity, _fold(value))
        if entity == "PERSON":
            self._small.update(word for word in name_words(value) if word in value)
        if key not in self._known:
            self._known[key] = self._find_person(value) if entity == "PERSON" else self._next(entity)
        return self._known[key]

    def _find_person(self, value: str) -> str:
        """A known person's if the name is part of theirs, or theirs of it; else a new one."""
        words = frozenset(name_words(value))
        for known, placeholder in self._people.items():
            if words and words <= known:
                return placeholder
            if known and known < words:
                # The fuller name takes the place of the shorter: "Keller" was Maria, so John Keller is another.
                self._people = {words if one is known else one: name for one, name in self._people.items()}
                return placeholder
        self._people[words] = self._next("PERSON")
        return self._people[words]

    def _next(self, entity: str) -> str:
        self._last[entity] = self._last.get(entity, 0) + 1
        return f"[{entity}_{self._last[entity]}]"

    def find_more(self, text: str, spans: list[Span], vocabulary: Vocabulary) -> list[Span]:
        """The spans, and every other place in `text` where a known value of the record stands."""
        found = list(spans)
        folded, covered = text.casefold(), "\0".join(text[one.start : one.end].casefold() for one in spans)

        def stands_elsewhere(value: str) -> bool:
            return folded.count(value) > covered.count(value)

        for entity, value in self._known:
            if not stands_elsewhere(value):
                continue
            # A single word of a name may be a word of the domain, and is looked at below.
            if len(value) >= _LEAST_LETTERS and (entity != "PERSON" or len(name_words(value)) > 1):
                pattern = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)", re.IGNORECASE)
                found += [Span(*match.span(), entity) for match in pattern.finditer(text)]
        for word in sorted({word for words in self._people for word in words} - _CALENDAR):
            if len(word) >= _LEAST_LETTERS and stands_elsewhere(word) and not vocabulary.knows_word(word):
                pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
                any_case = word in self._small and word not in _WORDS_TOO
                said = [m for m in pattern.finditer(text) if any_case or m.group()[0].isupper()]
                found += [Span(*m.span(), "PERSON", 0.5) for m in said]
        standing = [match.span() for match in PLACEHOLDER.finditer(text)]
        apart = [one for one in found if not any(one.start < end and start < one.end for start, end in standing)]
        return merge_spans(_join_neighbours(text, merge_spans(apart), spans))


def name_words(value: str) -> list[str]:
    """The words of a name, case-folded, without initials."""
    return [word.casefold() for word in re.findall(r"[^\W\d_]+", value) if len(word) > 1]


def _join_neighbours(text: str, merged: list[Span], first: list[Span]) -> list[Span]:
    """Two halves of a name that only a space parts are one name, unless the recognisers saw two."""
    seen = {(one.start, one.end) for one in first}
    joined: list[Span] = []
    for span in merged:
        last = joined[-1] if joined else None
        both_seen = last is not None and (last.start, last.end) in seen and (span.start, span.end) in seen
        if last and not both_seen and last.entity == span.entity == "PERSON" and text[last.end : span.start] == " ":
            joined[-1] = Span(last.start, span.end, "PERSON", max(last.score, span.score))
        else:
            joined.append(span)
    return joined


def _fold(value: str) -> str:
    return re.sub(r"\s+", " ", value).strip().casefold()
