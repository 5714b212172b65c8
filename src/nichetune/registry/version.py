"""What the registry says of a version and of a move, and what one version has over another.

VersionInfo(digest="9f2c…", rung="qlora+rag", aliases=("production",), folder=…/versions/9f2c…, evidence=…)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nichetune.core.files import read_json, read_records
from nichetune.core.records import Candidate, Estimate, ItemScore
from nichetune.registry.schema import MoveRow
from nichetune.registry.vault import EVALUATION


@dataclass(frozen=True)
class VersionInfo:
    """A version.

    Attributes:
        digest: SHA-256 over its files; also its folder's name.
        folder: holds `candidate.json` and, for a tuned rung, `adapter/`.
        evidence: folder of its newest benchmark run: `verdict.json` and `evaluate/`.
        benchmark_digest: of the benchmark in that run.
        index: folder of the index that it retrieves from, or None.
    """

    digest: str
    rung: str
    base_model: str
    note: str
    created: datetime
    aliases: tuple[str, ...]
    folder: Path
    evidence: Path | None
    benchmark_digest: str
    index: Path | None

    @property
    def candidate(self) -> Candidate:
        """The candidate; its `adapter` is relative to `folder`."""
        return Candidate.model_validate(read_json(self.folder / "candidate.json"))

    @property
    def adapter(self) -> Path | None:
        """Folder of the adapter, full weights or classical model."""
        return self.folder / self.candidate.adapter if self.candidate.adapter else None

    @property
    def evaluation(self) -> Path | None:
        """The evaluation in that run, a stage folder: what a new run is compared with."""
        return self.evidence / EVALUATION if self.evidence else None

    @property
    def metrics(self) -> dict[str, Estimate]:
        """`task.metric` to figure, of the newest benchmark run."""
        path = self.evaluation / "metrics.json" if self.evaluation else None
        return {k: Estimate.model_validate(v) for k, v in read_json(path).items()} if path and path.is_file() else {}

    @property
    def scores(self) -> list[ItemScore]:
        """Item by item, of the newest benchmark run."""
        path = self.evaluation / "scores.jsonl" if self.evaluation else None
        return read_records(path, ItemScore) if path and path.is_file() else []

    @property
    def verdict(self) -> dict[str, Any]:
        """The verdict that led here, or the newest one."""
        path = self.evidence / "verdict.json" if self.evidence else None
        return read_json(path) if path and path.is_file() else {}

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "digest": self.digest,
            "rung": self.rung,
            "base_model": self.base_model,
            "aliases": list(self.aliases),
            "created": self.created.isoformat(timespec="seconds"),
            "note": self.note,
            "benchmark_digest": self.benchmark_digest,
            "folder": str(self.folder),
        }


@dataclass(frozen=True)
class Move:
    """One move of an alias; `kind` is set, promote, force or rollback."""

    alias: str
    kind: str
    from_version: str | None
    to_version: str
    who: str
    why: str
    at: datetime

    @classmethod
    def of(cls, row: MoveRow) -> Move:
        """From the database's row."""
        return cls(row.alias, row.kind, row.from_version, row.to_version, row.who, row.why, row.at)

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**self.__dict__, "at": self.at.isoformat(timespec="seconds")}


def read_regressions(info: VersionInfo) -> list[str]:
    """The metrics that the version's verdict says fell against production; `regressions` may hold names or records."""
    fallen = info.verdict.get("regressions") or []
    return [str(one["metric"]) if isinstance(one, dict) else str(one) for one in fallen]


def read_blocks(info: VersionInfo) -> list[str]:
    """What the version's verdict says stands between it and production: critical failures."""
    return [str(one) for one in info.verdict.get("blocked") or []]


@dataclass(frozen=True)
class Difference:
    """What `b` has other than `a`.

    Attributes:
        candidate: dotted key of the candidate's record -> (in a, in b), only where they differ.
        metrics: `task.metric` -> (in a, in b); None where one has no such figure.
        same_benchmark: whether the figures come from the same sealed items; else they do not compare.
    """

    candidate: dict[str, tuple[Any, Any]]
    metrics: dict[str, tuple[Estimate | None, Estimate | None]]
    same_benchmark: bool


def diff_versions(a: VersionInfo, b: VersionInfo) -> Difference:
    """Compares two versions' candidates and figures."""
    left, right = _flatten(a.candidate.model_dump(mode="json")), _flatten(b.candidate.model_dump(mode="json"))
    figures = (a.metrics, b.metrics)
    return Difference(
        candidate={
            key: (left.get(key), right.get(key))
            for key in sorted(left.keys() | right.keys())
            if left.get(key) != right.get(key)
        },
        metrics={
            key: (figures[0].get(key), figures[1].get(key)) for key in sorted(figures[0].keys() | figures[1].keys())
        },
        same_benchmark=bool(a.benchmark_digest) and a.benchmark_digest == b.benchmark_digest,
    )


def _flatten(value: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {name: value}
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= _flatten(inner, f"{name}.{key}" if name else str(key))
    return flat
