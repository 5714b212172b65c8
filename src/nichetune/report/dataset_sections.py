"""The sections of the dataset's page: what came in, what went and why, what may still be there, what is shared.

DatasetMaterial -> one frozen record a section, in words and numbers ready to print
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scipy import stats

from nichetune.core.records import Dropped, Source
from nichetune.decide.power import POWER, smallest_gain, smallest_one_way_gain
from nichetune.decide.reasons import percent, points
from nichetune.report.data import DataSection, build_data
from nichetune.report.dataset_material import Audit, DatasetMaterial

SHOWN = 25  # rows of a list; all of them stand in the run's folder
_CONFIDENCE = 0.95
_DISCORDANT = 0.2  # share of items on which two rungs differ, before anything was evaluated: a usual one


@dataclass(frozen=True)
class SourceRow:
    """One entry of `sources`."""

    path: str
    holds: str
    licence: str
    published: bool


@dataclass(frozen=True)
class Sources:
    """What was read."""

    rows: list[SourceRow]
    unlicensed: int
    files: list[Any]


def build_sources(data: DatasetMaterial) -> Sources:
    """Sources as the settings name them, and the files that they led to."""
    rows = [
        SourceRow(one.path, one.task if one.holds == "examples" else "documents", one.licence, one.published)
        for one in data.settings.sources
    ]
    return Sources(rows, sum(not row.licence for row in rows), data.files)


@dataclass(frozen=True)
class Residual:
    """What masking may have left: of how many judged texts how many held something."""

    sentence: str
    measured: bool


@dataclass(frozen=True)
class Privacy:
    """Funnel, masked types, audit."""

    counts: DataSection
    residual: Residual
    values: int


def build_privacy(data: DatasetMaterial) -> Privacy:
    """Everything dropped and masked, and the residual risk."""
    return Privacy(build_data(data), describe_residual(data.audit), sum((data.entities or {}).values()))


def describe_residual(audit: Audit | None) -> Residual:
    """The residual leak rate with an exact one-sided bound (Clopper and Pearson 1934, Biometrika 26)."""
    if audit is None or audit.sampled == 0:
        return Residual(
            "Not measured: nobody has judged a sample of the masked texts. `nichetune mask --audit 200` draws one.",
            False,
        )
    test = stats.binomtest(audit.leaks, audit.sampled, alternative="less")
    high = float(test.proportion_ci(_CONFIDENCE, method="exact").high)
    return Residual(
        f"{audit.leaks} of {audit.sampled} judged texts still held personal data: below {percent(high)} with "
        f"{_CONFIDENCE:.0%} confidence.",
        True,
    )


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
    kinds = Counter(copy.how for one in data.clusters for copy in one.copies)
    went = ", ".join(f"{kinds[how]} {how}" for how in ("exact", "near", "semantic") if kinds[how]) or "no"
    sentence = (
        f"{went} copies were dropped. Near means that at least {rules.threshold:.0%} of the runs of "
        f"{rules.ngram_words} words of two texts are shared, the template of their source aside, measured for every "
        f"pair. {data.count('dedupe', 'joined_groups')} groups were joined with others, so that near-duplicates never "
        f"stand on both sides of the split."
    )
    largest = sorted(data.clusters, key=lambda one: (-len(one.copies), one.kept))[:SHOWN]
    return Duplicates(
        sentence,
        _describe_meaning(data),
        [
            ClusterRow(
                one.kept, write_place(one.source), one.why, _shorten(copy.id for copy in one.copies),
                f"{min(copy.similarity for copy in one.copies):.2f}",
            )
            for one in largest
        ],
        len(data.clusters),
        [
            LookRow(one.a, one.b, one.how, f"{one.similarity:.2f}", "the same" if one.same_answer else "another")
            for one in data.lookalikes[:SHOWN]
        ],
        len(data.lookalikes),
    )  # fmt: skip


def _describe_meaning(data: DatasetMaterial) -> str:
    told = data.fact("dedupe", "semantic") or {}
    if not told.get("compared"):
        return "Texts were not compared by meaning."
    done = {
        "list": "listed for a look",
        "group": "joined into one group",
        "drop": "dropped where the answer is the same",
    }
    return (
        f"{told['compared']:,} texts were compared by meaning: {told['pairs']:,} pairs of another group or the same "
        f"answer reach a cosine of {data.settings.dedupe.semantic_threshold:g}; they were {done[told['mode']]}."
    )


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

    rule: str
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
    rows = [_describe_drop(one) for one in data.contradictions[:SHOWN]]
    return Contradictions(data.settings.dedupe.contradictions, rows, len(data.contradictions), noise)


def _describe_drop(one: Dropped) -> PairRow:
    return PairRow(one.id, write_place(one.source), one.because_of, one.reason)


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
    removed = [one for one in data.overlaps if one.action == "removed"]
    listed = [one for one in data.overlaps if one.action == "listed" and one.kind == "example"]
    documents = [one for one in data.overlaps if one.kind == "document"]
    left = data.left_over
    sentence = (
        f"{len(removed)} examples overlapped the sealed benchmark and were removed; checked again, "
        + ("none is left." if left == 0 else f"{left} are left: training refuses to start.")
    )  # fmt: skip
    rule = (
        f"A text overlaps if it is the same, shares a run of {rules.overlap_words} words with a sealed question, or "
        f"holds a shorter one whole. Runs found in {rules.boilerplate_groups} groups or more are boilerplate. A "
        f"grounded item's evidence passage is exempt, and so is how a question names it."
    )
    tables = [[_describe_hit(one) for one in some[:SHOWN]] for some in (removed, listed, documents)]
    return Contamination(
        left == 0, sentence, rule, tables[0], len(removed), tables[1], len(listed), tables[2], len(documents)
    )


def _describe_hit(one: Any) -> HitRow:
    measure = f"cosine {one.similarity:.2f}" if one.how == "meaning" else f"{one.words} words"
    return HitRow(
        one.text, write_place(one.source), one.item, write_place(one.item_source), f"{one.holds}: {one.how}, {measure}"
    )


@dataclass(frozen=True)
class PartRow:
    """One part of one task."""

    task: str
    part: str
    examples: int
    groups: int
    words: str
    time: str


@dataclass(frozen=True)
class AnswerRow:
    """How often an allowed answer is right, in each part."""

    field: str
    value: str
    counts: list[str]


@dataclass(frozen=True)
class PowerRow:
    """What a number of sealed items can show."""

    name: str
    items: int
    groups: int
    loose: str
    tight: str


@dataclass(frozen=True)
class Splits:
    """Parts, their balance, and what the benchmark can conclude."""

    how: str
    rows: list[PartRow]
    answers: list[AnswerRow]
    months: list[AnswerRow]
    power: list[PowerRow]
    assumption: str


PARTS = ("train", "dev", "holdout")
_HOW = {
    "group": "Whole groups were sealed by a salted draw.",
    "time": "The groups with the newest examples were sealed; training ends before {cut}.",
    "both": "Groups were drawn by the salt and cut at {cut}: tested on their future, trained on the others' past.",
}


def build_splits(data: DatasetMaterial) -> Splits:
    """Counts, lengths, answers and months by part."""
    tasks = list(data.settings.tasks)
    held = [(task, part, data.profile.get(part, {}).get(task)) for task in tasks for part in PARTS]
    rows = [
        PartRow(task, part, told["examples"], told["groups"], _write_words(told["words"]), _write_time(told))
        for task, part, told in held
        if told
    ]
    how = _HOW[data.settings.split.by].format(cut=data.fact("split", "cut") or "the cut")
    assumption = (
        f"Gain found with a chance of {POWER:.0%} at alpha {data.settings.benchmark.alpha:g}, if two rungs differ on "
        f"one item in five. The first figure holds if items of one group are as different as any others, the second "
        f"if they are all alike; the truth lies between."
    )
    return Splits(how, rows, _list_answers(data, tasks), _list_months(data), _list_power(data), assumption)


def _write_words(words: dict[str, int]) -> str:
    return f"{words['median']} ({words['shortest']} to {words['longest']})"


def _write_time(told: dict[str, Any]) -> str:
    if not told["from"]:
        return "no dates"
    undated = f", {told['undated']} without" if told["undated"] else ""
    return f"{told['from']} to {told['to']}{undated}"


def _list_answers(data: DatasetMaterial, tasks: Iterable[str]) -> list[AnswerRow]:
    rows = []
    for task in tasks:
        told = {part: data.profile.get(part, {}).get(task, {}) for part in PARTS}
        fields: dict[str, dict[str, None]] = {}
        for part in PARTS:
            for field, counts in told[part].get("answers", {}).items():
                fields.setdefault(field, {}).update(dict.fromkeys(counts))
        for field, values in fields.items():
            for value in values:
                counts = [told[part].get("answers", {}).get(field, {}).get(value, 0) for part in PARTS]
                rows.append(AnswerRow(f"{task}: {field}", value or "(empty)", [f"{n:,}" for n in counts]))
        if any(told[part].get("abstain") for part in PARTS):
            rows.append(AnswerRow(task, "(abstain)", [f"{told[part].get('abstain', 0):,}" for part in PARTS]))
    return rows


def _list_months(data: DatasetMaterial) -> list[AnswerRow]:
    months: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
    for part in PARTS:
        for told in data.profile.get(part, {}).values():
            months[part].update(told["months"])
    every = sorted({month for counts in months.values() for month in counts})
    return [AnswerRow("", month, [f"{months[part][month]:,}" for part in PARTS]) for month in every]


def _list_power(data: DatasetMaterial) -> list[PowerRow]:
    items = data.benchmark.items
    kinds = [("all", items), *((task, [i for i in items if i.task == task]) for task in data.settings.tasks)]
    return [_describe_power(name, some, data.benchmark.alpha) for name, some in kinds if some]


def _describe_power(name: str, items: list[Any], alpha: float) -> PowerRow:
    groups = len({item.group for item in items})
    effect = len(items) / groups
    return PowerRow(
        name, len(items), groups, write_gain_at(len(items), alpha), write_gain_at(len(items), alpha, effect)
    )


def write_gain_at(n: int, alpha: float, design_effect: float = 1.0) -> str:
    """The smallest detectable gain, in points; where even all differences one way are too few, the one-way gain."""
    gain = smallest_gain(n, _DISCORDANT, alpha, POWER, design_effect)
    gain = gain if gain is not None else smallest_one_way_gain(n, alpha, POWER, design_effect)
    return "none" if gain is None else points(gain)


@dataclass(frozen=True)
class Digests:
    """What an auditor compares."""

    benchmark: str
    stages: list[tuple[str, str]]


def build_digests(data: DatasetMaterial) -> Digests:
    """Content digests, stage by stage."""
    return Digests(data.benchmark.digest, [(name, str(m.get("digest", ""))) for name, m in data.manifests.items()])


def write_place(source: Source) -> str:
    """Where a record stands."""
    return source.file if source.line is None else f"{source.file}:{source.line}"


def _shorten(names: Iterable[str], most: int = 6) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
