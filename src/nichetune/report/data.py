"""What became of the data: which records were dropped at each stage and why, and what was masked, by type.

Material (manifests, mask/entities.json) -> `DataSection`; counts only, never a text
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from nichetune.core.settings import Settings

_IN_AND_OUT = ("in", "out")
_NO_FUNNEL = ("dataset", "evaluate", "decide")  # their counts are items answered, not records kept


@dataclass(frozen=True)
class Drop:
    """One reason, and how many records it dropped."""

    reason: str
    count: int


@dataclass(frozen=True)
class FunnelStage:
    """One stage: what came in, what was left, what else it counted. `kept_share` is of what came in, percent."""

    name: str
    came: int | None
    left: int | None
    drops: list[Drop]
    others: str

    @property
    def kept_share(self) -> float:
        """Width of the bar."""
        return round(100 * min(1.0, self.left / self.came), 2) if self.came and self.left is not None else 0.0


@dataclass(frozen=True)
class MaskedType:
    """How often a type of personal data or secret was replaced; `share` of the most frequent one, percent."""

    type: str
    count: int
    share: float


@dataclass(frozen=True)
class DataSection:
    """Funnel and masking; `has_page` if the dataset has a page of its own beside this one."""

    stages: list[FunnelStage]
    masked: list[MaskedType] | None
    unmasked_because: str | None
    has_page: bool


class Counted(Protocol):
    """A run, as far as its counts go."""

    @property
    def settings(self) -> Settings:
        """Its settings."""

    @property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """By stage, in the order of the flow."""

    @property
    def entities(self) -> dict[str, int] | None:
        """How many of each type were masked; None where masking left no count."""

    @property
    def has_dataset_page(self) -> bool:
        """Whether the dataset's own page stands beside."""


def build_data(run: Counted) -> DataSection:
    """Reads the counts of the stages before evaluation."""
    stages = [
        _describe_stage(name, manifest)
        for name, manifest in run.manifests.items()
        if name.partition("/")[0] not in _NO_FUNNEL
    ]
    because = None if run.settings.mask.enabled else run.settings.mask.because or "no reason given"
    return DataSection(stages, _list_masked(run.entities), because, run.has_dataset_page)


def _describe_stage(name: str, manifest: dict[str, Any]) -> FunnelStage:
    counts: dict[str, int] = manifest.get("counts", {})
    drops = [Drop(reason, n) for reason, n in _by_size(manifest.get("dropped", {})) if n]
    others = ", ".join(f"{key.replace('_', ' ')} {n:,}" for key, n in sorted(counts.items()) if key not in _IN_AND_OUT)
    return FunnelStage(name, counts.get("in"), _count_left(counts, drops), drops, others)


def _count_left(counts: dict[str, int], drops: list[Drop]) -> int | None:
    if "out" in counts:
        return counts["out"]
    if "in" not in counts:
        return None
    if "examples" in counts and "documents" in counts:
        return counts["examples"] + counts["documents"]
    return counts["in"] - sum(drop.count for drop in drops)


def _list_masked(entities: dict[str, int] | None) -> list[MaskedType] | None:
    if entities is None:
        return None
    most = max(entities.values(), default=1) or 1
    return [MaskedType(name, n, round(100 * n / most, 2)) for name, n in _by_size(entities)]


def _by_size(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
