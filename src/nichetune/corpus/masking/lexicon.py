"""The word lists that ship with masking: given names, surnames, eponyms and their heads, and names of things.

    "maria" in given_names()     surname_rank()["smith"] -> 0     "crohn" in eponyms()     "syndrome" in eponym_heads()

The lists depend on no domain's corpus. `hide_words` takes names out while something is measured on them.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Callable, Iterable

_hidden: frozenset[str] = frozenset()
_dependents: list[Callable[[], object]] = []


def depend_on_names(clear: Callable[[], object]) -> None:
    """Has a cache cleared whenever the list of given names changes."""
    _dependents.append(clear)


def hide_words(words: Iterable[str]) -> None:
    """Takes words (case-folded) out of the lists of names, so that a measurement meets them as unknown."""
    global _hidden
    _hidden = frozenset(words)
    given_names.cache_clear()
    surname_rank.cache_clear()
    for clear in _dependents:
        clear()


@functools.cache
def given_names() -> frozenset[str]:
    """Given names that are common in the United States, case-folded."""
    return frozenset(_read_names("given_names.txt")) - _hidden


@functools.cache
def surname_rank() -> dict[str, int]:
    """Surnames of the United States, case-folded, by how common they are: 0 is the commonest."""
    return {word: rank for rank, word in enumerate(_read_names("surnames.txt")) if word not in _hidden}


@functools.cache
def common_names(surnames: int) -> frozenset[str]:
    """All given names, so many of the commonest surnames, and names of other countries; whatever is hidden."""
    lists = (_read_names("given_names.txt"), _read_names("surnames.txt")[:surnames], _read_names("names_elsewhere.txt"))
    return frozenset(word for words in lists for word in words)


def _read_names(file: str) -> list[str]:
    text = (importlib.resources.files("nichetune.corpus") / file).read_text(encoding="utf-8")
    return [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]


@functools.cache
def eponyms() -> frozenset[str]:
    """Names that stand for a thing in medicine, law, industry or plain language, case-folded."""
    return _read_words("eponyms.txt")


@functools.cache
def eponym_heads() -> frozenset[str]:
    """Words that make a name before them the name of a thing."""
    return _read_words("eponym_heads.txt")


def _read_words(name: str) -> frozenset[str]:
    text = (importlib.resources.files("nichetune.corpus.masking") / name).read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith(("#", "==")))
    return frozenset(word for line in lines for word in line.split())
