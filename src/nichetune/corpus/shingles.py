"""Cuts texts into shingles, and tells which of them are a source's template rather than what a text says.

text -> shingles (runs of n words)

    "now pinguecula of the right eye"  ->  {"now pinguecula of", "pinguecula of the", "of the right", "the right eye"}

Forms, letters and exported notes share most of their words with every other of their kind. Taken as similarity, that
chains a whole source into one cluster. So a shingle that stands in many groups of a file, or of a folder of files,
is the template, and is left out of both texts before they are compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

# In fewer groups nobody can tell a template from a few copies of one text.
LEAST_TEMPLATE_GROUPS = 20
# A template stands in 5% of its source or more: in 4,000 texts some 200 times. More texts would only take memory.
_SAMPLED_TEXTS = 4_000


@dataclass(frozen=True)
class Subject:
    """A text to be compared.

    Attributes:
        text: normalised and with all numbers alike (see normal.py).
        exact: normalised, numbers as they stand; what tells texts that are nothing but template.
        file: its source file, whose template does not count.
        group: texts of one group say nothing about a template.
    """

    text: str
    exact: str
    file: str = ""
    group: str = ""


def shingle(text: str, words: int) -> frozenset[str]:
    """The runs of `words` words in a text."""
    return frozenset(list_shingles(text, words))


def list_shingles(text: str, words: int) -> list[str]:
    """The runs of `words` words, in order, repeated ones too."""
    tokens = text.split()
    return list(map(" ".join, zip(*(tokens[at:] for at in range(words)), strict=False)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Size of the intersection over size of the union."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared) if a or b else 0.0


class Templates:
    """Template shingles, file by file and folder by folder."""

    def __init__(self, subjects: Sequence[Subject], words: int, share: float) -> None:
        self._words = words
        self._held: dict[str, frozenset[str]] = {}
        if share >= 1:
            return
        sources: dict[str, list[int]] = defaultdict(list)
        for n, one in enumerate(subjects):
            for name in _sources(one.file):
                sources[name].append(n)
        for name, members in sources.items():
            if name.endswith("/") and len(members) == len(sources.get(subjects[members[0]].file, ())):
                continue  # a folder of one file is that file
            found = _find_template([subjects[n] for n in _sample(members)], words, share)
            if found:
                self._held[name] = found

    def __len__(self) -> int:
        return len(frozenset().union(*self._held.values())) if self._held else 0

    def strip(self, one: Subject) -> frozenset[str]:
        """The shingles that say something; none where a text is nothing but template."""
        shingles = shingle(one.text, self._words)
        for name in _sources(one.file) if self._held else ():
            if name in self._held:
                shingles -= self._held[name]
        return shingles


@lru_cache(4_096)
def _sources(file: str) -> tuple[str, str]:
    """A file and its folder: a folder may hold one text a file."""
    return file, f"{PurePosixPath(file).parent}/"


def _sample(members: list[int]) -> list[int]:
    step = -(-len(members) // _SAMPLED_TEXTS)
    return members[::step]


def _find_template(subjects: Sequence[Subject], words: int, share: float) -> frozenset[str]:
    groups = {one.group or str(n) for n, one in enumerate(subjects)}
    least = max(share * len(groups), LEAST_TEMPLATE_GROUPS)
    if len(groups) < least:
        return frozenset()
    held: dict[str, set[str]] = defaultdict(set)
    for n, one in enumerate(subjects):
        held[one.group or str(n)] |= shingle(one.text, words)
    counts = Counter(run for runs in held.values() for run in runs)
    return frozenset(run for run, count in counts.items() if count > least)
