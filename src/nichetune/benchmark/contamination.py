"""Guards the benchmark: no training example may hold a sealed item's text or a telling run of its words.

training examples + sealed benchmark -> hits (none, or training must stop)

    Hit(example="int-0412", item="int-0077", reason="same text as a sealed item")
"""

from __future__ import annotations

from collections.abc import Iterable

from nichetune.benchmark.seal import Benchmark
from nichetune.core.errors import UserError
from nichetune.core.records import Example
from nichetune.corpus.overlap import Hit, SealedRuns

SAME_GROUP = "same group as a sealed item"
_SHOWN_HITS = 5


def check_training(train: Iterable[Example], benchmark: Benchmark) -> list[Hit]:
    """All training examples that give a sealed item away, by text or by group."""
    sealed = SealedRuns(benchmark.items, benchmark.overlap_words, frozenset(benchmark.boilerplate), benchmark.tasks)
    groups = {item.group: item.id for item in benchmark.items}
    hits: list[Hit] = []
    for example in train:
        hit = sealed.find_hit(example)
        if hit is None and example.group in groups:
            hit = Hit(example.id, groups[example.group], SAME_GROUP)
        if hit is not None:
            hits.append(hit)
    return hits


def refuse_contaminated(train: Iterable[Example], benchmark: Benchmark) -> None:
    """Stops before a training that would prove nothing.

    Raises:
        UserError: a training example overlaps a sealed item; the ids of both are named.
    """
    hits = check_training(train, benchmark)
    if hits:
        shown = ", ".join(f"{hit.example} ({hit.reason} {hit.item})" for hit in hits[:_SHOWN_HITS])
        more = ", …" if len(hits) > _SHOWN_HITS else ""
        raise UserError(
            f"{len(hits)} training examples overlap the sealed benchmark: {shown}{more}: run the split again, "
            f"it removes them"
        )
