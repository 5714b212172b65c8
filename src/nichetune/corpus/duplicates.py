"""Drops copies: each with the one that stays for it, how near it is to that one, and why that one stays.

examples in the order of preference + pairs of near ones -> kept, dropped, clusters

    Cluster(kept="int-0004", why="longest", copies=[Copy(id="int-0713", how="near", similarity=0.91, …)])

Clusters are stars: the preferred text is taken, its copies go, then the next preferred of those that are left. A copy
is never dropped for a text that is only like another copy, so no chain of small steps swallows a whole source.
"""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from nichetune.core.records import Example
from nichetune.core.settings import DedupeSettings
from nichetune.corpus.minhash import Pair

T = TypeVar("T")
WHY = {"first": "read first", "longest": "longest", "newest": "newest", "trusted": "most trusted source"}


@dataclass(frozen=True)
class Gone(Generic[T]):
    """A record that is dropped for another, and its similarity to that very one."""

    record: T
    kept: T
    similarity: float


@dataclass(frozen=True)
class Thinned(Generic[T]):
    """What stays, in its order, and what goes."""

    kept: list[T] = field(default_factory=list)
    gone: list[Gone[T]] = field(default_factory=list)


def sort_by_preference(examples: Sequence[Example], settings: DedupeSettings) -> list[Example]:
    """The order in which examples stay for their copies; among equals the one that was read first."""
    if settings.keep == "longest":
        return sorted(examples, key=lambda one: -len(one.prompt))
    if settings.keep == "newest":  # no date sorts below every date, so that it comes last
        return sorted(examples, key=lambda one: one.valid_from or "", reverse=True)
    if settings.keep == "trusted":
        return sorted(examples, key=lambda one: _rank_source(one.source.file, settings.trusted))
    return list(examples)


def _rank_source(file: str, trusted: Sequence[str]) -> int:
    return next((n for n, glob in enumerate(trusted) if fnmatch.fnmatch(file, glob)), len(trusted))


def drop_equal(records: Sequence[T], key: Callable[[T], object]) -> Thinned[T]:
    """Keeps the first of those with the same key."""
    first: dict[object, T] = {}
    done: Thinned[T] = Thinned()
    for one in records:
        original = first.setdefault(key(one), one)
        if original is one:
            done.kept.append(one)
        else:
            done.gone.append(Gone(one, original, 1.0))
    return done


def drop_alike(records: Sequence[T], pairs: Sequence[Pair], interchangeable: Callable[[T, T], bool]) -> Thinned[T]:
    """Keeps the first of those that are alike and may stand for each other.

    Args:
        pairs: places in `records`, at or above the threshold.
        interchangeable: whether two that are alike have the same answer.
    """
    earlier: dict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if interchangeable(records[pair.a], records[pair.b]):
            earlier[pair.b].append(pair)
    stays_for: dict[int, tuple[int, float]] = {}
    for n in range(len(records)):
        found = _find_original(earlier.get(n, ()), stays_for)
        if found:
            stays_for[n] = found
    kept = [one for n, one in enumerate(records) if n not in stays_for]
    return Thinned(kept, [Gone(records[n], records[a], similarity) for n, (a, similarity) in stays_for.items()])


def _find_original(pairs: Sequence[Pair], stays_for: dict[int, tuple[int, float]]) -> tuple[int, float] | None:
    """The first kept one that this one is like; what is equal to a copy is a copy of the same one."""
    for pair in sorted(pairs):
        if pair.a not in stays_for:
            return pair.a, pair.similarity
        if pair.equal:
            return stays_for[pair.a]
    return None
