"""Drops copies: each with the one that stays for it, how near it is to that one, and why that one stays.

places of records in the order of preference + pairs of near ones -> kept, dropped, clusters

    Cluster(kept="int-0004", why="longest", copies=[Copy(id="int-0713", how="near", similarity=0.91, …)])

Clusters are stars: the preferred text is taken, its copies go, then the next preferred of those that are left. A copy
is never dropped for a text that is only like another copy, so no chain of small steps swallows a whole source.
"""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nichetune.core.settings import DedupeSettings
from nichetune.corpus.minhash import Pair

if TYPE_CHECKING:
    from nichetune.corpus.traits import Traits

WHY = {  # as in "it is the one …"
    "central": "with most copies",
    "first": "read first",
    "longest": "that is longest",
    "newest": "that is newest",
    "trusted": "from the most trusted source",
}


@dataclass(frozen=True, slots=True)
class Gone:
    """A record that is dropped for another, and its similarity to that very one; by their places."""

    record: int
    kept: int
    similarity: float


@dataclass(frozen=True)
class Thinned:
    """Places of what stays, in their order, and what goes."""

    kept: np.ndarray
    gone: list[Gone] = field(default_factory=list)

    def within(self, order: np.ndarray) -> Thinned:
        """The same by places in the corpus, where its own are places in `order`."""
        moved = [Gone(int(order[one.record]), int(order[one.kept]), one.similarity) for one in self.gone]
        return Thinned(order[self.kept], moved)


def sort_by_preference(places: np.ndarray, traits: Traits, settings: DedupeSettings) -> np.ndarray:
    """The order in which examples stay for their copies; among equals the one that was read first."""
    if settings.keep == "longest":
        return places[np.argsort(-traits.letters[places], kind="stable")]
    if settings.keep == "newest":  # no date is numbered below every date, so that it comes last
        return places[np.argsort(-traits.dates[places], kind="stable")]
    if settings.keep == "trusted":
        ranks = np.array([_rank_source(file, settings.trusted) for file in traits.names["files"]])
        return places[np.argsort(ranks[traits.files[places]], kind="stable")]
    return places


def _rank_source(file: str, trusted: Sequence[str]) -> int:
    return next((n for n, glob in enumerate(trusted) if fnmatch.fnmatch(file, glob)), len(trusted))


def drop_equal(keys: np.ndarray) -> Thinned:
    """Keeps the first of those with the same key."""
    _, firsts, which = np.unique(keys, return_index=True, return_inverse=True)
    original = firsts[which]
    is_copy = original != np.arange(len(keys))
    copies = np.flatnonzero(is_copy).tolist()
    return Thinned(np.flatnonzero(~is_copy), [Gone(n, int(original[n]), 1.0) for n in copies])


def drop_alike(
    count: int, pairs: Sequence[Pair], interchangeable: Callable[[int, int], bool], central: bool = True
) -> Thinned:
    """Keeps one of those that are alike and may stand for each other.

    Args:
        count: of all records.
        pairs: places of records, at or above the threshold.
        interchangeable: whether two that are alike have the same answer.
        central: texts with more copies stay before texts with fewer, so that two copies of a text never stay where
            the text itself goes; else, and among equals, their order decides.
    """
    alike = [pair for pair in pairs if interchangeable(pair.a, pair.b)]
    follows = {pair.b: pair.a for pair in alike if pair.equal}
    near: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for pair in alike:
        if not pair.equal:
            near[pair.a].append((pair.b, pair.similarity))
            near[pair.b].append((pair.a, pair.similarity))
    stays_for: dict[int, tuple[int, float]] = {}
    for n in sorted(near, key=(lambda n: (-len(near[n]), n)) if central else None):
        if n not in stays_for:
            for other, similarity in near[n]:
                stays_for.setdefault(other, (n, similarity))
    # What equals a text is as near to any other as that text is.
    stays_for |= {n: stays_for.get(first, (first, 1.0)) for n, first in follows.items()}
    stays = np.ones(count, dtype=bool)
    stays[list(stays_for)] = False
    return Thinned(np.flatnonzero(stays), [Gone(n, a, similarity) for n, (a, similarity) in sorted(stays_for.items())])
