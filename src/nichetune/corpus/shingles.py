"""Cuts texts into shingles, and tells which of them are a source's template rather than what a text says.

text -> shingles (runs of n words)

    "now pinguecula of the right eye"  ->  {"now pinguecula of", "pinguecula of the", "of the right", "the right eye"}

Forms, letters and exported notes share most of their words with every other of their kind. Taken as similarity, that
chains a whole source into one cluster. So a shingle that stands in many groups of a file, or of a folder of files,
is the template, and is left out of both texts before they are compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

import numpy as np

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
    return frozenset(list_runs(text.split(), words))


def list_runs(tokens: Sequence[str], words: int) -> Iterator[str]:
    """All runs of `words` tokens, in order, repeated ones too."""
    return map(" ".join, zip(*(tokens[at:] for at in range(words)), strict=False))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Size of the intersection over size of the union."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared) if a or b else 0.0


@dataclass(frozen=True)
class Sources:
    """The source files of some texts: for each text a place in the list of all names. [texts], [names]"""

    files: np.ndarray
    names: Sequence[str]

    @classmethod
    def of(cls, files: Sequence[str]) -> Sources:
        """The sources of texts by the names of their files."""
        places: dict[str, int] = {}
        numbers = [places.setdefault(file, len(places)) for file in files]
        return cls(np.array(numbers, dtype=np.int32), list(places))

    def groups(self) -> Iterator[tuple[str, np.ndarray]]:
        """Each file, and each folder of several files, with the places of its texts in order."""
        counts = np.bincount(self.files, minlength=len(self.names))
        yield from _split_by(self.files, self.names)
        folders = Sources.of([_sources(name)[1] for name in self.names])
        for name, members in _split_by(folders.files[self.files], folders.names):
            if len(members) != counts[self.files[members[0]]]:  # a folder of one file is that file
                yield name, members


def _split_by(numbers: np.ndarray, names: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    for members in np.split(order, starts[1:]) if len(order) else ():
        yield names[numbers[members[0]]], members


class Templates:
    """Template shingles, file by file and folder by folder."""

    def __init__(self, subjects: Sequence[Subject], words: int, share: float, sources: Sources | None = None) -> None:
        self._words = words
        self._held: dict[str, frozenset[str]] = {}
        if share >= 1:
            return
        for name, members in (sources or Sources.of([one.file for one in subjects])).groups():
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


def _sample(members: np.ndarray) -> list[int]:
    step = -(-len(members) // _SAMPLED_TEXTS)
    return [int(n) for n in members[::step]]


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
