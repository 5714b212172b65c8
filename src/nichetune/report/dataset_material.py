"""All that the dataset's page tells, read once from the stage folders; everything after this is pure.

Reads the manifests up to benchmark/, mask/ (places, entities.json), dedupe/ and split/ (findings, profile.json), the
sealed benchmark and, if there was one, the audit of masking -> `DatasetMaterial`

It holds ids, places and counts, never a text; records are read one after another, and none is kept but what is shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.benchmark.contamination import check_training
from nichetune.benchmark.seal import Benchmark, load_benchmark
from nichetune.core.errors import UserError
from nichetune.core.files import iter_jsonl, iter_records, read_json
from nichetune.core.records import Dropped, Estimate, Example
from nichetune.core.settings import Settings
from nichetune.core.stages import MANIFEST
from nichetune.corpus.findings import Cluster, Lookalike, Overlap
from nichetune.report.dataset_lists import Clusters, Excerpt, Overlaps, sort_overlaps, sum_clusters, take_first

STAGES = ("ingest", "mask", "format", "dedupe", "split", "benchmark")


@dataclass(frozen=True)
class Audit:
    """What a person found in a sample of masked texts: of how many in how many there still was personal data.

    Attributes:
        stale: the texts were masked anew since.
    """

    sampled: int
    leaks: int
    stale: bool = False


@dataclass(frozen=True)
class FileCount:
    """Records of one file that came through ingest."""

    file: str
    examples: int
    documents: int


@dataclass(frozen=True)
class DatasetMaterial:
    """A dataset from its sources to its sealed benchmark.

    Attributes:
        left_over: training and development examples that still overlap the benchmark, counted afresh.
        noise: estimated share of wrong labels.
    """

    settings: Settings
    manifests: dict[str, dict[str, Any]]
    entities: dict[str, int] | None
    files: list[FileCount]
    clusters: Clusters
    lookalikes: Excerpt[Lookalike]
    contradictions: Excerpt[Dropped]
    overlaps: Overlaps
    profile: dict[str, dict[str, Any]]
    benchmark: Benchmark
    left_over: int
    noise: Estimate
    audit: Audit | None
    has_dataset_page: bool = False  # this is the page

    def count(self, stage: str, name: str) -> int:
        """A count of a stage's manifest; 0 where it has none."""
        return int(self.manifests.get(stage, {}).get("counts", {}).get(name, 0))

    def fact(self, stage: str, name: str) -> Any:
        """A fact of a stage's manifest; None where it has none."""
        return self.manifests.get(stage, {}).get("facts", {}).get(name)


def read_dataset(settings: Settings, inputs: dict[str, Path]) -> DatasetMaterial:
    """Reads the stages up to the seal.

    Args:
        inputs: every stage of `STAGES`, and `audit` (a JSON file) if there was one.

    Raises:
        UserError: a file of those is missing or broken.
    """
    manifests = {name: read_json(inputs[name] / MANIFEST) for name in STAGES}
    benchmark = load_benchmark(inputs["benchmark"])
    trained = (one for part in ("train", "dev") for one in iter_records(inputs["split"] / f"{part}.jsonl", Example))
    noise = manifests["dedupe"].get("facts", {}).get("label_noise")
    entities = inputs["mask"] / "entities.json"
    return DatasetMaterial(
        settings=settings,
        manifests=manifests,
        entities=read_json(entities) if entities.is_file() else None,
        files=_count_files(inputs["mask"]),
        clusters=sum_clusters(iter_records(inputs["dedupe"] / "clusters.jsonl", Cluster)),
        lookalikes=take_first(iter_records(inputs["dedupe"] / "lookalikes.jsonl", Lookalike)),
        contradictions=take_first(iter_records(inputs["dedupe"] / "contradictions.jsonl", Dropped)),
        overlaps=sort_overlaps(iter_records(inputs["split"] / "contamination.jsonl", Overlap)),
        profile=read_json(inputs["split"] / "profile.json"),
        benchmark=benchmark,
        left_over=len(check_training(trained, benchmark)),
        noise=Estimate.model_validate(noise) if noise else Estimate(value=None, low=None, high=None, n=0),
        audit=_read_audit(inputs.get("audit"), manifests["mask"]["digest"]),
    )


def _count_files(mask: Path) -> list[FileCount]:
    """Records by file; their texts pass by unread."""
    counts = {
        kind: Counter(str(record["source"]["file"]) for record in iter_jsonl(mask / f"{kind}.jsonl"))
        for kind in ("examples", "documents")
    }
    files = sorted({*counts["examples"], *counts["documents"]})
    return [FileCount(file, counts["examples"][file], counts["documents"][file]) for file in files]


def _read_audit(file: Path | None, masked: str) -> Audit | None:
    if file is None or not file.is_file():
        return None
    told = read_json(file)
    sampled, leaks = (told.get(name) if isinstance(told, dict) else None for name in ("sampled", "leaks"))
    if not isinstance(sampled, int) or not isinstance(leaks, int) or not 0 <= leaks <= sampled:
        raise UserError(
            f'{file}: not an audit: it holds {{"sampled": 200, "leaks": 0}}, texts judged and texts at fault'
        )
    return Audit(sampled, leaks, stale=told.get("masked", masked) != masked)
