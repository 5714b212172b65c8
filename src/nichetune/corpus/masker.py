"""Finds and replaces what is personal in texts, on all cores, in an order that no core count changes.

texts -> spans for each text; a record's texts + their spans -> masked texts

    Masked(text="Pt: [PERSON_1].", entities=(Entity(start=4, end=16, type="PERSON", replacement="[PERSON_1]"),))
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context

from nichetune.core.errors import SystemFailure
from nichetune.core.progress import track
from nichetune.corpus.analyzer import analyze_texts, load_analyzer
from nichetune.corpus.encodings import replace_surrogates
from nichetune.corpus.placeholders import PlaceholderMap
from nichetune.corpus.spans import Span, choose_spans, merge_spans
from nichetune.corpus.vocabulary import Vocabulary

# Fixed, so that texts meet the same neighbours in a batch whatever the number of processes.
_CHUNK_TEXTS = 64
# Below this, starting processes costs more than it saves.
_WORTH_PROCESSES = 256
# The recogniser's memory grows with a text's length.
_PIECE_CHARACTERS = 20_000


@dataclass(frozen=True)
class Entity:
    """One replaced stretch: offsets into the original text, never the original value."""

    start: int
    end: int
    type: str
    replacement: str


@dataclass(frozen=True)
class Masked:
    """A masked text and what was replaced in it."""

    text: str
    entities: tuple[Entity, ...]

    def project(self, start: int, end: int) -> str:
        """The masked text of original offsets `start` to `end`; a placeholder that is cut counts whole."""
        first = _move(self.entities, start, is_end=False)
        last = _move(self.entities, end, is_end=True)
        return self.text[first:last]


def _move(entities: Sequence[Entity], offset: int, is_end: bool) -> int:
    """Where an original offset stands in the masked text; inside a placeholder, at its near or far end."""
    shift = 0
    for one in entities:
        if offset <= one.start:
            break
        if offset < one.end:
            return one.start + shift + (len(one.replacement) if is_end else 0)
        shift += len(one.replacement) - (one.end - one.start)
    return offset + shift


def mask_record(texts: Sequence[str], spans: Sequence[Sequence[Span]], vocabulary: Vocabulary) -> list[Masked]:
    """Masks the texts of one record with one set of placeholders: a person keeps theirs in all of them."""
    names = PlaceholderMap(texts)
    for text, found in zip(texts, spans, strict=True):
        for span in found:
            names.name(span.entity, text[span.start : span.end])
    return [
        _replace(text, names.find_more(text, list(found), vocabulary), names)
        for text, found in zip(texts, spans, strict=True)
    ]


def _replace(text: str, spans: Sequence[Span], names: PlaceholderMap) -> Masked:
    parts: list[str] = []
    entities: list[Entity] = []
    at = 0
    for span in spans:
        replacement = names.name(span.entity, text[span.start : span.end])
        parts += [text[at : span.start], replacement]
        entities.append(Entity(span.start, span.end, span.entity, replacement))
        at = span.end
    return Masked("".join([*parts, text[at:]]), tuple(entities))


@dataclass(frozen=True)
class Job:
    """One text to look through; `people` is off for published texts, whose names are the domain's own."""

    text: str
    people: bool = True


def find_spans(jobs: Sequence[Job], vocabulary: Vocabulary, min_score: float, processes: int) -> list[list[Span]]:
    """What is to be masked in each text.

    Args:
        processes: worker processes; 0 for one per core.

    Raises:
        SystemFailure: a worker process was killed.
    """
    unique = list(dict.fromkeys(jobs))
    chunks = [unique[at : at + _CHUNK_TEXTS] for at in range(0, len(unique), _CHUNK_TEXTS)]
    found: dict[Job, list[Span]] = {}
    with track("mask", len(unique), "texts") as tick:
        for chunk, spans in zip(chunks, _search(chunks, vocabulary, min_score, processes), strict=True):
            found.update(zip(chunk, spans, strict=True))
            tick(len(chunk))
    return [found[job] for job in jobs]


def _search(
    chunks: list[list[Job]], vocabulary: Vocabulary, min_score: float, processes: int
) -> Iterator[list[list[Span]]]:
    workers = processes or _count_cores()
    if workers == 1 or len(chunks) * _CHUNK_TEXTS < _WORTH_PROCESSES:
        yield from (_find_in_chunk(chunk, vocabulary, min_score) for chunk in chunks)
        return
    # A fork shares the loaded model; elsewhere each worker loads its own.
    method = "fork" if sys.platform == "linux" else "spawn"
    if method == "fork":
        load_analyzer()
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context(method), initializer=_start_worker, initargs=(vocabulary, min_score)
    )
    with pool:
        try:
            yield from pool.map(_work, chunks)
        except BrokenProcessPool:
            raise SystemFailure(
                "a masking process was killed, most likely for want of memory: set mask.processes=1 and run again"
            ) from None


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_task: tuple[Vocabulary, float] = (Vocabulary(), 0.0)


def _start_worker(vocabulary: Vocabulary, min_score: float) -> None:
    global _task
    _task = (vocabulary, min_score)


def _work(chunk: list[Job]) -> list[list[Span]]:
    return _find_in_chunk(chunk, *_task)


def _find_in_chunk(chunk: list[Job], vocabulary: Vocabulary, min_score: float) -> list[list[Span]]:
    pieces = [(n, at, piece) for n, job in enumerate(chunk) for at, piece in _cut(replace_surrogates(job.text))]
    guess = [chunk[n].people and _could_name(piece, vocabulary) for n, _, piece in pieces]
    found: list[list[Span]] = [[] for _ in chunk]
    results = analyze_texts([piece for _, _, piece in pieces], guess, min_score)
    for (n, at, piece), result in zip(pieces, results, strict=True):
        spans = choose_spans(piece, result, vocabulary, people=chunk[n].people)
        found[n] += [replace(one, start=one.start + at, end=one.end + at) for one in spans]
    return [merge_spans(spans) for spans in found]


def _could_name(text: str, vocabulary: Vocabulary) -> bool:
    """Whether a text can name a person that the language model would find; the model takes most of the time."""
    return any(word[0].isupper() for word in text.split()) and not vocabulary.is_domain(text)


def _cut(text: str) -> Iterator[tuple[int, str]]:
    """Pieces of a long text with their offsets, cut at line ends or spaces."""
    at = 0
    while len(text) - at > _PIECE_CHARACTERS:
        end = max(text.rfind(sign, at + 1, at + _PIECE_CHARACTERS) for sign in "\n ")
        end = end if end > at else at + _PIECE_CHARACTERS
        yield at, text[at:end]
        at = end
    yield at, text[at:]
