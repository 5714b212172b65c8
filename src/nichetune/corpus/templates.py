"""Tells which shingles are a source's template rather than what a text says.

shingles of the texts of a file or folder -> those of its template

Forms, letters and exported notes share most of their words with every other of their kind. Taken as similarity, that
chains a whole source into one cluster. So a shingle that stands in many groups of a file, or of a folder of files,
is the template, and is left out of both texts before they are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

import numpy as np

from nichetune.corpus.subjects import Corpus, Read
from nichetune.corpus.words import Ragged

# In fewer groups nobody can tell a template from a few copies of one text.
LEAST_TEMPLATE_GROUPS = 20
# A template stands in 5% of its source or more: in 4,000 texts some 200 times. More texts would only take memory.
_SAMPLED_TEXTS = 4_000


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
    """Template shingles, file by file and folder by folder.

    Args:
        run: words in a shingle.
        share: of a source's groups; in more than these a shingle is its template.
        places: of the texts to look at.
        sources: their files. [places]
        groups: digests of their groups, 0 for one of its own. [places]
    """

    def __init__(
        self, corpus: Corpus, run: int, share: float, places: np.ndarray, sources: Sources, groups: np.ndarray
    ) -> None:
        self._held: dict[str, np.ndarray] = {}
        if share >= 1:
            return
        for name, members in sources.groups():
            sample = members[:: -(-len(members) // _SAMPLED_TEXTS)]
            found = _find_template(corpus.read(places[sample], run).shingles, groups[sample], share)
            if len(found):
                self._held[name] = found

    def __len__(self) -> int:
        return len(np.unique(np.concatenate(list(self._held.values())))) if self._held else 0

    def strip(self, read: Read) -> Ragged:
        """The shingles that say something; none where a text is nothing but template."""
        whole = read.shingles
        if not self._held:
            return whole
        sources = Sources.of(read.files)
        telling = np.ones(len(whole.values), dtype=bool)
        for file, members in _split_by(sources.files, sources.names):
            for name in _sources(file):
                if name in self._held:
                    inside = _list_places(whole, members)
                    telling[inside] &= ~_is_in(whole.values[inside], self._held[name])
        return whole.keep(telling)


def _list_places(whole: Ragged, rows: np.ndarray) -> np.ndarray | slice:
    """Where the values of some rows stand."""
    if len(rows) == len(whole):
        return slice(None)
    return Ragged(np.arange(len(whole.values)), whole.starts).take(rows).values


def _is_in(values: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Whether values stand in a sorted list: first by their last bits, which tells nearly all that do not."""
    bits = np.uint64((1 << 16) - 1)
    marks = np.zeros(1 << 16, dtype=bool)
    marks[held & bits] = True
    found = marks[values & bits]
    likely = np.flatnonzero(found)
    found[likely] = held[np.searchsorted(held, values[likely]) % len(held)] == values[likely]
    return found


@lru_cache(4_096)
def _sources(file: str) -> tuple[str, str]:
    """A file and its folder: a folder may hold one text a file."""
    return file, f"{PurePosixPath(file).parent}/"


def _find_template(shingles: Ragged, groups: np.ndarray, share: float) -> np.ndarray:
    """Shingles in more than a share of the groups, sorted."""
    own = groups == 0
    names, numbers = np.unique(groups[~own], return_inverse=True)
    group = np.arange(len(groups)) + len(names)
    group[~own] = numbers
    count = len(names) + int(own.sum())
    least = max(share * count, LEAST_TEMPLATE_GROUPS)
    if count < least:
        return np.empty(0, np.uint64)
    if not len(names):
        values, counts = np.unique(shingles.values, return_counts=True)
        return values[counts > least]
    held = np.stack([shingles.values, np.repeat(group, shingles.sizes).astype(np.uint64)])
    order = np.lexsort(held[::-1])
    once = np.diff(held[:, order], prepend=~held[:, order[:1]]).any(axis=0)
    values, counts = np.unique(held[0, order][once], return_counts=True)
    return values[counts > least]
