"""What every slot of a template is drawn with: values, terms, random numbers and the locale of the moment."""

from __future__ import annotations

import random
from functools import cached_property

from lists import WORDS, Values
from terms import read_listed

from nichetune.corpus.masking.eponyms import owned_heads
from nichetune.corpus.masking.plain_words import is_plain, plain_nouns, spellings


class Draw:
    """The same seed draws the same."""

    def __init__(self, values: Values, terms: list[str], seed: int):
        self.values, self.terms, self.rng = values, terms, random.Random(seed)
        self.locale = "en_US"

    @cached_property
    def heads(self) -> list[str]:
        """Words after a name that make it a term, whatever the name."""
        return sorted({term.split(" ")[-1].lower() for term in self.terms} - owned_heads())

    @cached_property
    def listed(self) -> dict[str, list[str]]:
        """Listed things by field."""
        return read_listed()

    @cached_property
    def nouns(self) -> list[str]:
        """All common nouns that the language model knows."""
        return sorted(plain_nouns() & spellings())

    @cached_property
    def past(self) -> list[str]:
        """Verbs in the past tense."""
        return sorted(word for word in spellings() if word.islower() and word.endswith("ed") and is_plain(word))

    def thing(self, field: str = "") -> str:
        """A listed thing of one field, or of any."""
        return self.rng.choice(self.listed[field or self.rng.choice(sorted(self.listed))])

    def word(self, name: str) -> str:
        """One of a list of words.txt."""
        return self.rng.choice(WORDS[name])
