"""Real registries on disk, fed with small candidates: a few bytes stand for weights, everything else is real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nichetune.core.files import write_json, write_jsonl
from nichetune.core.records import Candidate, Estimate, ItemScore
from nichetune.registry.registry import Registry
from nichetune.registry.version import VersionInfo

Register = Callable[..., VersionInfo]


def write_run(
    run: Path, rung: str = "qlora", weights: bytes = b"one", index_version: str = "", **verdict: object
) -> Path:
    """A run's folder up to the verdict, as the stages leave it."""
    adapter = run / "train" / "qlora" / "adapter"
    adapter.mkdir(parents=True, exist_ok=True)
    (adapter / "adapter_model.safetensors").write_bytes(weights)
    write_json(adapter / "timing.json", {"seconds": len(weights)})
    evaluate = run / "evaluate" / rung
    candidate = Candidate(
        rung=rung,
        base_model="smollm2-135m",
        adapter="train/qlora/adapter" if "qlora" in rung else "",
        retrieval=bool(index_version),
        index_version=index_version,
    )
    write_json(evaluate / "candidate.json", candidate)
    value = len(weights) / 10
    write_json(evaluate / "metrics.json", {"triage.side": Estimate(value=value, low=0.1, high=0.9, n=20)})
    score = ItemScore(item="1", group="a", task="triage", scores={"side": value})
    write_jsonl(evaluate / "scores.jsonl", [score])
    write_json(run / "decide" / "verdict.json", {"ship": rung, "benchmark_digest": "b1", "reasons": []} | verdict)
    return run


@pytest.fixture
def make_run() -> Callable[..., Path]:
    """Writes a run's folder: `make_run(folder, rung, weights, index_version, **verdict)`."""
    return write_run


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """An empty registry on SQLite."""
    return Registry.open(tmp_path / "registry")


@pytest.fixture
def register(registry: Registry, tmp_path: Path) -> Register:
    """Registers a candidate whose adapter holds `weights`."""

    def register_weights(weights: bytes, rung: str = "qlora", **verdict: object) -> VersionInfo:
        run = write_run(tmp_path / "run", rung, weights, **verdict)
        evaluate = run / "evaluate" / rung
        candidate = Candidate.model_validate_json((evaluate / "candidate.json").read_text())
        adapter = run / candidate.adapter if candidate.adapter else None
        return registry.register(candidate, adapter, evaluate, run / "decide" / "verdict.json", None)

    return register_weights
