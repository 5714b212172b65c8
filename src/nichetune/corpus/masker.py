"""Finds and replaces what is personal in texts, block by block, with one result on any number of cores.

records of texts + a policy -> masked texts

    Masked(text="Pt: [PERSON_1].", entities=(Entity(start=4, end=16, type="PERSON", replacement="[PERSON_1]"),))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from threadpoolctl import threadpool_limits

from nichetune.core.files import hash_text
from nichetune.corpus.analyzer import load_language
from nichetune.corpus.encodings import replace_surrogates
from nichetune.corpus.masking.guesses import may_hide_more
from nichetune.corpus.masking.lexicon import surname_rank
from nichetune.corpus.masking.plain_words import plain_nouns
from nichetune.corpus.masking.policy import DEFAULT, Policy, load_policy
from nichetune.corpus.masking.replace import Replacer
from nichetune.corpus.masking.tagger import load_weights
from nichetune.corpus.masking.things import read_things
from nichetune.corpus.placeholders import PlaceholderMap
from nichetune.corpus.processes import Pool
from nichetune.corpus.recognisers import find_personal
from nichetune.corpus.spans import Span, choose_spans, merge_spans
from nichetune.corpus.vocabulary import Vocabulary

# Records that are masked together, counted from the corpus' first one. A batch's size can move the last bit of a guess:
# fixed blocks meet the same batches in any process, part or engine.
BLOCK = 128
_CHUNK_TEXTS = 64
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

    @classmethod
    def of(cls, original: str, entities: Sequence[Entity]) -> Masked:
        """An original text with each stretch replaced."""
        parts, at = [], 0
        for one in entities:
            parts += [original[at : one.start], one.replacement]
            at = one.end
        return cls("".join([*parts, original[at:]]), tuple(entities))

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
    """Masks all texts of all records, which are in memory; see `mask_stream`."""
    return list(mask_stream(records, search, key, shared))


def mask_stream(
    records: Iterable[Sequence[Job]], search: Search, key: bytes = b"", shared: bool = False
) -> Iterator[list[Masked]]:
    """Masks records as they come, in `search.processes`; a few blocks are in memory.

    Raises:
        SystemFailure: a worker process was killed.
    """
    rest = iter(records)
    blocks = iter(lambda: list(islice(rest, BLOCK)), [])
    with Pool(search.processes, load_models) as pool:
        for block in pool.map(partial(mask_block, search=search, key=key, shared=shared), blocks):
            yield from block


def load_models() -> None:
    """Loads what every process reads, so that a fork shares it."""
    load_language()
    load_weights()
    plain_nouns()
    surname_rank()
    read_things()


def mask_block(
    records: Sequence[Sequence[Job]], search: Search, key: bytes = b"", shared: bool = False
) -> list[list[Masked]]:
    """Masks all texts of some records, in this process.

    Args:
        key: what hashes and surrogates are derived from, if the policy wants any.
        shared: whether a value's hash or surrogate is one in all records, or another in each.
    """
    with threadpool_limits(1):  # one process, one core: numpy's own threads would fight the other workers
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
    entities = []
    for span in spans:
        value = job.text[span.start : span.end]
        replacement = replacer.replace(span.entity, value, names.name(span.entity, value), job.field)
        entities.append(Entity(span.start, span.end, span.entity, replacement))
    return Masked.of(job.text, entities)


def find_spans(jobs: Sequence[Job], search: Search) -> list[list[Span]]:
    """What is to be masked in each text; an equal text is looked through once."""
    unique = list(dict.fromkeys(jobs))
    found: dict[Job, list[Span]] = {}
    for at in range(0, len(unique), _CHUNK_TEXTS):
        chunk = unique[at : at + _CHUNK_TEXTS]
        found.update(zip(chunk, _find_in_chunk(chunk, search), strict=True))
    return [found[job] for job in jobs]


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
