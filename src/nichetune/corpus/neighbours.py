"""Finds texts that are nearly the same: long ones by MinHash, short ones and pure templates in ways of their own.

subjects -> pairs (a, b, similarity), a < b

    Neighbours(pairs=[Pair(a=3, b=17, similarity=0.91)], template_shingles=61, template_texts=4)

- A text of few words has hardly a shingle: one changed word changes them all. It is nearly the same as another short
  one if it has the same words in another order, or the same letters with other spaces; its numbers count.
- A text that is nothing but its source's template (a log's line, a form with a number in it) is told by its numbers:
  as good as the same only if it is the same, which exact comparison finds.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from nichetune.core.settings import DedupeSettings
from nichetune.corpus.minhash import Pair, find_near_pairs
from nichetune.corpus.shingles import Subject, Templates

# Words beyond a shingle's up to which a text is short: it then has two shingles at most.
_SHORT_BEYOND = 2


@dataclass(frozen=True)
class Neighbours:
    """All verified pairs, sorted, and how many shingles were a template's and how many texts nothing else."""

    pairs: list[Pair]
    template_shingles: int
    template_texts: int


def find_neighbours(
    subjects: Sequence[Subject], settings: DedupeSettings, seed: int, labels: Sequence[Hashable] | None = None
) -> Neighbours:
    """All pairs at or above the threshold; see `find_near_pairs` for the labels."""
    words = settings.ngram_words
    templates = Templates(subjects, words, settings.boilerplate_share)
    long = [n for n, one in enumerate(subjects) if not is_short(one.exact, words)]
    bare: set[int] = set()

    def strip(at: int) -> frozenset[str]:
        telling = templates.strip(subjects[long[at]])
        if not telling:
            bare.add(at)
        return telling

    texts, names = [subjects[n].text for n in long], [labels[n] for n in long] if labels else None
    found = find_near_pairs(texts, settings, seed, names, strip if len(templates) else None)
    bare.update([one.b for one in found if one.equal and len(templates) and not strip(one.a)])
    pairs = [replace(one, a=long[one.a], b=long[one.b]) for one in found if one.a not in bare]
    brief = sorted(set(range(len(subjects))).difference(long))
    return Neighbours(sorted({*pairs, *_pair_short(brief, subjects, labels)}), len(templates), len(bare))


def is_short(text: str, words: int) -> bool:
    """Whether a text has too few words to be judged by its shingles."""
    return text.count(" ") + 1 < words + _SHORT_BEYOND


def _pair_short(
    places: Sequence[int], subjects: Sequence[Subject], labels: Sequence[Hashable] | None
) -> Iterator[Pair]:
    """Each with the first that has its words or letters, and with the first that has its label too."""
    first: dict[tuple[str, Hashable], int] = {}
    for n in places:
        text = subjects[n].exact
        if not text:
            continue
        for key in (" ".join(sorted(text.split())), text.replace(" ", "")):
            for label in ((), (labels[n],)) if labels else ((),):
                if first.setdefault((key, label), n) != n:
                    yield Pair(first[key, label], n, 1.0)
