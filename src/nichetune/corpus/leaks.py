"""Keeps training and the sealed benchmark apart, and tells what documents hold of it.

parts of a split + documents -> training without overlap, and an `Overlap` for every hit, with both places

    {"text": "int-0412", "kind": "example", "item": "int-0077", "holds": "question", "how": "run", "words": 11,
     "action": "removed", "source": {…}, "item_source": {…}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from nichetune.core.records import Document, Example, Source
from nichetune.core.settings import TaskSettings
from nichetune.corpus.findings import Overlap
from nichetune.corpus.normal import normalise_text
from nichetune.corpus.overlap import SAME_TEXT, WHOLE_SHORT, Hit, SealedRuns, say_run
from nichetune.corpus.semantic import Encode, encode_texts, find_same_meaning

SAME_MEANING = "same meaning as a sealed item"
How = Literal["same text", "run", "whole short text", "meaning"]


def find_document_overlap(
    documents: Sequence[Document],
    items: Sequence[Example],
    words: int,
    boilerplate: frozenset[str],
    tasks: Mapping[str, TaskSettings],
) -> list[Overlap]:
    """Every document that holds a sealed question, or an answer that counts; of a grounded task only the question.

    The passage that carries an item's answer is exempt, and so are the words in which a question names that passage
    or a form names its finding: they stand in documents because the item is about them. Documents are read twice, one
    by one; those that items name as evidence stay in memory.
    """
    evidence = {item.id: frozenset(item.expected.evidence) for item in items}
    named = frozenset().union(*evidence.values())
    texts = {one.id: _normalise(one) for one in documents if one.id in named}
    exempt = {item.id: " ".join(_find_named(item, texts)) for item in items}
    sealed, places = SealedRuns(items, words, boilerplate, tasks, exempt), map_places(items)
    hits = [(one, hit) for one in documents for hit in sealed.find_runs(_normalise(one))]
    return [
        describe_hit(one, "document", hit, places, "listed") for one, hit in hits if one.id not in evidence[hit.item]
    ]


def _normalise(document: Document) -> str:
    return normalise_text(f"{document.title} {document.text}")


def _find_named(item: Example, texts: Mapping[str, str]) -> list[str]:
    values = [normalise_text(value) for value in (item.expected.fields or {}).values()]
    return [*(texts[name] for name in item.expected.evidence if name in texts), *values]


def find_meant_overlap(
    examples: Sequence[Example],
    places: Sequence[int],
    items: Sequence[Example],
    encode: Encode,
    threshold: float,
    removed: bool,
) -> list[tuple[int, Overlap]]:
    """Every training example that means the same as a sealed item of its task; the nearest item is named.

    Args:
        places: of the training examples, which come back with what was found.
    """
    found = []
    action: Literal["removed", "listed"] = "removed" if removed else "listed"
    read = [(n, examples[n]) for n in places]
    for task in sorted({one.task for one in items}):
        own = [(n, one) for n, one in read if one.task == task]
        held = [one for one in items if one.task == task]
        if own:
            vectors = encode_texts(encode, [one.prompt for one in (*(one for _, one in own), *held)])
            pairs = find_same_meaning(vectors[: len(own)], threshold, vectors[len(own) :])
            best = {pair.a: pair for pair in sorted(pairs, key=lambda pair: (round(pair.similarity, 2), -pair.b))}
            for n, pair in sorted(best.items()):
                place, one = own[n]
                overlap = Overlap(
                    text=one.id, kind="example", item=held[pair.b].id, holds="question", how="meaning",
                    similarity=round(pair.similarity, 2), action=action, source=one.source,
                    item_source=held[pair.b].source,
                )  # fmt: skip
                found.append((place, overlap))
    return found


def say_reason(how: How, words: int) -> str:
    """Why a training example was removed, as it is counted."""
    reasons: dict[How, str] = {
        "same text": SAME_TEXT, "whole short text": WHOLE_SHORT, "meaning": SAME_MEANING,
        "run": say_run(words),
    }  # fmt: skip
    return reasons[how]


def map_places(items: Iterable[Example]) -> dict[str, Source]:
    """Where each item stands."""
    return {item.id: item.source for item in items}


def describe_hit(
    text: Example | Document, kind: Literal["example", "document"], hit: Hit, places: Mapping[str, Source],
    action: Literal["removed", "listed"],
) -> Overlap:  # fmt: skip
    """The finding that a hit is."""
    how: Literal["same text", "run", "whole short text"] = "run"
    if hit.reason in (SAME_TEXT, WHOLE_SHORT):
        how = "same text" if hit.reason == SAME_TEXT else "whole short text"
    return Overlap(
        text=text.id, kind=kind, item=hit.item, holds=hit.holds, how=how, words=hit.words, action=action,
        source=text.source, item_source=places[hit.item],
    )  # fmt: skip
