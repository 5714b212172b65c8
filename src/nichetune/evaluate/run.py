"""Evaluates one rung on the sealed benchmark.

Reads benchmark/, split/ (shots), train/<method>/, index/ -> candidate.json, predictions.jsonl, scores.jsonl,
metrics.json, resources.json, shots.json. Refuses a benchmark whose digest changed. Every raw output is kept.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from nichetune.benchmark.seal import verify_benchmark
from nichetune.core.files import list_files, read_json, read_records, write_json, write_jsonl, write_record
from nichetune.core.progress import track
from nichetune.core.records import Candidate, Document, Example, ItemScore, Prediction
from nichetune.core.settings import PRIMARY_METRICS, Settings
from nichetune.core.stages import DERIVED, TIMING, Report
from nichetune.evaluate.candidates import describe_candidate, rung_is_shown_shots
from nichetune.evaluate.metrics import summarise
from nichetune.evaluate.resources import Resources, count_remote, count_resources, forward_flops, training_flops
from nichetune.evaluate.runner import CandidateRunner
from nichetune.evaluate.scoring import score_item
from nichetune.evaluate.shots import choose_shots, count_trials
from nichetune.generate.cache import PredictionCache


def run(settings: Settings, inputs: dict[str, Path], out: Path, rung: str) -> Report:
    """Predicts, scores and counts; what was generated before a kill is taken from the cache.

    Args:
        inputs: benchmark, split, mask, cache (a file); train and index where the rung has them.

    Raises:
        CheckFailed: the benchmark was changed after it was sealed.
    """
    benchmark = verify_benchmark(inputs["benchmark"])
    train, index = inputs.get("train"), inputs.get("index")
    candidate = describe_candidate(settings, rung, train, index)
    adapter = train / Path(candidate.adapter).name if train else None
    cache = PredictionCache(inputs["cache"])
    runner = CandidateRunner(candidate, adapter, index, settings.base.device, settings.generate.batch_size, cache)
    try:
        if rung_is_shown_shots(rung):
            runner.candidate = _with_shots(settings, runner, inputs["split"], out)
        clock = time.monotonic()
        with track(f"answering {rung}", len(benchmark.items)) as tick:
            predictions = runner.answer(benchmark.items, tick)
        seconds = time.monotonic() - clock
    finally:
        cache.close()
    scores = score_predictions(settings, benchmark.items, predictions, inputs["mask"])
    if candidate.remote:
        resources = count_remote(predictions, candidate.remote)
    else:
        resources = _count(settings, predictions, train, index if candidate.retrieval else None, rung)
    _write(out, settings, runner.candidate, benchmark.items, predictions, scores, resources)
    facts = {"rung": rung, "benchmark_digest": benchmark.digest}
    counts = {"in": len(benchmark.items), "out": len(predictions)}
    return Report(counts=counts, facts=facts, measured={"answer_seconds": round(seconds, 3)})


def _with_shots(settings: Settings, runner: CandidateRunner, split: Path, out: Path) -> Candidate:
    train, dev = (read_records(split / f"{part}.jsonl", Example) for part in ("train", "dev"))
    chosen: dict[str, Any] = {}
    trials = sum(count_trials(settings, task, dev) for task in settings.tasks)
    with track(f"choosing shots for {runner.candidate.rung}", trials) as tick:
        for task in settings.tasks:
            chosen[task] = choose_shots(settings, runner, task, train, dev, tick)
    write_json(out / "shots.json", {t: {"scores": c.scores, "chosen": c.chosen} for t, c in chosen.items()})
    return runner.candidate.model_copy(update={"shots": {t: c.shots for t, c in chosen.items() if c.shots}})


def score_predictions(
    settings: Settings, items: list[Example], predictions: list[Prediction], mask: Path
) -> list[ItemScore]:
    """Every metric of every prediction, quotes checked against the masked documents."""
    texts = {d.id: d.text for d in read_records(mask / "documents.jsonl", Document)}
    scored = []
    for item, prediction in zip(items, predictions, strict=True):
        task = settings.tasks[item.task]
        scores = score_item(task, item, prediction, texts or None)
        scores["success"] = scores.get(PRIMARY_METRICS[task.kind], 0.0)
        scored.append(ItemScore(item=item.id, group=item.group, task=item.task, scores=scores))
    return scored


def _count(
    settings: Settings, predictions: list[Prediction], train: Path | None, index: Path | None, rung: str
) -> Resources:
    facts = read_json(train / "manifest.json")["facts"] if train else {}
    index_bytes = _folder_bytes(index) + int(read_json(index / "index.json")["vector_bytes"]) if index else 0
    if rung == "classical":
        return Resources(
            items=len(predictions),
            serve_flops=float(facts.get("flops_per_answer", 0.0)) * len(predictions),
            train_flops=float(facts.get("train_flops", 0.0)),
            storage_bytes=_folder_bytes(train) if train else 0,
        )
    parameters = _base_parameters(settings)
    flops = _count_training(facts, parameters) if facts else 0.0
    stored = _base_bytes(settings) + index_bytes + (_folder_bytes(train) if train else 0)
    return count_resources(predictions, parameters, flops, stored)


def _count_training(facts: dict[str, Any], parameters: int) -> float:
    """Operations of a training, and of the one that it started from."""
    adapter = int(facts.get("trainable_parameters", 0)) if facts["method"] != "full" else 0
    tokens = int(facts.get("tokens_per_epoch", 0) * facts.get("epochs", 0))
    own = training_flops(facts["method"], parameters, adapter, tokens)
    own += forward_flops(parameters, int(facts.get("forward_tokens", 0)))
    return own + (_count_training(facts["starts_from"], parameters) if "starts_from" in facts else 0.0)


def _base_parameters(settings: Settings) -> int:
    """Parameters of the base, read from the headers of its weight files."""
    from safetensors import safe_open

    total = 0
    for file in sorted(_base_folder(settings).glob("*.safetensors")):
        with safe_open(file, "pt") as weights:
            for name in weights.keys():  # noqa: SIM118 - not a dict
                size = 1
                for length in weights.get_slice(name).get_shape():
                    size *= length
                total += size
    return total


def _base_bytes(settings: Settings) -> int:
    return sum(f.stat().st_size for f in _base_folder(settings).glob("*.safetensors"))


def _base_folder(settings: Settings) -> Path:
    from nichetune.models.packaged import resolve_model

    return resolve_model(settings.base.model, settings.base.revision)


def _folder_bytes(folder: Path) -> int:
    """Bytes of a stage's content: its clocks and what can be rebuilt stand outside, or two equal runs would differ."""
    return sum(f.stat().st_size for f in list_files(folder, frozenset({TIMING, DERIVED})))


def _write(
    out: Path, settings: Settings, candidate: Candidate, items: list[Example], predictions: list[Prediction],
    scores: list[ItemScore], resources: Resources,
) -> None:  # fmt: skip
    write_record(out / "candidate.json", candidate)
    write_jsonl(out / "predictions.jsonl", predictions)
    write_jsonl(out / "scores.jsonl", scores)
    metrics = summarise(items, scores, settings.tasks, settings.benchmark.alpha)
    write_json(out / "metrics.json", metrics)
    write_json(out / "resources.json", resources)
