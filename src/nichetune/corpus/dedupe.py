"""Dedupe: removes copies, keeps twins, puts contradictions aside, and joins the groups of near-duplicates.

format/ -> examples.jsonl (groups joined), dropped.jsonl, contradictions.jsonl

    {"id": "int-0713", "reason": "exact duplicate", "because_of": "int-0004", "source": {…}}

- *Exact*: the same text after folding case, space, punctuation and placeholder numbers, in one task and tenant. With
  the same answer the first is kept, the others are dropped. With different answers it is a contradiction: nobody can
  say which is right, so all of them are put aside and none is trained or tested on.
- *Near*: Jaccard similarity of word shingles from the threshold on (MinHash LSH, see minhash.py), numbers counting as
  alike. With the same answer the first is kept and the others are dropped. With different answers ("…, right eye"
  and "…, left eye") they are twins: the most valuable examples there are, kept, in one group.

Documents pass by: later stages read them from mask/.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nichetune.core.files import canonical_json, read_records, write_jsonl
from nichetune.core.records import Dropped, Example
from nichetune.core.settings import Settings
from nichetune.core.stages import Report
from nichetune.corpus.groups import Link, join_groups, refuse_giant_groups
from nichetune.corpus.minhash import Pair, detection_probability, find_near_pairs
from nichetune.corpus.normal import loosen_text, normalise_text

CONTRADICTION = "same input, different answers"


@dataclass(frozen=True)
class Sifted:
    """Examples that stay, and records of those that do not."""

    kept: list[Example]
    dropped: list[Dropped]


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Dedupes what format wrote.

    Raises:
        UserError: near-duplicates join too large a group.
    """
    examples = read_records(inputs["format"] / "examples.jsonl", Example)
    consistent = put_contradictions_aside(examples)
    exact = drop_exact_duplicates(consistent.kept)
    pairs = find_near_pairs([loosen_text(one.prompt) for one in exact.kept], settings.dedupe, settings.seed)
    joined, links = _join(exact.kept, pairs)
    near = drop_near_duplicates(exact.kept, pairs)
    refuse_giant_groups(near.kept, joined, links, settings.dedupe.max_group_share)
    kept = [one.model_copy(update={"group": joined[one.group]}) for one in near.kept]
    dropped = [*exact.dropped, *near.dropped]
    write_jsonl(out / "examples.jsonl", kept)
    write_jsonl(out / "dropped.jsonl", dropped)
    write_jsonl(out / "contradictions.jsonl", consistent.dropped)
    reasons = Counter(one.reason for one in (*dropped, *consistent.dropped))
    counts = {
        "in": len(examples),
        "out": len(kept),
        "contradictions": len(consistent.dropped),
        "groups": len({one.group for one in kept}),
        "joined_groups": len(joined) - len(set(joined.values())),
        "near_pairs": len(pairs),
    }
    probability = round(detection_probability(settings.dedupe.threshold, settings.dedupe), 6)
    return Report(counts, dict(sorted(reasons.items())), {"detection_probability": probability})


def put_contradictions_aside(examples: Sequence[Example]) -> Sifted:
    """Takes out every text that comes with different answers, all its copies included."""
    answers: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for one in examples:
        answers[_key(one)].setdefault(_answer(one), one.id)
    kept, dropped = [], []
    for one in examples:
        others = [name for answer, name in answers[_key(one)].items() if answer != _answer(one)]
        if others:
            dropped.append(_drop(one, CONTRADICTION, others[0]))
        else:
            kept.append(one)
    return Sifted(kept, dropped)


def drop_exact_duplicates(examples: Sequence[Example]) -> Sifted:
    """Keeps the first of those that have the same text; contradictions must be gone already."""
    first: dict[tuple[str, str, str], Example] = {}
    kept, dropped = [], []
    for one in examples:
        original = first.setdefault(_key(one), one)
        if original is one:
            kept.append(one)
        else:
            dropped.append(_drop(one, "exact duplicate", original.id))
    return Sifted(kept, dropped)


def drop_near_duplicates(examples: Sequence[Example], pairs: Sequence[Pair]) -> Sifted:
    """Keeps the first of those that are nearly the same and have the same answer; twins stay."""
    earlier: dict[int, list[int]] = defaultdict(list)
    for pair in pairs:
        earlier[pair.b].append(pair.a)
    kept, dropped = [], []
    gone: set[int] = set()
    for n, one in enumerate(examples):
        originals = (examples[a] for a in sorted(earlier[n]) if a not in gone)
        original = next((other for other in originals if _is_copy(one, other)), None)
        if original is None:
            kept.append(one)
        else:
            gone.add(n)
            dropped.append(_drop(one, "near duplicate", original.id))
    return Sifted(kept, dropped)


def _join(examples: Sequence[Example], pairs: Sequence[Pair]) -> tuple[dict[str, str], list[Link]]:
    links = [
        Link(examples[pair.a].group, examples[pair.b].group, (examples[pair.a].id, examples[pair.b].id))
        for pair in pairs
    ]
    return join_groups([one.group for one in examples], links), links


def _key(example: Example) -> tuple[str, str, str]:
    """What makes two inputs the same. Two tenants may answer one question differently."""
    return example.tenant, example.task, normalise_text(example.prompt)


def _answer(example: Example) -> str:
    """The answer as text; evidence is how it is known, and does not make it another answer."""
    expected = example.expected
    if expected.fields is not None:
        return canonical_json({name: normalise_text(value) for name, value in expected.fields.items()})
    if expected.abstain:
        return "abstain"
    return canonical_json([normalise_text(text) for text in (*(expected.steps or []), expected.answer or "")])


def _is_copy(one: Example, other: Example) -> bool:
    return (one.tenant, one.task, _answer(one)) == (other.tenant, other.task, _answer(other))


def _drop(example: Example, reason: str, because_of: str) -> Dropped:
    return Dropped(id=example.id, reason=reason, source=example.source, because_of=because_of)
