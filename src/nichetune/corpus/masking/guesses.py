"""Trims what the tagger guesses: plain words and the domain's own are no names, towns or streets.

    trim_guess("Fraud alert: Dana Fenn", 0, 11, "PERSON", knows) -> None
    trim_guess("at 4 Elm St near the", 3, 20, "ADDRESS", knows)  -> (3, 11)

A name may be a plain word ("Mr Baker", "Hope Stone"); the rules see it by its title, its label or its given name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from nichetune.corpus.masking.complete import is_edge
from nichetune.corpus.masking.eponyms import names_thing
from nichetune.corpus.masking.features import STREET_WORDS
from nichetune.corpus.masking.findings import PLACEHOLDER
from nichetune.corpus.masking.lexicon import given_names
from nichetune.corpus.masking.plain_words import is_function_word, is_plain

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_LETTERS, _LONG_NUMBER = re.compile(r"[^\W\d_]+"), re.compile(r"\d(?:[ .-]?\d){4}")
_SENTENCE_BEFORE = re.compile(r"(?:^|[.:;!?|\n\t*>(\"“-])\s*$")
_PART_BEHIND, _PART_BEFORE = re.compile(r"[-.]?\w"), re.compile(r"\w[-.]?$")
_SHORT, _ABBREVIATION = 3, 4
_LEAST_POSTCODE, _MOST_POSTCODE = 4, 6


def trim_guess(text: str, start: int, end: int, entity: str, knows: Callable[[str], bool]) -> tuple[int, int] | None:
    """The guess without plain words at its ends; None if nothing telling is left.

    Args:
        knows: whether a word is the domain's own.
    """
    words = list(_WORD.finditer(text, start, end))
    if entity == "BADGE_NUMBER":
        # Part of a longer code: what names a thing (a UUID, a version) is masked by a rule or not at all.
        return None if _PART_BEHIND.match(text, end) or _PART_BEFORE.search(text[:start][-2:]) else _trim_labels(words)
    if entity not in ("ADDRESS", "LOCATION"):
        # Inside a name a plain word is part of it: "Dana Stone". Only a guess of nothing else is none.
        return (start, end) if any(_tells(text, one, knows) for one in words) else None
    # Where case tells nothing, a town's name may be any word: "12 oak grove, reading".
    any_word = entity == "ADDRESS" and _has_no_case(text)
    while words and not (_tells(text, words[-1], knows) or (any_word and not is_function_word(words[-1].group()))):
        words.pop()
    while words and not _tells(text, words[0], knows):
        words.pop(0)
    if not words or (entity == "ADDRESS" and not _is_address(text, words, knows)):
        return None
    return words[0].start(), words[-1].end()


def may_hide_more(masked: str) -> bool:
    """Whether a word or number stands in a masked text that could still be personal."""
    rest = PLACEHOLDER.sub(" ", masked)
    return _LONG_NUMBER.search(rest) is not None or any(
        len(word) >= _SHORT and not is_plain(word) and not is_edge(word) for word in _LETTERS.findall(rest)
    )


def _is_address(text: str, words: list[re.Match[str]], knows: Callable[[str], bool]) -> bool:
    """Whether there is a name, or a number beside a street, or a postcode."""
    values = [one.group() for one in words]
    digits = sum(map(str.isdigit, text[words[0].start() : words[-1].end()]))
    has_street = any(_is_street(value) for value in values)
    return (
        any(
            _is_name_like(one.group(), knows) and not _is_street(one.group()) and not names_thing(text, *one.span())
            for one in words
        )
        or (digits > 0 and len(values) > (1 if has_street else 2) and (has_street or _has_no_case(text)))
        or (len(values) == 1 and digits == len(values[0]) and _is_postcode(values[0]))
    )


def _trim_labels(words: list[re.Match[str]]) -> tuple[int, int] | None:
    """A number without the words beside it: "acct 5512889" is 5512889, "HKV 4471" stays."""

    def is_label(word: str) -> bool:
        return not word.isupper() and not any(map(str.isdigit, word))

    while words and is_label(words[-1].group()):
        words.pop()
    while words and is_label(words[0].group()):
        words.pop(0)
    return (words[0].start(), words[-1].end()) if words else None


def _tells(text: str, word: re.Match[str], knows: Callable[[str], bool]) -> bool:
    """Whether a word speaks for a name or an address."""
    value = word.group()
    if any(map(str.isdigit, value)) or _is_street(value):
        return True
    if is_edge(value):
        return False
    if len(value) < _SHORT or (value.isupper() and len(value) <= _ABBREVIATION and not text.isupper()):
        return value.casefold() in given_names() and not knows(value)
    if _is_name_like(value, knows):
        return True
    # "at Stone": a plain word with a capital where no sentence begins may be a name after all.
    before = text[max(0, word.start() - 4) : word.start()]
    return value.istitle() and not knows(value) and not _SENTENCE_BEFORE.search(before)


def _has_no_case(text: str) -> bool:
    return text.islower() or text.isupper()


def _is_postcode(digits: str) -> bool:
    is_year = len(digits) == 4 and digits[:2] in ("18", "19", "20")
    return _LEAST_POSTCODE <= len(digits) <= _MOST_POSTCODE and not is_year


def _is_name_like(value: str, knows: Callable[[str], bool]) -> bool:
    if is_edge(value):
        return False
    parts = re.split(r"['’-]", value)
    return any(len(part) >= _SHORT and part.isalpha() and not is_plain(part) and not knows(part) for part in parts)


def _is_street(value: str) -> bool:
    return value.casefold() in STREET_WORDS
