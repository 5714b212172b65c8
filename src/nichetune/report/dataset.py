"""Writes the page that a privacy officer signs, and the same for machines: dataset.html and dataset.croissant.json.

Reads ingest/, mask/, format/, dedupe/, split/, benchmark/ and the audit of masking, if there was one

Content only: no clock stands in it, so that the same content gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.core.files import write_json, write_text
from nichetune.core.settings import Settings
from nichetune.core.stages import Report
from nichetune.report.croissant import describe_dataset
from nichetune.report.dataset_findings import build_contamination, build_contradictions, build_duplicates
from nichetune.report.dataset_material import DatasetMaterial, read_dataset
from nichetune.report.dataset_sections import build_digests, build_privacy, build_sources, describe_residual
from nichetune.report.dataset_splits import build_splits
from nichetune.report.headline import KeyFigure
from nichetune.report.page import render_template

PAGE, CARD = "dataset.html", "dataset.croissant.json"


@dataclass(frozen=True)
class Part:
    """One section of the page; its template is named after its anchor."""

    anchor: str
    title: str
    build: Callable[[DatasetMaterial], Any]


PARTS = (
    Part("sources", "Where it comes from", build_sources),
    Part("privacy", "What was removed, and what may still be there", build_privacy),
    Part("duplicates", "Duplicates", build_duplicates),
    Part("contradictions", "Contradictions", build_contradictions),
    Part("contamination", "What training shares with the benchmark", build_contamination),
    Part("splits", "Splits, and what they can show", build_splits),
    Part("digests", "Digests", build_digests),
)


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Renders the page and the card.

    Raises:
        UserError: a stage's file is missing or broken.
    """
    data = read_dataset(settings, inputs)
    page = render_dataset(data)
    write_text(out / PAGE, page)
    write_json(out / CARD, describe_dataset(data))
    counts = {"train": data.count("split", "train"), "sealed": len(data.benchmark.items), "bytes": len(page.encode())}
    return Report(counts=counts, facts={"left_over": data.left_over})


def render_dataset(data: DatasetMaterial) -> str:
    """The whole page; the same material gives the same bytes."""
    return render_template(
        "dataset.html.j2",
        project=data.settings.project,
        masked=data.settings.mask.enabled,
        sentence=_write_sentence(data),
        clean=data.left_over == 0,
        figures=_list_figures(data),
        parts=[(part, part.build(data)) for part in PARTS],
    )


def _write_sentence(data: DatasetMaterial) -> str:
    train, sealed = data.count("split", "train"), len(data.benchmark.items)
    shared = "no overlap is left" if data.left_over == 0 else f"{data.left_over:,} overlap"
    return f"{train:,} examples to train on, {sealed:,} sealed to test on: {shared}."


def _list_figures(data: DatasetMaterial) -> list[KeyFigure]:
    read = data.count("ingest", "in")
    kept = sum(data.count("split", part) for part in ("train", "dev", "holdout", "blind"))
    residual = describe_residual(data.audit)
    risk = residual.sentence.partition(": ")[2].partition(" with")[0] if residual.measured else "not measured"
    return [
        KeyFigure("Records read", f"{read:,}", f"from {data.count('ingest', 'files'):,} files"),
        KeyFigure("Examples kept", f"{kept:,}", "to train on, to choose by, to test on"),
        KeyFigure("Values masked", f"{sum((data.entities or {}).values()):,}", "personal data and secrets"),
        KeyFigure("Residual risk", risk[:1].upper() + risk[1:], "share of texts that may still hold personal data"),
    ]
