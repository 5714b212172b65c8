"""Sections of the dataset's page on duplicates, contradictions, and what training shares with the benchmark.

DatasetMaterial -> one frozen record a section, in words and numbers ready to print; ids and places, never a text
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nichetune.core.records import Dropped
from nichetune.corpus.findings import Overlap
from nichetune.decide.reasons import percent
from nichetune.report.dataset_material import DatasetMaterial


@dataclass(frozen=True)
class ClusterRow:
    """One kept text and its copies."""

    kept: str
    place: str
    why: str
    copies: str
    least: str


@dataclass(frozen=True)
class LookRow:
    """Two kept texts that are nearly the same."""

    a: str
    b: str
    how: str
    similarity: str
    answer: str


@dataclass(frozen=True)
class Duplicates:
    """Copies that went, twins that stayed."""

    sentence: str
    meaning: str
    rows: list[ClusterRow]
    clusters: int
    looks: list[LookRow]
    looked: int


def build_duplicates(data: DatasetMaterial) -> Duplicates:
    """Clusters with the text that stays and why; twins for a look."""
    rules = data.settings.dedupe
    kinds = data.clusters.copies
    went = " and ".join(f"{kinds[how]:,} {how}" for how in ("exact", "near", "semantic") if kinds[how]) or "No"
    joined = data.count("dedupe", "joined_groups")
    sentence = (
        f"{went} copies were dropped. Near means that at least {rules.threshold:.0%} of the runs of "
        f"{rules.ngram_words} words of two texts are shared, the template of their source aside, measured for every "
        f"pair. Near-duplicates never stand on both sides of the split: "
        + (f"{joined:,} groups were joined with others for that." if joined else "none reached across two groups.")
    )
    return Duplicates(
        sentence,
        _describe_meaning(data),
        [
            ClusterRow(
                one.kept, one.source.place, one.why, _shorten(copy.id for copy in one.copies),
                f"{min(copy.similarity for copy in one.copies):.2f}",
            )
            for one in data.clusters.largest
        ],
        data.clusters.total,
        [
            LookRow(one.a, one.b, one.how, f"{one.similarity:.2f}", "the same" if one.same_answer else "another")
            for one in data.lookalikes.rows
        ],
        data.lookalikes.total,
    )  # fmt: skip


def _describe_meaning(data: DatasetMaterial) -> str:
    told = data.fact("dedupe", "semantic") or {}
    if not told.get("compared"):
        return "Texts were not compared by meaning (dedupe.semantic, dedupe.semantic_limit)."
    done = {
        "list": "listed for a look",
        "group": "joined into one group",
        "drop": "dropped where the answer is the same",
    }
    return (
        f"{told['compared']:,} texts were compared by meaning: {told['pairs']:,} pairs of another group or the same "
        f"answer reach a cosine of {data.settings.dedupe.semantic_threshold:g}; they were {done[told['mode']]}."
    )


_AFTER_CONTRADICTION = {
    "quarantine": "Inputs that came with different answers were put aside, all of them, and are neither trained nor "
    "tested on",
    "newest": "Of inputs that came with different answers the newest answer stays; put aside",
}


@dataclass(frozen=True)
class PairRow:
    """A record and the one that it contradicts."""

    one: str
    place: str
    other: str
    what: str


@dataclass(frozen=True)
class Contradictions:
    """Inputs with several answers."""

    sentence: str
    rows: list[PairRow]
    total: int
    noise: str


def build_contradictions(data: DatasetMaterial) -> Contradictions:
    """What contradicts what, and what that says of the labels."""
    found = data.noise
    if found.value is None or found.low is None or found.high is None:
        noise = "No input was labelled twice, so the share of wrong labels cannot be estimated from the corpus."
    else:
        noise = (
            f"Estimated share of wrong labels: {percent(found.value)} ({percent(found.low)} to {percent(found.high)}, "
            f"95% interval), from {found.n} inputs that were labelled more than once. Copies that were never labelled "
            f"anew make it too low; planted or known contradictions make it too high."
        )
    rows = [_describe_drop(one) for one in data.contradictions.rows]
    total = data.contradictions.total
    sentence = f"{_AFTER_CONTRADICTION[data.settings.dedupe.contradictions]}: {total:,} examples." if total else (
        "No input came with different answers.")  # fmt: skip
    return Contradictions(sentence, rows, total, noise)


def _describe_drop(one: Dropped) -> PairRow:
    return PairRow(one.id, one.source.place, one.because_of, one.reason)


_MEANING = {
    "off": "Meaning was not compared (split.semantic, dedupe.semantic_limit).",
    "list": "Examples that mean the same as a sealed item are listed.",
    "remove": "Examples that mean the same as a sealed item are removed.",
}


@dataclass(frozen=True)
class HitRow:
    """A text that shared something with a sealed item."""

    text: str
    place: str
    item: str
    item_place: str
    what: str


@dataclass(frozen=True)
class Contamination:
    """What training and documents share with the benchmark."""

    clean: bool
    sentence: str
    rule: str
    removed: list[HitRow]
    removed_total: int
    listed: list[HitRow]
    listed_total: int
    documents: list[HitRow]
    documents_total: int


def build_contamination(data: DatasetMaterial) -> Contamination:
    """Hits, and whether anything is left."""
    rules = data.settings.split
    found, left = data.overlaps, data.left_over
    meaning = _MEANING[rules.semantic if (data.fact("split", "semantic") or {}).get("compared") else "off"]
    sentence = (
        f"Examples that overlapped the sealed benchmark and were removed: {found.removed.total:,}. Counted again "
        "after that: " + ("none is left." if left == 0 else f"{left:,} left, with which training refuses to start.")
    )  # fmt: skip
    rule = (
        f"A text overlaps if it is the same, shares a run of {rules.overlap_words} words with a sealed question, or "
        f"holds a shorter one whole. Runs found in {rules.boilerplate_groups} groups or more are boilerplate. A "
        f"grounded item's evidence passage is exempt, and so is how a question names it. {meaning}"
    )
    tables = [[_describe_hit(one) for one in some.rows] for some in (found.removed, found.listed, found.documents)]
    return Contamination(
        left == 0, sentence, rule, tables[0], found.removed.total, tables[1], found.listed.total, tables[2],
        found.documents.total,
    )  # fmt: skip


def _describe_hit(one: Overlap) -> HitRow:
    measure = f"cosine {one.similarity:.2f}" if one.how == "meaning" else f"{one.words} words"
    return HitRow(one.text, one.source.place, one.item, one.item_source.place, f"{one.holds}: {one.how}, {measure}")


def _shorten(names: Iterable[str], most: int = 6) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
