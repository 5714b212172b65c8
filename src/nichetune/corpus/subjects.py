"""Texts as they are compared, read when they are asked for: one by one as texts, or many at once as shingles.

corpus -> a sequence of Subject(text="pinguecula of the right eye 0", exact="pinguecula of the right eye 2", …)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nichetune.corpus.normal import loosen_normal, normalise_text
from nichetune.corpus.shingles import cut_shingles
from nichetune.corpus.words import Ragged, hash_words

if TYPE_CHECKING:
    from nichetune.core.records import Example


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


@dataclass(frozen=True)
class Read:
    """Some texts as they are compared. [texts] each

    Attributes:
        shingles: all of theirs.
        words: how many they have.
        files: where they come from.
    """

    shingles: Ragged
    words: np.ndarray
    files: Sequence[str]


class Corpus(Sequence[Subject]):
    """Texts to be compared, by their places; travels to the workers.

    Attributes:
        at_hand: their shingles are in memory: they are compared here, however many they are.
    """

    at_hand = False

    @abstractmethod
    def __getitem__(self, n: int) -> Subject:  # type: ignore[override]
        """One text."""

    def read(self, places: np.ndarray, run: int) -> Read:
        """Some texts as shingles of `run` words, in which numbers are alike."""
        subjects = (self[n] for n in places.tolist())
        texts = [(one.text.encode("utf-8", "surrogatepass"), one.file) for one in subjects]
        words = hash_words([text for text, _ in texts])
        return Read(cut_shingles(words, run), words.sizes, [file for _, file in texts])


@dataclass(frozen=True)
class Listed(Corpus):
    """Subjects in memory."""

    subjects: Sequence[Subject]

    def __len__(self) -> int:
        return len(self.subjects)

    def __getitem__(self, n: int) -> Subject:  # type: ignore[override]
        return self.subjects[n]


@dataclass(frozen=True)
class ExampleSubjects(Corpus):
    """The subjects of examples; travels to the workers as the examples do."""

    examples: Sequence[Example]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, n: int) -> Subject:  # type: ignore[override]
        one = self.examples[n]
        exact = normalise_text(one.prompt)
        return Subject(loosen_normal(exact), exact, one.source.file, one.group)
