"""Completes names and addresses of which a part was found: the tagger sees half a name now and then.

complete_name("told Tranter, Nkechi Hyun-woo", 14, 20, vocabulary)  ->  Stretch(5, 29)
complete_address("at 4 Elm St, Austin, tx 78701, USA", 3, 19, vocabulary)  ->  Stretch(3, 34)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nichetune.corpus.masking.addresses import CA_POSTCODE, STATES, UK_POSTCODE
from nichetune.corpus.masking.eponyms import names_thing
from nichetune.corpus.masking.features import STREET_WORDS
from nichetune.corpus.masking.places import is_wide_place
from nichetune.corpus.masking.plain_words import is_function_word, is_plain
from nichetune.corpus.names import NOT_NAMES, TITLES
from nichetune.corpus.vocabulary import Vocabulary

_WORD = r"[^\W\d_]+(?:['’-][^\W\d_]+)*"
_NEXT = re.compile(rf"[ ](?P<word>{_WORD})")
_PREVIOUS = re.compile(rf"(?P<word>{_WORD})[ ]$")
_LAST_BEFORE = re.compile(rf"(?P<word>{_WORD}),[ ]$")
_FIRST_BEHIND = re.compile(rf",[ ](?P<word>{_WORD}|[A-Z]\b)(?=[,;|(\n]|[ ](?:[(\d|-]|[A-Z]{{2,4}}\b)|$)")
_INITIAL_BEHIND = re.compile(r",[ ][A-Z]\b\.?")
_SLASH_BEHIND = re.compile(r"/[A-Z]{2,}(?: (?:MR|MRS|MS|MISS|DR))?\b")
_HYPHENED = re.compile(r"(?:-[^\W\d_]+)+")
_HYPHENED_BEFORE = re.compile(r"(?:[^\W\d_]+-)+$")
_STREET_BEHIND = re.compile(r"[ ](?P<word>[^\W\d_]{2,})\b\.?")
_CODE_BEHIND = re.compile(rf"[ \t]?,?[ \t\n](?:{STATES}),?[ \t]\d{{5}}(?:-\d{{4}})?\b", re.IGNORECASE)
_ENDS_WITH_CODE = re.compile(r"(?:^|\W)(?:[A-Z]{1,2}-)?(?:\d{4,6}|\d{3} \d{2}|\d{2}-\d{3}|\d{4} [A-Z]{2}|\d{4}-\d{3})$")
_HOUSE_NUMBER_BEFORE = re.compile(r"\b(?:[HDF]|house|flat|plot|door|shop|villa)\.?\s?no\.?:?\s?$", re.IGNORECASE)
_BEGINS_WITH_CODE = re.compile(rf"{UK_POSTCODE}|{CA_POSTCODE}|(?:{STATES}),? \d{{4,5}}")
_PLACE_BEFORE = re.compile(r"(?P<word>[^\W_][\w'’.-]*)(?:,?[ ])$")
_WIDER_BEHIND = re.compile(
    r"(?:[ \t]?,[ \t]?\n?|[ \t]?\n|[ \t])"
    r"(?P<three>(?P<two>(?P<one>[^\W\d_][\w.]*)(?:[ ][^\W\d_][\w.]*)?)(?:[ ][^\W\d_][\w.]*)?)"
)
_REACH = 40
_MOST_NAMES, _MOST_PLACES = 2, 6
_LEAST_LOWER_NAME = 3
# Abbreviations of records that the recogniser takes into a name next to them.
_SHORT_CAPITALS = 4
_NEVER_NAMES = frozenset(
    word.casefold()
    for word in (
        *("dad", "mom", "mum", "mother", "father", "husband", "wife", "son", "daughter", "sister", "brother"),
        *("grandmother", "grandfather", "aunt", "uncle", "cousin", "patient", "pt", "clinic", "hospital", "today"),
        *("else",),
        *("yesterday", "call", "called", "calling", "contact", "see", "met", "meet", "ask", "asked", "tell", "told"),
        *("email", "send", "sent", "spoke", "talked", "thanks", "thank", "hi", "hello", "hey", "dear", "please"),
        *(
            "meds",
            "labs",
            "vitals",
            "exam",
            "photo",
            "photos",
            "cont",
            "imp",
            "plan",
            "dx",
            "hx",
            "rx",
            "ext",
            "nr",
            "konto",
            "iban",
            "bic",
            "acct",
            "educ",
        ),
        *("enter", "query", "forward", "check", "recheck", "note", "review", "refer", "schedule", "regards"),
        *TITLES,
        *NOT_NAMES,
    )
)


@dataclass(frozen=True)
class Stretch:
    """Where a name or an address stands."""

    start: int
    end: int


def complete_name(text: str, start: int, end: int, vocabulary: Vocabulary) -> Stretch:
    """The name with the unknown words on either side that look like the rest of it."""
    no_case = text.islower() or text.isupper()
    for _ in range(_MOST_NAMES):
        after = _NEXT.match(text, end)
        if not after or not _is_name_part(text, after, vocabulary, no_case):
            break
        end = after.end()
    for _ in range(_MOST_NAMES):
        before = _PREVIOUS.search(text, max(0, start - _REACH), start)
        if not before or not _is_name_part(text, before, vocabulary, no_case):
            break
        start = before.start("word")
    turned = _complete_turned_name(text, start, end, vocabulary, no_case)
    start, end = turned.start, turned.end
    for pattern in (_HYPHENED, _SLASH_BEHIND):
        more = pattern.match(text, end)
        end = more.end() if more else end
    before = _HYPHENED_BEFORE.search(text, max(0, start - _REACH), start)
    return Stretch(before.start() if before else start, end)


def _complete_turned_name(text: str, start: int, end: int, vocabulary: Vocabulary, no_case: bool) -> Stretch:
    """The last name before a first name, or behind it, where a line begins so: "Tranter, Nkechi"."""
    last = _LAST_BEFORE.search(text, max(0, start - _REACH), start)
    if last and _begins_line(text, last.start("word")) and _is_name_part(text, last, vocabulary, no_case):
        return Stretch(last.start("word"), end)
    first = _FIRST_BEHIND.match(text, end)
    if first and " " not in text[start:end] and _begins_line(text, start):
        is_name = len(first["word"]) == 1 or (
            _is_name_part(text, first, vocabulary, no_case) and not is_plain(first["word"])
        )
        return Stretch(start, first.end("word") if is_name else end)
    initial = _INITIAL_BEHIND.match(text, end) if text[start:end].isupper() else None
    return Stretch(start, initial.end() if initial else end)


def _is_name_part(text: str, word: re.Match[str], vocabulary: Vocabulary, no_case: bool) -> bool:
    value = word["word"]
    if is_edge(value) or vocabulary.knows_word(value) or names_thing(text, *word.span("word")):
        return False
    if no_case:
        return len(value) >= _LEAST_LOWER_NAME and not is_plain(value)
    # A sentence begins with a capital whatever its first word is.
    return value.istitle() and not (is_plain(value) and begins_sentence(text, word.start("word")))


def complete_address(text: str, start: int, end: int, vocabulary: Vocabulary) -> Stretch:
    """The address with its house number's label, its town, its postcode, and the country that ends it."""
    before = _HOUSE_NUMBER_BEFORE.search(text, max(0, start - _REACH), start)
    start = before.start() if before else start
    if _BEGINS_WITH_CODE.match(text, start):
        start = _find_place_before(text, start, vocabulary)
    street = _STREET_BEHIND.match(text, end)
    if street and street["word"].casefold() in STREET_WORDS and any(map(str.isdigit, text[start:end])):
        end = street.end()
    code = _CODE_BEHIND.match(text, end)
    end = code.end() if code else end
    town = _NEXT.match(text, end) if _ENDS_WITH_CODE.search(text, max(start, end - 8), end) else None
    if town and _is_name_part(text, town, vocabulary, text.islower() or text.isupper()) and not is_plain(town["word"]):
        end = town.end()
    return Stretch(start, _find_country_behind(text, end))


