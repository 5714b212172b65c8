"""Sections of the dataset's page on where it comes from, what masking left, and how it is known.

DatasetMaterial -> one frozen record a section, in words and numbers ready to print
"""

from __future__ import annotations

from dataclasses import dataclass

from nichetune.core.exact import bound_above
from nichetune.core.settings import MaskSettings
from nichetune.decide.reasons import percent
from nichetune.report.data import DataSection, build_data
from nichetune.report.dataset_material import Audit, DatasetMaterial, FileCount


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
    files: list[FileCount]


def build_sources(data: DatasetMaterial) -> Sources:
    """Sources as the settings name them, and the files that they led to."""
    rows = [
        SourceRow(one.origin, one.task if one.holds == "examples" else one.holds, one.licence, one.published)
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
    """Funnel, masked types, audit.

    Attributes:
        raw: what became of the unmasked texts.
        sums: how the funnel adds up.
    """

    counts: DataSection
    residual: Residual
    raw: str
    sums: str


def build_privacy(data: DatasetMaterial) -> Privacy:
    """Everything dropped and masked, and the residual risk."""
    return Privacy(build_data(data), describe_residual(data.audit), _describe_raw(data.settings.mask), _add_up(data))


def _describe_raw(rules: MaskSettings) -> str:
    if not rules.enabled:
        return "Nothing was masked: every stage holds the texts as they came."
    if rules.keep_raw:
        return "The unmasked texts were kept in private/, in the run's folder (mask.keep_raw)."
    return "The unmasked copy was deleted as soon as masking was whole; every later stage holds masked texts only."


def _add_up(data: DatasetMaterial) -> str:
    """From the records read to the parts, in one sentence; each number stands in the table too."""
    drops = {stage: sum(data.manifests[stage].get("dropped", {}).values()) for stage in ("ingest", "mask", "format")}
    unread, documents = drops["ingest"] + drops["mask"], sum(one.documents for one in data.files)
    cleaned = data.count("dedupe", "in") - data.count("dedupe", "out")
    parts = [data.count("split", part) for part in ("train", "dev", "holdout", "blind")]
    blind = f", {parts[3]:,} in a blind holdout that opens once" if parts[3] else ""
    unformed = f"{drops['format']:,}" if drops["format"] else "none"
    split_off = data.count("split", "in") - sum(parts)
    return (
        f"{data.count('ingest', 'in'):,} records were read: {unread:,} could not be used, {documents:,} are documents "
        f"to search in, {sum(one.examples for one in data.files):,} are examples. Of the examples {unformed} "
        f"could not be put in form, {cleaned:,} were duplicates, contradictions or no readable text, and {split_off:,} "
        f"were left out at the split. The {sum(parts):,} that stay: {parts[0]:,} to train on, {parts[1]:,} to choose "
        f"by, {parts[2]:,} sealed to test on{blind}."
    )


def describe_residual(audit: Audit | None) -> Residual:
    """The residual leak rate with an exact one-sided bound."""
    if audit is None or audit.sampled == 0:
        return Residual(
            "Not measured: nobody has judged a sample of the masked texts.",
            False,
        )
    if audit.stale:
        return Residual("Not measured: a sample was judged, but the texts were masked anew since.", False)
    above = percent(bound_above(audit.leaks, audit.sampled))
    return Residual(
        f"{audit.leaks} of {audit.sampled} judged texts still held personal data: below {above} with 95% confidence.",
        True,
    )


@dataclass(frozen=True)
class Digests:
    """What an auditor compares."""

    benchmark: str
    stages: list[tuple[str, str]]


def build_digests(data: DatasetMaterial) -> Digests:
    """Content digests, stage by stage."""
    return Digests(data.benchmark.digest, [(name, str(m.get("digest", ""))) for name, m in data.manifests.items()])
