"""Finds what training texts share with sealed items: the whole text, or a long run of words that is no boilerplate.

texts of training and of sealed items -> hits

    Hit(example="int-0412", item="int-0077", reason="shares a run of 8 words")

Templates and standing phrases are not leaks: a run found in several groups is boilerplate and does not count. What
is boilerplate is settled once, over the whole corpus before anything is removed, and is kept with the benchmark as
digests, so that a later check judges as the split did.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nichetune.core.files import hash_text
from nichetune.core.records import Example
from nichetune.corpus.normal import normalise_text

SAME_TEXT = "same text as a sealed item"


@dataclass(frozen=True)
class Hit:
    """A training example that gives a sealed item away."""

    example: str
    item: str
    reason: str


class SealedRuns:
    """What the sealed items look like: their whole texts and their telling runs of words."""

    def __init__(self, items: Iterable[Example], words: int, boilerplate: frozenset[str]) -> None:
        self._words = words
        self._texts: dict[str, str] = {}
        self._runs: dict[str, str] = {}
        for item in items:
            text = normalise_text(item.prompt)
            self._texts.setdefault(text, item.id)
            for run in word_runs(text, words):
                if run not in boilerplate:
                    self._runs.setdefault(run, item.id)

    def find_hit(self, example: Example) -> Hit | None:
        """The first sealed item that `example` overlaps."""
        text = normalise_text(example.prompt)
        if text in self._texts:
            return Hit(example.id, self._texts[text], SAME_TEXT)
        for run in word_runs(text, self._words):
            if run in self._runs:
                return Hit(example.id, self._runs[run], f"shares a run of {self._words} words with a sealed item")
        return None


def word_runs(text: str, words: int) -> Iterator[str]:
    """Digests of all runs of `words` words in a normalised text."""
    tokens = text.split()
    for at in range(len(tokens) - words + 1):
        yield hash_text(" ".join(tokens[at : at + words]))[:16]


def find_boilerplate(
    examples: Sequence[Example], sealed: Sequence[Example], words: int, least_groups: int
) -> frozenset[str]:
    """Runs of the sealed items that stand in so many groups of the whole corpus that they tell nothing."""
    wanted = {run for item in sealed for run in word_runs(normalise_text(item.prompt), words)}
    groups: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        for run in word_runs(normalise_text(example.prompt), words):
            if run in wanted:
                groups[run].add(example.group)
    return frozenset(run for run, held in groups.items() if len(held) >= least_groups)
