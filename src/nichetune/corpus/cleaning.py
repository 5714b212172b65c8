"""The pure part of dedupe: which examples stay, what became of the others, and what a person should look at.

examples -> Cleaned

- *Quality*: texts that are no text are dropped with their reason (quality.py).
- *Contradiction*: the same text after folding case, space, punctuation and placeholder numbers, in one task and tenant,
  with different answers. By default all of them are put aside: none is trained or tested on.
- *Exact*: the same text with the same answer. One stays; `dedupe.keep` says which.
- *Near*: Jaccard similarity of word shingles from the threshold on, numbers counting as alike and a source's template
  not at all (neighbours.py). With the same answer one stays. With different answers ("…, right eye" and "…, left
  eye") they are twins: the most valuable examples there are, kept, in one group, and listed for a look.
- *Meaning*: cosine of an encoder's vectors; not looked for by default, since it is slow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nichetune.core.records import Dropped, Example
from nichetune.core.settings import Settings
from nichetune.corpus.answers import answer_key, answers_alike, input_key
from nichetune.corpus.contradictions import Sifted, settle_contradictions
from nichetune.corpus.duplicates import WHY, Gone, Thinned, drop_alike, drop_equal, sort_by_preference
from nichetune.corpus.findings import Cluster, Copy, How, Lookalike
from nichetune.corpus.groups import Link, join_groups, refuse_giant_groups
from nichetune.corpus.minhash import Pair
from nichetune.corpus.neighbours import Neighbours, find_neighbours
from nichetune.corpus.normal import loosen_normal, normalise_text
from nichetune.corpus.quality import ONLY_TEMPLATE, find_flaw, find_template_texts
from nichetune.corpus.semantic import Encode, encode_texts, find_same_meaning
from nichetune.corpus.shingles import Subject

REASONS: dict[How, str] = {
    "exact": "exact duplicate", "near": "near duplicate", "semantic": "semantic duplicate",
}  # fmt: skip
_MOST_LISTED = 1_000  # of one meaning: a person looks at the nearest ones; all are counted


@dataclass(frozen=True)
class Cleaned:
    """What stays, what went and why, and what is for a look.

    Attributes:
        meant_texts: how many were compared by meaning; 0: none were.
        meant_pairs: pairs of one meaning across groups, or of one answer.
    """

    kept: list[Example]
    dropped: list[Dropped]
    contradictions: list[Dropped]
    clusters: list[Cluster]
    lookalikes: list[Lookalike]
    joined_groups: int
    near_pairs: int
    template_shingles: int
    template_texts: int
    meant_texts: int
    meant_pairs: int


def clean_examples(examples: Sequence[Example], settings: Settings, encode: Encode | None = None) -> Cleaned:
    """Cleans a corpus; the order of what stays is that of what came.

    Raises:
        UserError: near-duplicates join too large a group, or a contradiction shall stop the run.
    """
    rules = settings.dedupe
    fine = drop_flawed(examples, settings)
    consistent = settle_contradictions(fine.kept, rules.contradictions)
    exact = drop_equal(sort_by_preference(consistent.kept, rules), input_key)
    found = _find_near(exact.kept, settings)
    near = drop_alike(exact.kept, found.pairs, answers_alike, rules.keep == "central")
    compared = len(near.kept) if encode and rules.semantic != "off" and len(near.kept) <= rules.semantic_limit else 0
    meant = _find_meant(near.kept, encode, rules.semantic_threshold) if encode and compared else []
    last = (
        drop_alike(near.kept, meant, answers_alike, rules.keep == "central")
        if rules.semantic == "drop"
        else Thinned(near.kept)
    )
    links = _link(exact.kept, found.pairs) + (_link(near.kept, meant) if rules.semantic in ("group", "drop") else [])
    joined = join_groups([one.group for one in exact.kept], links)
    places = {one.id: n for n, one in enumerate(examples)}
    kept = sorted(last.kept, key=lambda one: places[one.id])
    refuse_giant_groups(kept, joined, links, rules.max_group_share)
    gone: dict[How, list[Gone[Example]]] = {"exact": exact.gone, "near": near.gone, "semantic": last.gone}
    copies = [_drop(one, how) for how, some in gone.items() for one in sorted(some, key=lambda g: places[g.record.id])]
    stay = {one.id for one in kept}
    looks = [*_list_lookalikes(exact.kept, found.pairs, "near", stay),
             *_list_lookalikes(near.kept, _nearest(meant), "semantic", stay)]  # fmt: skip
    return Cleaned(
        kept=[one.model_copy(update={"group": joined[one.group]}) for one in kept],
        dropped=[*fine.dropped, *copies],
        contradictions=consistent.dropped,
        clusters=cluster_copies(gone, WHY[rules.keep]),
        lookalikes=looks,
        joined_groups=len(joined) - len(set(joined.values())),
        near_pairs=len(found.pairs),
        template_shingles=found.template_shingles,
        template_texts=found.template_texts,
        meant_texts=compared,
        meant_pairs=len(meant),
    )


def make_subject(example: Example) -> Subject:
    """The example as it is compared."""
    exact = normalise_text(example.prompt)
    return Subject(loosen_normal(exact), exact, example.source.file, example.group)


def drop_flawed(examples: Sequence[Example], settings: Settings) -> Sifted:
    """Drops what the quality filters name."""
    rules = settings.quality
    only_template = (
        find_template_texts(
            [make_subject(one) for one in examples], settings.dedupe.ngram_words, settings.dedupe.boilerplate_share
        )
        if rules.boilerplate
        else set()
    )
    sifted = Sifted([], [])
    for n, one in enumerate(examples):
        flaw = find_flaw(one.prompt, rules) or (ONLY_TEMPLATE if n in only_template else "")
        if flaw:
            sifted.dropped.append(Dropped(id=one.id, reason=flaw, source=one.source))
        else:
            sifted.kept.append(one)
    return sifted


def _find_near(examples: Sequence[Example], settings: Settings) -> Neighbours:
    labels = [(one.tenant, one.task, answer_key(one)) for one in examples]
    return find_neighbours([make_subject(one) for one in examples], settings.dedupe, settings.seed, labels)


def _find_meant(examples: Sequence[Example], encode: Encode, threshold: float) -> list[Pair]:
    """Pairs of one meaning in one task: across groups, where they could straddle, or with one answer."""
    homes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for n, one in enumerate(examples):
        homes[one.tenant, one.task].append(n)
    groups = _number(one.group for one in examples)
    answers = _number(answer_key(one) for one in examples)
    pairs = []
    for held in homes.values():
        places = np.array(held)

        def may_matter(a: np.ndarray, b: np.ndarray, places: np.ndarray = places) -> np.ndarray:
            one, other = places[a], places[b]
            mask: np.ndarray = (groups[one] != groups[other]) | (answers[one] == answers[other])
            return mask

        vectors = encode_texts(encode, [examples[n].prompt for n in held])
        found = find_same_meaning(vectors, threshold, wanted=may_matter)
        pairs += [Pair(held[pair.a], held[pair.b], pair.similarity) for pair in found]
    return sorted(pairs)


def _number(names: Iterable[str]) -> np.ndarray:
    """A number for each name, equal for equal ones."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names])


