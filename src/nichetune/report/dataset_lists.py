"""The findings of dedupe and split as the page shows them: the first rows or the largest, and how many there are.

records, one after another -> Excerpt(rows=[…25…], total=70_112); no more than the shown ones are in memory
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from nichetune.corpus.findings import Cluster, Overlap

T = TypeVar("T")
SHOWN = 25  # rows of a list; all of them stand in the run's folder


@dataclass
class Excerpt(Generic[T]):
    """The rows of a list that are shown, and the length of the whole."""

    rows: list[T] = field(default_factory=list)
    total: int = 0

    def add(self, row: T) -> None:
        """Counts a row, and keeps it if it is among the first."""
        self.total += 1
        if len(self.rows) < SHOWN:
            self.rows.append(row)


@dataclass(frozen=True)
class Clusters:
    """The largest clusters, how many there are, and copies by how they were found."""

    largest: list[Cluster]
    total: int
    copies: Counter[str]


@dataclass(frozen=True)
class Overlaps:
    """What was found of sealed items: examples that were removed or listed, and documents."""

    removed: Excerpt[Overlap]
    listed: Excerpt[Overlap]
    documents: Excerpt[Overlap]


def take_first(records: Iterable[T]) -> Excerpt[T]:
    """The first rows of a list."""
    shown = Excerpt[T]()
    for one in records:
        shown.add(one)
    return shown


def sum_clusters(clusters: Iterable[Cluster]) -> Clusters:
    """The clusters with the most copies, the first by name where they have as many."""
    copies, total = Counter[str](), 0

    def count(one: Cluster) -> Cluster:
        nonlocal total
        total += 1
        copies.update(copy.how for copy in one.copies)
        return one

    largest = heapq.nsmallest(SHOWN, map(count, clusters), key=lambda one: (-len(one.copies), one.kept))
    return Clusters(largest, total, copies)


def sort_overlaps(overlaps: Iterable[Overlap]) -> Overlaps:
    """Overlaps by what they are and what was done."""
    sorted_out = Overlaps(Excerpt(), Excerpt(), Excerpt())
    for one in overlaps:
        if one.kind == "document":
            sorted_out.documents.add(one)
        if one.action == "removed":
            sorted_out.removed.add(one)
        elif one.kind == "example":
            sorted_out.listed.add(one)
    return sorted_out
