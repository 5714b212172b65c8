"""Finds and replaces what is personal in texts, on all cores, in an order that no core count changes.

records of texts + a policy -> masked texts

    Masked(text="Pt: [PERSON_1].", entities=(Entity(start=4, end=16, type="PERSON", replacement="[PERSON_1]"),))
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from multiprocessing import get_context

from threadpoolctl import threadpool_limits

from nichetune.core.errors import SystemFailure
from nichetune.core.files import hash_text
from nichetune.core.progress import track
from nichetune.corpus.analyzer import load_language
from nichetune.corpus.encodings import replace_surrogates
from nichetune.corpus.masking.guesses import may_hide_more
from nichetune.corpus.masking.plain_words import plain_nouns
from nichetune.corpus.masking.policy import DEFAULT, Policy, load_policy
from nichetune.corpus.masking.replace import Replacer
from nichetune.corpus.masking.tagger import load_weights
from nichetune.corpus.placeholders import PlaceholderMap
from nichetune.corpus.recognisers import find_personal
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


@dataclass(frozen=True)
class Job:
    """One text to look through.

    Attributes:
        people: off for published texts, whose names are the domain's own.
        field: the record's field that it stands in; a policy may treat fields apart.
    """

    text: str
    people: bool = True
    field: str = ""


@dataclass(frozen=True)
class Search:
    """How texts are looked through.

    Attributes:
        processes: worker processes; 0 for one per core.
        second_pass: looks at the masked texts afresh and masks what then shows.
    """

    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    policy: Policy = field(default_factory=lambda: load_policy(DEFAULT))
    min_score: float = 0.4
    processes: int = 0
    second_pass: bool = True


def mask_records(
    records: Sequence[Sequence[Job]], search: Search, key: bytes = b"", shared: bool = False
) -> list[list[Masked]]:
    """Masks all texts of all records.

    Args:
        key: what hashes and surrogates are derived from, if the policy wants any.
        shared: whether a value's hash or surrogate is one in all records, or another in each.
    """
    found = _find_in_records(records, search)
    if search.second_pass:
        found = _look_again(records, found, search)
    made = []
    for record, spans in zip(records, found, strict=True):
        apart = "" if shared else hash_text("\0".join(job.text for job in record))
        made.append(mask_record(record, spans, search.vocabulary, Replacer(search.policy, key, apart)))
    return made


def _find_in_records(records: Sequence[Sequence[Job]], search: Search) -> list[list[list[Span]]]:
    spans = iter(find_spans([job for record in records for job in record], search))
    return [[next(spans) for _ in record] for record in records]


def _look_again(
    records: Sequence[Sequence[Job]], found: list[list[list[Span]]], search: Search
) -> list[list[list[Span]]]:
    """The spans with those that only show once the others are masked; texts of plain words alone stay as they are."""
    plain = Replacer(search.policy.with_placeholders())
    masked = [
        mask_record(record, spans, search.vocabulary, plain) for record, spans in zip(records, found, strict=True)
    ]
    doubted = [[bool(one.entities) and may_hide_more(one.text) for one in texts] for texts in masked]
    again = [
        [replace(job, text=one.text) for job, one, doubt in zip(record, texts, doubts, strict=True) if doubt]
        for record, texts, doubts in zip(records, masked, doubted, strict=True)
    ]
    more = iter(_find_in_records(again, search))
    result = []
    for spans, texts, doubts in zip(found, masked, doubted, strict=True):
        fresh = iter(next(more))
        result.append([
            merge_spans([*old, *_move_back(one, next(fresh))]) if doubt else old
            for old, one, doubt in zip(spans, texts, doubts, strict=True)
        ])  # fmt: skip
    return result


def _move_back(masked: Masked, spans: Sequence[Span]) -> list[Span]:
    """Spans of a masked text, moved to the original; none of them touches a placeholder."""
    moved = []
    for span in spans:
        shift = 0
        for one in masked.entities:
            if one.start + shift >= span.start:
                break
            shift += len(one.replacement) - (one.end - one.start)
        moved.append(replace(span, start=span.start - shift, end=span.end - shift))
    return moved


def mask_record(
    jobs: Sequence[Job], spans: Sequence[Sequence[Span]], vocabulary: Vocabulary, replacer: Replacer
) -> list[Masked]:
    """Masks the texts of one record with one set of placeholders: a person keeps theirs in all of them."""
    names = PlaceholderMap(job.text for job in jobs)
    for job, found in zip(jobs, spans, strict=True):
        for span in found:
            names.name(span.entity, job.text[span.start : span.end])
    masked = []
    for job, found in zip(jobs, spans, strict=True):
        more = names.find_more(job.text, list(found), vocabulary)
        wanted = [one for one in more if replacer.policy.action(one.entity, job.field) != "keep"]
        masked.append(_replace(job, wanted, names, replacer))
    return masked


def _replace(job: Job, spans: Sequence[Span], names: PlaceholderMap, replacer: Replacer) -> Masked:
    parts: list[str] = []
    entities: list[Entity] = []
    at = 0
    for span in spans:
        value = job.text[span.start : span.end]
        replacement = replacer.replace(span.entity, value, names.name(span.entity, value), job.field)
        parts += [job.text[at : span.start], replacement]
        entities.append(Entity(span.start, span.end, span.entity, replacement))
        at = span.end
    return Masked("".join([*parts, job.text[at:]]), tuple(entities))


def find_spans(jobs: Sequence[Job], search: Search) -> list[list[Span]]:
    """What is to be masked in each text.

    Raises:
        SystemFailure: a worker process was killed.
    """
    unique = list(dict.fromkeys(jobs))
    chunks = [unique[at : at + _CHUNK_TEXTS] for at in range(0, len(unique), _CHUNK_TEXTS)]
    found: dict[Job, list[Span]] = {}
    with track("mask", len(unique), "texts") as tick:
        for chunk, spans in zip(chunks, _search(chunks, search), strict=True):
            found.update(zip(chunk, spans, strict=True))
            tick(len(chunk))
    return [found[job] for job in jobs]


def _search(chunks: list[list[Job]], search: Search) -> Iterator[list[list[Span]]]:
    workers = search.processes or _count_cores()
    if workers == 1 or len(chunks) * _CHUNK_TEXTS < _WORTH_PROCESSES:
        with threadpool_limits(1):  # one process, one core: numpy's own threads would fight the other workers
            yield from (_find_in_chunk(chunk, search) for chunk in chunks)
        return
    # A fork shares the loaded model; elsewhere each worker loads its own.
    method = "fork" if sys.platform == "linux" else "spawn"
    if method == "fork":
        load_language()
        load_weights()
        plain_nouns()
    pool = ProcessPoolExecutor(workers, mp_context=get_context(method), initializer=_start_worker, initargs=(search,))
    with pool:
        try:
            yield from pool.map(_work, chunks)
        except BrokenProcessPool:
            raise SystemFailure(
                "a masking process was killed, most likely for want of memory: set mask.processes=1 and run again"
            ) from None


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_task: list[Search] = []


def _start_worker(search: Search) -> None:
    threadpool_limits(1)  # for good: a worker is one core's
    _task[:] = [search]


def _work(chunk: list[Job]) -> list[list[Span]]:
    return _find_in_chunk(chunk, _task[0])


def _find_in_chunk(chunk: list[Job], search: Search) -> list[list[Span]]:
    pieces = [(n, at, piece) for n, job in enumerate(chunk) for at, piece in _cut(replace_surrogates(job.text))]
    guess = [chunk[n].people and _could_name(piece, search.vocabulary) for n, _, piece in pieces]
    found: list[list[Span]] = [[] for _ in chunk]
    results = find_personal([piece for _, _, piece in pieces], guess, search.min_score, search.policy.recognisers)
    for (n, at, piece), result in zip(pieces, results, strict=True):
        spans = choose_spans(piece, result, search.vocabulary, people=chunk[n].people)
        wanted = [one for one in spans if search.policy.action(one.entity, chunk[n].field) != "keep"]
        found[n] += [replace(one, start=one.start + at, end=one.end + at) for one in wanted]
    return [merge_spans(spans) for spans in found]


def _could_name(text: str, vocabulary: Vocabulary) -> bool:
    """Whether a text can name somebody: it has a letter, and is not wholly the domain's."""
    return any(map(str.isalpha, text)) and not vocabulary.is_domain(text)


def _cut(text: str) -> Iterator[tuple[int, str]]:
    """Pieces of a long text with their offsets, cut at line ends or spaces."""
    at = 0
    while len(text) - at > _PIECE_CHARACTERS:
        end = max(text.rfind(sign, at + 1, at + _PIECE_CHARACTERS) for sign in "\n ")
        end = end if end > at else at + _PIECE_CHARACTERS
        yield at, text[at:end]
        at = end
    yield at, text[at:]