def _nearest(pairs: Sequence[Pair]) -> list[Pair]:
    return sorted(sorted(pairs, key=lambda pair: (-round(pair.similarity, 2), pair.a, pair.b))[:_MOST_LISTED])


def _link(examples: Sequence[Example], pairs: Iterable[Pair]) -> list[Link]:
    return [
        Link(examples[pair.a].group, examples[pair.b].group, (examples[pair.a].id, examples[pair.b].id))
        for pair in pairs
    ]


def _list_lookalikes(examples: Sequence[Example], pairs: Iterable[Pair], how: How, stay: set[str]) -> list[Lookalike]:
    both = [(examples[pair.a], examples[pair.b], pair.similarity) for pair in pairs]
    return [
        Lookalike(
            a=a.id, b=b.id, how=how, similarity=round(similarity, 2), same_answer=answers_alike(a, b),
            a_source=a.source, b_source=b.source,
        )
        for a, b, similarity in both
        if a.id in stay and b.id in stay
    ]  # fmt: skip


def _drop(gone: Gone[Example], how: How) -> Dropped:
    one = gone.record
    return Dropped(id=one.id, reason=REASONS[how], source=one.source, because_of=gone.kept.id)


def cluster_copies(gone: dict[How, list[Gone[Example]]], why: str) -> list[Cluster]:
    """Kept texts with their copies. What equals a copy is as near to the kept text as that copy is."""
    near = {one.record.id: one for one in gone["near"]}
    clusters: dict[str, tuple[Example, list[Copy]]] = {}
    for how, some in gone.items():
        for one in some:
            moved = near.get(one.kept.id) if how == "exact" else None
            kept, similarity = (moved.kept, moved.similarity) if moved else (one.kept, one.similarity)
            source = one.record.source
            copy = Copy(id=one.record.id, how="near" if moved else how, similarity=round(similarity, 2), source=source)
            clusters.setdefault(kept.id, (kept, []))[1].append(copy)
    return [
        Cluster(kept=kept.id, why=why, source=kept.source, copies=sorted(copies, key=lambda copy: copy.id))
        for kept, copies in clusters.values()
    ]
