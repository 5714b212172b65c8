"""Finds what is called by a name and is no person and no place: brands, drugs, organisms, cases, tests, tools.

text -> stretches

    "Closed with Vicryl; Foley catheter out; per Bolam v Friern"  ->  Vicryl, Foley, Bolam v Friern

`things.txt` holds terms as "Vicryl", "Karl Fischer" (nobody is called so), "Foley~(catheter)" (a thing before these
words only) and "Terry~" (an eponym: `eponyms.py` judges it by what stands around it).
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from dataclasses import dataclass, field

from nichetune.corpus.masking.lexicon import common_names

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ENTRY = re.compile(r"(?P<name>[^~(|]+)(?P<shared>~?)(?:\((?P<heads>[^)]*)\))?")
# A listed thing of one word that so many people are called is an eponym whatever the list says.
_COMMON_SURNAMES = 8_000


@dataclass(frozen=True)
class Things:
    """The list, read.

    Attributes:
        starts: first word of a term -> all words of the terms that begin so, longest first.
        headed: (words of a name, word behind it) that make a thing together.
        shared: what people are called, too.
    """

    starts: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    headed: dict[str, set[str]] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)


@functools.cache
def read_things() -> Things:
    """The packaged list."""
    text = (importlib.resources.files("nichetune.corpus.masking") / "things.txt").read_text(encoding="utf-8")
    things = Things()
    for line in text.splitlines():
        if line and not line.startswith(("#", "==")):
            for entry in line.split("|"):
                _add(things, entry.strip())
    for terms in things.starts.values():
        terms.sort(key=len, reverse=True)
    return things


def _add(things: Things, entry: str) -> None:
    match = _ENTRY.fullmatch(entry)
    words = split_words(match["name"]) if match else ()
    if not match or not words:
        return
    name = " ".join(words)
    if match["heads"]:
        things.headed.setdefault(name, set()).update(split_words(match["heads"]))
    if match["shared"] or name in common_names(_COMMON_SURNAMES):
        things.shared.add(name)
    else:
        things.starts.setdefault(words[0], []).append(words)


def split_words(text: str) -> tuple[str, ...]:
    """Case-folded words; a possessive counts as the word itself."""
    return tuple(re.sub(r"['’]s?$", "", word.casefold().replace("’", "'")) for word in _WORD.findall(text))


@functools.lru_cache(maxsize=512)
def find_things(text: str) -> tuple[tuple[int, int], ...]:
    """Where listed terms stand, sorted."""
    things = read_things()
    found, words = [], list(_WORD.finditer(text))
    folded = [re.sub(r"['’]s?$", "", one.group().casefold().replace("’", "'")) for one in words]
    at = 0
    while at < len(words):
        length = _match_length(things, folded, at)
        if length:
            found.append((words[at].start(), words[at + length - 1].end()))
        at += length or 1
    return tuple(found)


def _match_length(things: Things, folded: list[str], at: int) -> int:
    """Words of the longest term that begins at `at`."""
    for term in things.starts.get(folded[at], ()):
        if tuple(folded[at : at + len(term)]) == term:
            return len(term)
    for length in (2, 1):
        name, behind = " ".join(folded[at : at + length]), folded[at + length : at + length + 1]
        if behind and behind[0] in things.headed.get(name, ()):
            return length
    return 0
