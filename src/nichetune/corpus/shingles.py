"""Cuts texts into shingles, and tells which of them are a source's template rather than what a text says.

text -> shingles (runs of n words), as texts or as numbers

    "now pinguecula of the right eye"  ->  {"now pinguecula of", "pinguecula of the", "of the right", "the right eye"}

Forms, letters and exported notes share most of their words with every other of their kind. Taken as similarity, that
chains a whole source into one cluster. So a shingle that stands in many groups of a file, or of a folder of files,
is the template, and is left out of both texts before they are compared.

Whole corpora are cut as numbers: 54 bits of a hash stand for a shingle. Two different shingles among the 200 of a pair
of texts share them with a chance of one in a million million.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

import numpy as np

from nichetune.corpus.digests import mix
from nichetune.corpus.subjects import Corpus, Read
from nichetune.corpus.words import Ragged, cut_blocks, join_rows, start_rows

# In fewer groups nobody can tell a template from a few copies of one text.
LEAST_TEMPLATE_GROUPS = 20
# A template stands in 5% of its source or more: in 4,000 texts some 200 times. More texts would only take memory.
_SAMPLED_TEXTS = 4_000
SHINGLE_BITS = 54  # beside ten for the place in a block


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


def cut_shingles(words: Ragged, hashes: np.ndarray, run: int) -> Ragged:
    """The shingles of each text, sorted, each once.

    Args:
        words: numbers of words.
        hashes: by a word's number.
        run: words in a shingle.
    """
    blocks = (words.slice(*block) for block in cut_blocks(words.starts))
    return join_rows(sort_rows(_hash_runs(block, hashes, run)) for block in blocks)


def _hash_runs(block: Ragged, hashes: np.ndarray, run: int) -> Ragged:
    """All shingles of texts, in order, repeated ones too."""
    sizes = np.maximum(block.sizes - (run - 1), 0)
    starts = start_rows(sizes)
    word = hashes[block.values]
    many = max(0, len(word) - (run - 1))
    hashed = word[:many].copy()
    for at in range(1, run):
        hashed *= np.uint64(0xD1342543DE82EF95)
        hashed += word[at : at + many]
    inside = np.repeat(block.starts[:-1] - starts[:-1], sizes) + np.arange(starts[-1])  # no run crosses into a text
    return Ragged(mix(hashed[inside]) >> np.uint64(64 - SHINGLE_BITS), starts)


def sort_rows(block: Ragged) -> Ragged:
    """Sorts the values of each row and keeps each once. At most 1,024 rows, values below 2^54."""
    rows = np.repeat(np.arange(len(block), dtype=np.uint64), block.sizes)
    keys = rows << np.uint64(SHINGLE_BITS) | block.values
    keys.sort()
    keys = keys[np.flatnonzero(np.diff(keys, prepend=~keys[:1]))]
    sizes = np.bincount((keys >> np.uint64(SHINGLE_BITS)).astype(np.intp), minlength=len(block))
    return Ragged(keys & np.uint64((1 << SHINGLE_BITS) - 1), start_rows(sizes))


@dataclass(frozen=True)
class Cuts:
    """The shingles of some texts: all of them, and those that say something, which may be the very same."""

    whole: Ragged
    telling: Ragged


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
        places: of the texts to look at; by default all.
        sources: their files.
        groups: digests of their groups, 0 for one of its own. [places]
    """

    def __init__(
        self,
        corpus: Corpus,
        run: int,
        share: float,
        places: np.ndarray,
        sources: Sources,
        groups: np.ndarray,
    ) -> None:
        self._run = run
        self._held: dict[str, np.ndarray] = {}
        if share >= 1:
            return
        for name, members in sources.groups():
            sample = members[:: -(-len(members) // _SAMPLED_TEXTS)]
            found = _find_template(corpus.read(places[sample]), groups[sample], run, share)
            if len(found):
                self._held[name] = found

    def __len__(self) -> int:
        return len(np.unique(np.concatenate(list(self._held.values())))) if self._held else 0

    def cut(self, read: Read) -> Cuts:
        """Shingles of texts, and those that say something; none where a text is nothing but template."""
        whole = cut_shingles(read.spelled.words, read.spelled.loose, self._run)
        if not self._held:
            return Cuts(whole, whole)
        sources = Sources.of(read.files)
        telling = np.ones(len(whole.values), dtype=bool)
        for name, held in self._held.items():
            is_of = np.array([name in _sources(file) for file in sources.names], dtype=bool)[sources.files]
            if is_of.any():
                telling &= ~(np.repeat(is_of, whole.sizes) & _is_in(whole.values, held))
        return Cuts(whole, whole.keep(telling))


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


def _find_template(read: Read, groups: np.ndarray, run: int, share: float) -> np.ndarray:
    """Shingles in more than a share of the groups, sorted."""
    own = groups == 0
    names, numbers = np.unique(groups[~own], return_inverse=True)
    group = np.arange(len(groups)) + len(names)
    group[~own] = numbers
    count = len(names) + int(own.sum())
    least = max(share * count, LEAST_TEMPLATE_GROUPS)
    if count < least:
        return np.empty(0, np.uint64)
    cuts = cut_shingles(read.spelled.words, read.spelled.loose, run)
    if not len(names):
        values, counts = np.unique(cuts.values, return_counts=True)
        return values[counts > least]
    held = np.stack([cuts.values, np.repeat(group, cuts.sizes).astype(np.uint64)])
    order = np.lexsort(held[::-1])
    once = np.diff(held[:, order], prepend=~held[:, order[:1]]).any(axis=0)
    values, counts = np.unique(held[0, order][once], return_counts=True)
    return values[counts > least]
