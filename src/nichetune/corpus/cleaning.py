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

All of it is decided by numbers (traits.py) and speaks of examples by their places; they are read again where two texts
are compared, and when a finding is written down (verdicts.py).
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nichetune.core.records import Example
from nichetune.core.settings import Settings
from nichetune.corpus.contradictions import Aside, settle_contradictions
from nichetune.corpus.digests import digest
from nichetune.corpus.duplicates import Thinned, drop_alike, drop_equal, sort_by_preference
from nichetune.corpus.groups import Link, join_groups, refuse_giant_groups
from nichetune.corpus.minhash import Pair
from nichetune.corpus.neighbours import Marks, Neighbours, find_neighbours
from nichetune.corpus.quality import ONLY_TEMPLATE, find_template_texts
from nichetune.corpus.semantic import Encode, encode_texts, find_same_meaning
from nichetune.corpus.subjects import ExampleSubjects
from nichetune.corpus.templates import Sources
from nichetune.corpus.traits import Traits, read_traits
from nichetune.corpus.verdicts import Cleaned, Look

_MOST_LISTED = 1_000  # of one meaning: a person looks at the nearest ones; all are counted


def clean_examples(
    examples: Sequence[Example], settings: Settings, encode: Encode | None = None, folder: Path | None = None
) -> Cleaned:
    """Cleans a corpus; the order of what stays is that of what came.

    Args:
        examples: in memory or in a file; they are read by place.
        folder: where work is kept, so that a killed run goes on with it; by default nowhere.

    Raises:
        UserError: near-duplicates join too large a group, or a contradiction shall stop the run.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return clean_examples(examples, settings, encode, Path(temporary))
    rules = settings.dedupe
    traits = read_traits(examples, settings.quality, folder / "traits")
    fine, flawed = _drop_flawed(examples, traits, settings)
    consistent = settle_contradictions(fine, traits, examples, rules.contradictions)
    preferred = sort_by_preference(consistent.kept, traits, rules)
    exact = drop_equal(traits.inputs[preferred]).within(preferred)
    order = exact.kept
    found = _find_near(examples, order, traits, settings, folder)
    near = _drop_near(order, found.pairs, traits, rules.keep == "central")
    meaning = _compare_meaning(examples, near.kept, traits, settings, encode)
    last = (
        _drop_near(near.kept, meaning.pairs, traits, rules.keep == "central")
        if rules.semantic == "drop"
        else Thinned(near.kept)
    )
    links = _link(examples, order, found.pairs)
    links += _link(examples, near.kept, meaning.pairs) if rules.semantic in ("group", "drop") else []
    joined = join_groups({name for link in links for name in (link.a, link.b)}, links)
    kept = np.sort(last.kept)
    _refuse_giants(kept, traits, joined, links, rules.max_group_share)
    looks = [Look(int(order[p.a]), int(order[p.b]), "near", p.similarity) for p in found.pairs]
    looks += [Look(int(near.kept[p.a]), int(near.kept[p.b]), "semantic", p.similarity) for p in meaning.nearest]
    return Cleaned(
        examples=examples,
        traits=traits,
        places=kept,
        flawed=flawed,
        torn=consistent.gone,
        gone={"exact": exact.gone, "near": near.gone, "semantic": last.gone},
        looks=looks,
        joined=joined,
        keep=rules.keep,
        near_pairs=len(found.pairs),
        template_shingles=found.template_shingles,
        template_texts=found.template_texts,
        meant_texts=meaning.texts,
        meant_pairs=len(meaning.pairs),
    )


def _drop_flawed(examples: Sequence[Example], traits: Traits, settings: Settings) -> tuple[np.ndarray, list[Aside]]:
    """Places of what the quality filters let pass, and what they name."""
    names = traits.names["flaws"]
    flaws = {n: names[traits.flaws[n]] for n in np.flatnonzero(traits.flaws).tolist()}
    if settings.quality.boilerplate:
        subjects, rules = ExampleSubjects(examples), settings.dedupe
        for n in find_template_texts(subjects, rules.ngram_words, rules.boilerplate_share):
            flaws.setdefault(n, ONLY_TEMPLATE)
    fine = np.ones(len(traits), dtype=bool)
    fine[list(flaws)] = False
    return np.flatnonzero(fine), [Aside(n, flaw, n) for n, flaw in sorted(flaws.items())]


def _find_near(
    examples: Sequence[Example], order: np.ndarray, traits: Traits, settings: Settings, folder: Path
) -> Neighbours:
    sources = Sources(traits.files[order], traits.names["files"])
    groups = np.where(traits.groups == digest(""), np.uint64(0), traits.groups)
    marks = Marks(
        order, traits.texts[order], traits.answers[order], groups[order], traits.words[order], sources
    )  # fmt: skip
    return find_neighbours(ExampleSubjects(examples), settings.dedupe, settings.seed, marks, folder)


def _drop_near(order: np.ndarray, pairs: Sequence[Pair], traits: Traits, central: bool) -> Thinned:
    answers = traits.answers[order]
    return drop_alike(len(order), pairs, lambda a, b: bool(answers[a] == answers[b]), central).within(order)


@dataclass(frozen=True)
class _Meaning:
    """How many texts were compared by meaning, which pairs are the same in it, and the nearest of these."""

    texts: int
    pairs: list[Pair]

    @property
    def nearest(self) -> list[Pair]:
        """Those that are listed: a person looks at the nearest ones; all are counted."""
        ranked = sorted(self.pairs, key=lambda pair: (-round(pair.similarity, 2), pair.a, pair.b))
        return sorted(ranked[:_MOST_LISTED])


def _compare_meaning(
    examples: Sequence[Example], places: np.ndarray, traits: Traits, settings: Settings, encode: Encode | None
) -> _Meaning:
    """Pairs of one meaning in one task: across groups, where they could straddle, or with one answer."""
    rules = settings.dedupe
    if encode is None or rules.semantic == "off" or len(places) > rules.semantic_limit:
        return _Meaning(0, [])
    homes: dict[tuple[str, str], list[int]] = defaultdict(list)
    texts = []
    for n, place in enumerate(places.tolist()):
        one = examples[place]
        homes[one.tenant, one.task].append(n)
        texts.append(one.prompt)
    groups, answers = traits.groups[places], traits.answers[places]
    pairs = []
    for held in homes.values():
        own = np.array(held)

        def may_matter(a: np.ndarray, b: np.ndarray, own: np.ndarray = own) -> np.ndarray:
            one, other = own[a], own[b]
            mask: np.ndarray = (groups[one] != groups[other]) | (answers[one] == answers[other])
            return mask

        vectors = encode_texts(encode, [texts[n] for n in held])
        found = find_same_meaning(vectors, rules.semantic_threshold, wanted=may_matter)
        pairs += [Pair(held[pair.a], held[pair.b], pair.similarity) for pair in found]
    return _Meaning(len(places), sorted(pairs))


def _link(examples: Sequence[Example], places: np.ndarray, pairs: Sequence[Pair]) -> list[Link]:
    both = ((examples[int(places[pair.a])], examples[int(places[pair.b])]) for pair in pairs)
    return [Link(a.group, b.group, (a.id, b.id)) for a, b in both]


def _refuse_giants(
    kept: np.ndarray, traits: Traits, joined: dict[str, str], links: Sequence[Link], max_share: float
) -> None:
    tasks = traits.names["tasks"]
    counts = np.bincount(traits.tasks[kept], minlength=len(tasks)).tolist()
    roots = {digest(name): root for name, root in joined.items()}
    inside = kept[np.isin(traits.groups[kept], np.array(list(roots), dtype=np.uint64))]
    sizes = Counter(
        (tasks[task], roots[group])
        for task, group in zip(traits.tasks[inside].tolist(), traits.groups[inside].tolist(), strict=True)
    )
    refuse_giant_groups(dict(zip(tasks, counts, strict=True)), sizes, joined, links, max_share)
