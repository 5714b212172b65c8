"""The dataset in short, for who has only this page: sources with licences, parts, and sealed items by task.

Material -> `Card`; the whole of it stands in dataset.html, and for machines in dataset.croissant.json
"""

from __future__ import annotations

from dataclasses import dataclass

from nichetune.report.material import Material
from nichetune.report.slices import asks_to_abstain
from nichetune.report.words import NO_VALUE


@dataclass(frozen=True)
class CardSource:
    """One entry of `sources`."""

    path: str
    holds: str
    licence: str


@dataclass(frozen=True)
class SealedTask:
    """One task's sealed items."""

    task: str
    kind: str
    items: int
    groups: int
    abstentions: int
    span: str


@dataclass(frozen=True)
class Card:
    """Sources, parts, sealed items, and the digests that name them."""

    sources: list[CardSource]
    parts: list[tuple[str, str]]
    sealed: list[SealedTask]
    digests: list[tuple[str, str]]
    has_page: bool


_PARTS = {"train": "to train on", "dev": "to choose by", "holdout": "sealed, to test on"}
_NAMED = ("mask", "dedupe", "split", "benchmark")


def build_card(run: Material) -> Card:
    """Counts and names only, never a text."""
    counts = run.manifests.get("split", {}).get("counts", {})
    digests = [
        (name, str(run.manifests[name]["digest"])) for name in _NAMED if run.manifests.get(name, {}).get("digest")
    ]
    return Card(
        sources=[
            CardSource(one.origin, one.task if one.holds == "examples" else one.holds, one.licence or "none given")
            for one in run.settings.sources
        ],
        parts=[(f"{name}, {use}", f"{counts[name]:,}") for name, use in _PARTS.items() if name in counts],
        sealed=[one for task in run.settings.tasks if (one := _describe_task(run, task)).items],
        digests=digests,
        has_page=run.has_dataset_page,
    )


def _describe_task(run: Material, task: str) -> SealedTask:
    items = [item for item in run.items if item.task == task]
    dates = sorted(item.valid_from for item in items if item.valid_from)
    settings = run.settings.tasks[task]
    due = sum(asks_to_abstain(item, settings) for item in items)
    span = f"{dates[0]} to {dates[-1]}" if dates else NO_VALUE
    return SealedTask(task, settings.kind, len(items), len({item.group for item in items}), due, span)
