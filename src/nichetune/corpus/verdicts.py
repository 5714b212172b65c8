"""What cleaning found, by the places of examples, and the records that say so, made when they are written.

Cleaned -> kept examples, dropped ones with their reasons, clusters, lookalikes

    for one in cleaned.dropped: ...      # reads the file once more; none of it is ever held
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nichetune.core.records import Dropped, Example
from nichetune.corpus.contradictions import Aside
from nichetune.corpus.digests import digest
from nichetune.corpus.duplicates import WHY, Gone
from nichetune.corpus.findings import Cluster, Copy, How, Lookalike
from nichetune.corpus.lines import Lazy
from nichetune.corpus.traits import Traits

REASONS: dict[How, str] = {
    "exact": "exact duplicate", "near": "near duplicate", "semantic": "semantic duplicate",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """Two texts that are nearly the same, by their places."""

    a: int
    b: int
    how: How
    similarity: float


@dataclass(frozen=True)
class Cleaned:
    """What stays, what went and why, and what is for a look.

    Attributes:
        places: of what stays, in the order of the corpus.
        flawed, torn, gone: what the filters named, what contradicts itself, and copies.
        joined: new names of groups, by the old ones; of those that were linked to another.
        meant_texts: how many were compared by meaning; 0: none were.
        meant_pairs: pairs of one meaning across groups, or of one answer.
    """

    examples: Sequence[Example]
    traits: Traits
    places: np.ndarray
    flawed: list[Aside]
    torn: list[Aside]
    gone: dict[How, list[Gone]]
    looks: list[Look]
    joined: dict[str, str]
    keep: str
    near_pairs: int
    template_shingles: int
    template_texts: int
    meant_texts: int
    meant_pairs: int

    @property
    def kept(self) -> Sequence[Example]:
        """What stays, in its joined groups."""
        return Lazy(self.places, self._regroup)

    @property
    def dropped(self) -> Sequence[Dropped]:
        """What the filters named, then copies, in the order of the corpus."""
        rows = list(self.flawed)
        for how, some in self.gone.items():
            rows += sorted((Aside(g.record, REASONS[how], g.kept) for g in some), key=lambda one: one.place)
        return Lazy(range(len(rows)), lambda n: self._put_aside(rows[n]))

    @property
    def contradictions(self) -> Sequence[Dropped]:
        """Same input, different answers."""
        return Lazy(range(len(self.torn)), lambda n: self._put_aside(self.torn[n]))

    @property
    def clusters(self) -> Sequence[Cluster]:
        """Kept texts with their copies."""
        rows = list(cluster_copies(self.gone).items())
        return Lazy(range(len(rows)), lambda n: self._describe(*rows[n]))

    @property
    def lookalikes(self) -> Sequence[Lookalike]:
        """Pairs of which both stay."""
        ends = np.array([(one.a, one.b) for one in self.looks], dtype=np.int64).reshape(-1, 2)
        return Lazy(np.flatnonzero(np.isin(ends, self.places).all(axis=1)), lambda n: self._compare(self.looks[n]))

    @property
    def joined_groups(self) -> int:
        """How many groups were swallowed by others."""
        return len(self.joined) - len(set(self.joined.values()))

    def count_groups(self) -> int:
        """Groups of what stays."""
        roots = {digest(name): digest(root) for name, root in self.joined.items()}
        return len({roots.get(group, group) for group in np.unique(self.traits.groups[self.places]).tolist()})

    def _regroup(self, n: int) -> Example:
        one = self.examples[n]
        name = self.joined.get(one.group, one.group)
        return one if name == one.group else one.model_copy(update={"group": name})

    def _put_aside(self, one: Aside) -> Dropped:
        because = self.examples[one.other].id if one.other != one.place else ""
        own = self.examples[one.place]
        return Dropped(id=own.id, reason=one.reason, source=own.source, because_of=because)

    def _describe(self, kept: int, copies: list[tuple[int, How, float]]) -> Cluster:
        told = []
        for n, how, similarity in copies:
            one = self.examples[n]
            told.append(Copy(id=one.id, how=how, similarity=round(similarity, 2), source=one.source))
        own = self.examples[kept]
        return Cluster(kept=own.id, why=WHY[self.keep], source=own.source, copies=sorted(told, key=lambda c: c.id))

    def _compare(self, look: Look) -> Lookalike:
        a, b = self.examples[look.a], self.examples[look.b]
        return Lookalike(
            a=a.id, b=b.id, how=look.how, similarity=round(look.similarity, 2),
            same_answer=bool(self.traits.answers[look.a] == self.traits.answers[look.b]),
            a_source=a.source, b_source=b.source,
        )  # fmt: skip

    def count_reasons(self) -> Iterator[str]:
        """The reason of everything that went."""
        yield from (one.reason for one in (*self.flawed, *self.torn))
        for how, some in self.gone.items():
            yield from [REASONS[how]] * len(some)


def cluster_copies(gone: dict[How, list[Gone]]) -> dict[int, list[tuple[int, How, float]]]:
    """Copies by the text that stays. What equals a copy is as near to the kept text as that copy is."""
    near = {one.record: one for one in gone["near"]}
    clusters: dict[int, list[tuple[int, How, float]]] = {}
    for how, some in gone.items():
        for one in some:
            moved = near.get(one.kept) if how == "exact" else None
            kept, similarity = (moved.kept, moved.similarity) if moved else (one.kept, one.similarity)
            clusters.setdefault(kept, []).append((one.record, "near" if moved else how, similarity))
    return clusters
