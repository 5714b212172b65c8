"""Masks the blocks of a corpus: what a worker does, whichever process or machine it runs in.

places of blocks of documents or examples -> a table of masked lines, with the counts of types in its schema

    {"line": b'{"id": "h", "text": "Call [PERSON_1]", …}', "id": 9…, "replaced": b'{"spans": [[5, 12, "PERSON", …]]}'}

A worker reads records by their place in `private/`, and the project's vocabulary from there, too. What it writes is
masked: no original value leaves it.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from nichetune.core.files import dump_line, hash_text
from nichetune.core.records import Document, Example
from nichetune.core.settings import TaskSettings
from nichetune.corpus.digests import digest
from nichetune.corpus.lines import RecordFile
from nichetune.corpus.mask_tables import build_table
from nichetune.corpus.mask_texts import is_telling, list_open_texts, rebuild_example
from nichetune.corpus.masker import BLOCK, Job, Masked, Search, find_spans, load_models, mask_block
from nichetune.corpus.quoting import Quotable, Replaced
from nichetune.corpus.vocabulary import Evidence, Vocabulary, read_vocabulary

R = TypeVar("R", Document, Example)


@dataclass(frozen=True)
class Means:
    """What masking takes beside the records; travels to the workers without the vocabulary's words.

    Attributes:
        search: how texts are looked through, but for the vocabulary.
        words: the file of the vocabulary, in `private/`.
        version: of what stands in it, so that no worker goes on with an older one.
        key: of hashes and surrogates; never shown, never in a file.
        shared: whether a value's hash or surrogate is one in all records.
    """

    search: Search
    words: Path
    version: str
    shared: bool
    key: bytes = field(repr=False)

    def load(self) -> None:
        """Loads models and vocabulary, so that a fork shares them."""
        load_models()
        load_words(self.words, self.version)

    def load_search(self) -> Search:
        """The search with its vocabulary, which a process reads once."""
        return replace(self.search, vocabulary=load_words(self.words, self.version))

    def mask(self, records: Sequence[Sequence[Job]]) -> list[list[Masked]]:
        """Masks the records of one block."""
        return mask_block(records, self.load_search(), self.key, self.shared)


@functools.lru_cache(1)
def load_words(words: Path, version: str) -> Vocabulary:
    """The vocabulary of a file; a process keeps the last one."""
    return read_vocabulary(words)


@dataclass(frozen=True)
class WordReader:
    """Reads what some blocks of documents or examples show of words."""

    records: RecordFile[Any]
    published: frozenset[str] = frozenset()

    def __call__(self, blocks: range) -> Evidence:
        evidence = Evidence()
        for held in read_blocks(self.records, blocks):
            for one in held:
                if isinstance(one, Document):
                    evidence.read_document(one, one.source.file in self.published)
                else:
                    evidence.read_note(one.prompt)
        return evidence


@dataclass(frozen=True)
class DocumentMasker:
    """Masks blocks of documents; keeps what was replaced where, for answers that quote them."""

    documents: RecordFile[Document]
    published: frozenset[str]
    means: Means

    def __call__(self, first: int, places: np.ndarray) -> pa.Table:
        lines, ids, replaced, counts = [], [], [], Counter[str]()
        for held in read_blocks(self.documents, places.tolist()):
            texts = [[Job(text, one.source.file not in self.published) for text in (one.text, one.title)]
                     for one in held]  # fmt: skip
            for one, (text, title) in zip(held, self.means.mask(texts), strict=True):
                lines.append(dump_line(one.model_copy(update={"text": text.text, "title": title.text})))
                ids.append(digest(one.id))
                replaced.append(dump_line(Replaced(spans=[astuple(entity) for entity in text.entities])))
                counts.update(entity.type for part in (text, title) for entity in part.entities)
        return build_table(
            {"line": (lines, pa.binary()), "id": (ids, pa.uint64()), "replaced": (replaced, pa.binary())}, counts
        )


@dataclass(frozen=True)
class ExampleMasker:
    """Masks blocks of examples.

    Attributes:
        quotable: the masked documents; None where no task quotes them.
        project: its name, which parts its pseudonyms from another's.
    """

    examples: RecordFile[Example]
    tasks: Mapping[str, TaskSettings]
    quotable: Quotable | None
    project: str
    means: Means

    def __call__(self, first: int, places: np.ndarray) -> pa.Table:
        lines, counts = [], Counter[str]()
        for held in read_blocks(self.examples, places.tolist()):
            masked = self.means.mask([list_open_texts(one, self.tasks[one.task]) for one in held])
            names = self._find_pseudonyms(held)
            for one, texts in zip(held, masked, strict=True):
                lines.append(dump_line(rebuild_example(one, texts, self.tasks[one.task], self.quotable, names)))
                counts.update(entity.type for text in texts for entity in text.entities)
        return build_table({"line": (lines, pa.binary())}, counts)

    def _find_pseudonyms(self, examples: Sequence[Example]) -> dict[str, str]:
        """Stand-ins for ids and groups that hold something personal: they go into every file of a run.

        Each is looked at alone: in a batch the verdict on a group could hang on its neighbours, and a group that has
        two names could straddle training and holdout.
        """
        values = sorted({value for one in examples for value in (one.id, one.group) if is_telling(value)})
        search = self.means.load_search() if values else self.means.search
        return {
            value: f"masked-{hash_text(self.project + value)[:16]}"
            for value in values
            if find_spans([Job(value)], search)[0]
        }


def count_blocks(records: int) -> int:
    """Blocks of so many records."""
    return -(-records // BLOCK)


def read_blocks(records: RecordFile[R], blocks: Iterable[int]) -> Iterator[list[R]]:
    """The records of each of some blocks."""
    for block in blocks:
        yield [records[n] for n in range(block * BLOCK, min(len(records), (block + 1) * BLOCK))]