def _find_place_before(text: str, start: int, vocabulary: Vocabulary) -> int:
    """Where the capitalised words before a postcode begin: "of Tan Lodge, Bryn LL1 4EN"."""
    for _ in range(_MOST_PLACES):
        before = _PLACE_BEFORE.search(text, max(0, start - _REACH), start)
        if not before or not before["word"][0].isupper() or is_function_word(before["word"]) or is_edge(before["word"]):
            break
        if is_plain(before["word"]) and begins_sentence(text, before.start()):
            break
        if vocabulary.knows_word(before["word"]):
            break
        start = before.start()
    return start


def _find_country_behind(text: str, end: int) -> int:
    while True:
        match = _WIDER_BEHIND.match(text, end)
        ends = [match.end(name) for name in ("three", "two", "one") if match and match[name]]
        wider = next((one for one in ends if match and is_wide_place(text[match.start("one") : one])), 0)
        if not match or not wider:
            return end
        closes = text[wider - 1] == "." and text.count(".", match.start("one"), wider) == 1  # a sentence, no "U.S.A."
        end = wider - closes


def is_edge(word: str) -> bool:
    """Whether a word is the record's, not the name's. Where all is written small or in capitals, case tells nothing."""
    return word.casefold() in _NEVER_NAMES or (word.isupper() and 1 < len(word) < _SHORT_CAPITALS and word in NOT_NAMES)


def begins_sentence(text: str, start: int) -> bool:
    """Whether a sentence, a field or a line begins there."""
    before = text[:start].rstrip(" \"'(*-")
    return not before or before[-1] in ".:;!?\n|,"


def _begins_line(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t\"'(*-")
    return not before or before[-1] in ".:;\n|"
