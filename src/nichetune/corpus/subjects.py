"""Examples as they are compared, read when they are asked for.

examples -> a sequence of Subject(text="pinguecula of the right eye 0", exact="pinguecula of the right eye 2", …)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nichetune.core.records import Example
from nichetune.corpus.normal import loosen_normal, normalise_text
from nichetune.corpus.shingles import Subject


@dataclass(frozen=True)
class ExampleSubjects(Sequence[Subject]):
    """The subjects of a corpus; travels to the workers as the examples do."""

    examples: Sequence[Example]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, n: int) -> Subject:  # type: ignore[override]
        one = self.examples[n]
        exact = normalise_text(one.prompt)
        return Subject(loosen_normal(exact), exact, one.source.file, one.group)
