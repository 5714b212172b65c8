"""Learns which words and phrases are the domain's own, so that masking leaves them alone.

documents, closed values, allowed terms (+ the notes' own lower-case words) -> Vocabulary

    "Graves disease" is no person where a document is titled "Graves' disease of the orbit".

Two kinds of evidence. *Terms* are words of published documents, of document titles, of the settings' closed values
and of `mask.allow`. *Common words* are those that documents or notes write in lower case: names are rarely written
so. A capitalised word inside a document's text proves nothing else: a handbook of one's own names its people, too.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

from nichetune.core.files import hash_file, read_json
from nichetune.core.records import Document
from nichetune.core.settings import Settings
from nichetune.corpus.private import write_private

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;(\"\n]\s*)$")
# A word counts as common from so many records that write it in lower case, and nine times of ten inside a sentence.
_LEAST_RECORDS = 3
_LOWER_SHARE = 0.9


@dataclass(frozen=True)
class Vocabulary:
    """The domain's words, all case-folded.

    Attributes:
        terms: words of titles, closed values and allowed terms.
        common: words that the corpus writes in lower case.
        pairs: neighbouring words in documents and allowed terms, as "first second".
        titles: whole titles and terms, their words joined by a space.
        allowed: whole texts that are never masked.
    """

    terms: frozenset[str] = frozenset()
    common: frozenset[str] = frozenset()
    pairs: frozenset[str] = frozenset()
    titles: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()

    def knows_word(self, word: str) -> bool:
        """Whether a word belongs to the domain or to plain language."""
        folded = _fold(word)
        return folded in self.terms or folded in self.common

    def is_common(self, word: str) -> bool:
        """Whether the corpus writes the word in lower case."""
        return _fold(word) in self.common

    def knows_pair(self, first: str, second: str) -> bool:
        """Whether two words stand side by side in the documents."""
        return f"{_fold(first)} {_fold(second)}" in self.pairs

    def is_title(self, text: str) -> bool:
        """Whether a text is a document's whole title, or an allowed term."""
        return " ".join(split_words(text)) in self.titles

    def is_domain(self, text: str) -> bool:
        """Whether a text is wholly the domain's: known words, and side by side as in the documents."""
        if text.casefold().strip() in self.allowed:
            return True
        words = split_words(text)
        if not words or not all(self.knows_word(word) for word in words):
            return False
        return all(f"{a} {b}" in self.pairs for a, b in pairwise(words))


def split_words(text: str) -> list[str]:
    """Case-folded words, possessives without their ending."""
    return [_fold(match.group()) for match in _WORD.finditer(text)]


@dataclass
class Evidence:
    """What texts show of words; that of two halves of a corpus, joined, is that of the whole.

    Attributes:
        lower: in how many texts a word stands in lower case.
        inner: in how many it stands in lower case, or inside a sentence.
    """

    terms: set[str] = field(default_factory=set)
    pairs: set[str] = field(default_factory=set)
    titles: set[str] = field(default_factory=set)
    lower: Counter[str] = field(default_factory=Counter)
    inner: Counter[str] = field(default_factory=Counter)

    def read_document(self, document: Document, is_published: bool) -> None:
        """Takes in a document; every word of a published one is a term, since it is public anyway."""
        title = split_words(document.title)
        self.terms.update(title)
        if is_published:
            self.terms.update(split_words(document.text))
        self.titles.add(" ".join(title))
        self.pairs.update(_pairs(document.title))
        self.pairs.update(pair for line in re.split(r"[.;:\n]", document.text) for pair in _pairs(line))
        _count_words(document.text, self.lower, self.inner)

    def read_note(self, text: str) -> None:
        """Takes in an example's text; it adds common words only."""
        _count_words(text, self.lower, self.inner)

    def join(self, other: Evidence) -> None:
        """Adds what another part of the corpus shows."""
        self.terms |= other.terms
        self.pairs |= other.pairs
        self.titles |= other.titles
        self.lower.update(other.lower)
        self.inner.update(other.inner)


def learn_vocabulary(
    settings: Settings, documents: Iterable[Document], notes: Iterable[str], published: frozenset[str] = frozenset()
) -> Vocabulary:
    """The vocabulary of a project, learnt in this process.

    Args:
        published: files of documents that are public.
        notes: the examples' texts.
    """
    evidence = Evidence()
    for document in documents:
        evidence.read_document(document, document.source.file in published)
    for note in notes:
        evidence.read_note(note)
    return build_vocabulary(settings, evidence)


def build_vocabulary(settings: Settings, evidence: Evidence) -> Vocabulary:
    """What the evidence and the settings say together."""
    phrases = [*settings.mask.allow, *_closed_values(settings)]
    terms = {word for phrase in phrases for word in split_words(phrase)}
    pairs = {pair for phrase in phrases for pair in _pairs(phrase)}
    titles = {" ".join(split_words(phrase)) for phrase in phrases}
    lower, inner = evidence.lower, evidence.inner
    common = {word for word, count in lower.items() if count >= _LEAST_RECORDS and count >= _LOWER_SHARE * inner[word]}
    return Vocabulary(
        terms=frozenset(evidence.terms | terms),
        common=frozenset(common),
        pairs=frozenset(evidence.pairs | pairs),
        titles=frozenset(evidence.titles | titles),
        allowed=frozenset(phrase.casefold().strip() for phrase in phrases),
    )


def write_vocabulary(vocabulary: Vocabulary, path: Path) -> str:
    """Writes it for its owner alone, since a handbook's words may name people; returns the file's SHA-256."""
    write_private(path, json.dumps({name: sorted(words) for name, words in asdict(vocabulary).items()}))
    return hash_file(path)


def read_vocabulary(path: Path) -> Vocabulary:
    """What `write_vocabulary` wrote."""
    return Vocabulary(**{name: frozenset(words) for name, words in read_json(path).items()})


def _closed_values(settings: Settings) -> list[str]:
    values: list[str] = []
    for task in settings.tasks.values():
        values += task.values or []
        for one in task.fields.values():
            values += one.values or []
    return values


def _count_words(text: str, lower: Counter[str], inner: Counter[str]) -> None:
    """Counts each word once a text: whether it stands in lower case, whether inside a sentence at all."""
    in_lower, inside = set(), set()
    for match in _WORD.finditer(text):
        word = match.group()
        if word[0].islower():
            in_lower.add(_fold(word))
            inside.add(_fold(word))
        elif not _SENTENCE_START.search(text[max(0, match.start() - 3) : match.start()]):
            inside.add(_fold(word))
    lower.update(in_lower)
    inner.update(inside)


def _pairs(text: str) -> list[str]:
    return [f"{a} {b}" for a, b in pairwise(split_words(text))]


def _fold(word: str) -> str:
    return re.sub(r"['’]s?$", "", word.casefold())
