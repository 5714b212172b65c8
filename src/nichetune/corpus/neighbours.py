"""Finds texts that are nearly the same: long ones by runs of words, short ones and pure templates in their own ways.

subjects -> pairs (a, b, similarity), a < b

    Neighbours(pairs=[Pair(a=3, b=17, similarity=0.91)], template_shingles=61, template_texts=4)

- A text of few words has hardly a shingle: one changed word changes them all. It is nearly the same as another short
  one if it has the same words in another order, or the same letters with other spaces; its numbers count.
- A text that is nothing but its source's template (a log's line, a form with a number in it) is told by its numbers:
  as good as the same only if it is the same, which exact comparison finds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nichetune.core.settings import DedupeSettings
from nichetune.corpus.candidates import find_candidates
from nichetune.corpus.digests import digest, digest_all, digest_groups, join_digests
from nichetune.corpus.minhash import Pair
from nichetune.corpus.subjects import Corpus, Listed, Subject
from nichetune.corpus.templates import Sources, Templates

# Words beyond a shingle's up to which a text is short: it then has two shingles at most.
_SHORT_BEYOND = 2


@dataclass(frozen=True)
class Marks:
    """What is known of the texts to be compared, in the order in which they are preferred. [texts] each

    Attributes:
        places: of the texts in the corpus.
        texts: digest of the text in which numbers are alike.
        labels: digest of what else must be the same for two to be copies. Of equal texts with the same label each
            pairs with the first alone: what holds for that one holds for them, and thousands of them cost nothing.
        groups: digest of the group, 0 for one of its own.
        words: of the text.
        sources: their files.
    """

    places: np.ndarray
    texts: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    words: np.ndarray
    sources: Sources

    @classmethod
    def of(cls, subjects: Sequence[Subject], labels: Sequence[Hashable] | None = None) -> Marks:
        """The marks of texts that are at hand."""
        return cls(
            places=np.arange(len(subjects)),
            texts=digest_all(one.text for one in subjects),
            labels=digest_all(repr(label) for label in labels or [""] * len(subjects)),
            groups=digest_groups(one.group for one in subjects),
            words=np.array([one.exact.count(" ") + 1 for one in subjects], dtype=np.int32),
            sources=Sources.of([one.file for one in subjects]),
        )


@dataclass(frozen=True)
class Neighbours:
    """All verified pairs, sorted, and how many shingles were a template's and how many texts nothing else."""

    pairs: list[Pair]
    template_shingles: int
    template_texts: int


def find_neighbours(
    subjects: Sequence[Subject],
    settings: DedupeSettings,
    seed: int,
    marks: Marks | None = None,
    folder: Path | None = None,
) -> Neighbours:
    """All pairs at or above the threshold, by the places of their texts in the marks.

    Args:
        subjects: of the whole corpus.
        marks: which of them are compared; by default all.
        folder: where work is kept, so that a killed run goes on with it; by default nowhere.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return find_neighbours(subjects, settings, seed, marks, Path(temporary))
    marks = marks or Marks.of(subjects)
    corpus = subjects if isinstance(subjects, Corpus) else Listed(subjects)
    rules = (settings.ngram_words, settings.boilerplate_share)
    templates = Templates(corpus, *rules, marks.places, marks.sources, marks.groups)
    is_long = marks.words >= settings.ngram_words + _SHORT_BEYOND
    long = np.flatnonzero(is_long)
    first = _find_first(marks.texts[long], marks.labels[long])
    rows = long[first == np.arange(len(long))]
    found = find_candidates(corpus, marks.places[rows], templates, settings, seed, folder)
    bare = {int(rows[n]) for n in found.bare}
    copies = np.flatnonzero(first != np.arange(len(long)))
    equal = [Pair(int(long[first[n]]), int(long[n]), 1.0, equal=True) for n in copies]
    pairs = [replace(one, a=int(rows[one.a]), b=int(rows[one.b])) for one in found.pairs]
    pairs += [one for one in equal if one.a not in bare]
    bare.update([one.b for one in equal if one.a in bare])
    pairs += _pair_short(np.flatnonzero(~is_long).tolist(), corpus, marks)
    return Neighbours(sorted(set(pairs)), len(templates), len(bare))


def _find_first(texts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each text the place of the first one that equals it and has its label. [texts]"""
    _, firsts, which = np.unique(join_digests(texts, labels), return_index=True, return_inverse=True)
    found: np.ndarray = firsts[which]
    return found


def _pair_short(rows: Sequence[int], corpus: Corpus, marks: Marks) -> Iterator[Pair]:
    """Each with the first that has its words or letters, and with the first that has its label too."""
    first: dict[tuple[int, int], int] = {}
    for n in rows:
        text = corpus[int(marks.places[n])].exact
        if not text:
            continue
        for key in (digest("words", *sorted(text.split())), digest("letters", text.replace(" ", ""))):
            for label in (-1, int(marks.labels[n])):
                if first.setdefault((key, label), n) != n:
                    yield Pair(first[key, label], n, 1.0)
