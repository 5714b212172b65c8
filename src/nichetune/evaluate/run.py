"""Evaluates one rung on the sealed benchmark.

Reads benchmark/, split/ (shots), train/<method>/, index/ -> candidate.json, predictions.jsonl, scores.jsonl,
metrics.json, confidence.json, resources.json, shots.json. Refuses a benchmark whose digest changed. Every raw output
is kept.
"""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any

from nichetune.benchmark.seal import SUITES, Benchmark, verify_benchmark
from nichetune.core.files import (
    iter_records,
    list_files,
    read_json,
    read_records,
    write_json,
    write_jsonl,
    write_record,
)
from nichetune.core.progress import track
from nichetune.core.records import Candidate, Document, Estimate, Example, ItemScore, Prediction
from nichetune.core.settings import PRIMARY_METRICS, Settings
from nichetune.core.stages import DERIVED, TIMING, Report
from nichetune.evaluate.candidates import describe_candidate, rung_is_shown_shots
from nichetune.evaluate.judge import JUDGE_RESULT, Ask, add_judgements, describe_judgement, run_judge
from nichetune.evaluate.judge_models import open_judge
from nichetune.evaluate.memorisation import MEMORISATION, measure_memorisation
from nichetune.evaluate.metrics import summarise
from nichetune.evaluate.resources import Resources, count_remote, count_resources, forward_flops, training_flops
from nichetune.evaluate.robustness import measure_robustness
from nichetune.evaluate.runner import CandidateRunner
from nichetune.evaluate.scoring import score_item
from nichetune.evaluate.set_metrics import Calibration
from nichetune.evaluate.shots import choose_shots, count_trials
from nichetune.evaluate.speed import time_alone, time_batched
from nichetune.evaluate.suites import suite_items, suite_runner, write_suite
from nichetune.evaluate.support import Encode
from nichetune.evaluate.terms import Vocabulary, learn_vocabulary
from nichetune.evaluate.trust import answers_by_task, calibrate, draw_confidence, summarise_sets
from nichetune.generate.cache import PredictionCache


def run(settings: Settings, inputs: dict[str, Path], out: Path, rung: str, seed: int = 1) -> Report:
    """Predicts, scores and counts; what was generated before a kill is taken from the cache.

    Args:
        inputs: benchmark, split, mask, cache (a file); train and index where the rung has them, labels for a judge.
        seed: which of the rung's trainings stands in `train`, from 1.

    Raises:
        CheckFailed: the benchmark was changed after it was sealed.
        SystemFailure: the judge, or the host of a hosted rung, does not answer.
        UserError: one of them refuses the key or the model, or its key is not set.
    """
    benchmark = verify_benchmark(inputs["benchmark"])
    train, index = inputs.get("train"), inputs.get("index")
    candidate = describe_candidate(settings, rung, train, index, seed)
    adapter = train / Path(candidate.adapter).name if train else None
    cache = PredictionCache(inputs["cache"])
    runner = CandidateRunner(candidate, adapter, index, settings.base.device, settings.generate.batch_size, cache)
    try:
        ask_judge = open_judge(settings, cache) if settings.judge.url else None
        if rung_is_shown_shots(rung):
            runner.candidate = _with_shots(settings, runner, inputs["split"], out)
        with track(f"answering {rung}", len(benchmark.items)) as tick:
            predictions, batched = time_batched(runner, partial(runner.answer, benchmark.items, tick))
        alone = time_alone(runner, benchmark.items, settings.evaluate.latency_items) if seed == 1 else None
        suites = score_suites(settings, runner, benchmark, inputs["mask"], out)
        calibrations = _calibrate(settings, runner, inputs)
        facts = {"rung": rung, "benchmark_digest": benchmark.digest}
        facts |= ask_for_secrets(settings, runner, inputs["split"], out, seed)
        vocabulary = read_vocabulary(settings, inputs["mask"], inputs["split"])
        scores = score_predictions(settings, benchmark.items, predictions, inputs["mask"], vocabulary)
        if ask_judge:
            scores = judge_scores(settings, ask_judge, inputs["labels"], benchmark.items, predictions, scores, out)
        if settings.evaluate.robustness:
            again = partial(score_predictions, settings, mask=inputs["mask"])
            write_json(out / "robustness.json", measure_robustness(settings, runner, benchmark.items, scores, again))
    finally:
        cache.close()
    answers = answers_by_task(settings.tasks, benchmark.items, predictions, scores)
    if candidate.remote:
        resources = count_remote(predictions, candidate.remote)
    else:
        resources = count_used(settings, predictions, train, index if candidate.retrieval else None, rung)
    _write(out, runner.candidate, predictions, scores, resources)
    sets = summarise_sets(settings, answers, calibrations)
    write_json(out / "metrics.json", summarise_all(settings, benchmark.items, scores, sets))
    write_json(out / "confidence.json", draw_confidence(answers, calibrations))
    counts = {"in": len(benchmark.items), "out": len(predictions)} | suites
    return Report(counts=counts, facts=facts, measured={"speed": {"batched": batched, "alone": alone}})


def _with_shots(settings: Settings, runner: CandidateRunner, split: Path, out: Path) -> Candidate:
    train, dev = (read_records(split / f"{part}.jsonl", Example) for part in ("train", "dev"))
    chosen: dict[str, Any] = {}
    trials = sum(count_trials(settings, task, dev) for task in settings.tasks)
    with track(f"choosing shots for {runner.candidate.rung}", trials) as tick:
        for task in settings.tasks:
            chosen[task] = choose_shots(settings, runner, task, train, dev, tick)
    write_json(out / "shots.json", {t: {"scores": c.scores, "chosen": c.chosen} for t, c in chosen.items()})
    told = {t: settings.tasks[t].model_copy(update={"prompt": c.prompt}) for t, c in chosen.items()}
    shots = {t: c.shots for t, c in chosen.items() if c.shots}
    return runner.candidate.model_copy(update={"shots": shots, "tasks": runner.candidate.tasks | told})


def score_suites(
    settings: Settings, runner: CandidateRunner, benchmark: Benchmark, mask: Path, out: Path
) -> dict[str, int]:
    """Asks and scores the sealed suites, if this rung is asked any; the number of items of each, for the counts."""
    wanted = settings.evaluate.suite_rungs
    if wanted and runner.candidate.rung not in wanted:
        return {}
    counts = {}
    for name in benchmark.suites:
        suite = benchmark.suite(name)
        asked = suite_items(suite, runner)
        if asked:
            own = settings.model_copy(update={"tasks": settings.tasks | suite.tasks})
            with track(f"answering suite {name}", len(asked)) as tick:
                predictions = suite_runner(suite, runner).answer(asked, tick)
            scores = score_predictions(own, asked, predictions, mask)
            write_suite(suite, asked, predictions, scores, own, out / SUITES / name)
        counts[f"suite {name}"] = len(asked)
    return counts


def _calibrate(settings: Settings, runner: CandidateRunner, inputs: dict[str, Path]) -> dict[str, Calibration]:
    """What this rung's answers to development items teach about its confidence, by task; nothing if none are asked."""
    asked = settings.evaluate.calibration_items
    if not asked:
        return {}
    dev = sorted(read_records(inputs["split"] / "dev.jsonl", Example), key=lambda e: e.id)
    random.Random(settings.seed).shuffle(dev)
    items = [e for name in settings.tasks for e in [one for one in dev if one.task == name][:asked]]
    with track(f"calibrating {runner.candidate.rung}", len(items)) as tick:
        predictions = runner.answer(items, tick)
    scores = score_predictions(settings, items, predictions, inputs["mask"])
    answers = answers_by_task(settings.tasks, items, predictions, scores)
    return {name: calibrate(own, settings.evaluate.wrong_cost) for name, own in answers.items()}


def ask_for_secrets(
    settings: Settings, runner: CandidateRunner, split: Path, out: Path, seed: int = 1
) -> dict[str, Any]:
    """Of a tuned language model, where canaries were planted: memorisation.json, and how many secrets it gave out.

    Args:
        settings: with the seed of the training that is asked; secrets were drawn from the project's own, the first.
        seed: which training it is, from 1.
    """
    if not settings.canaries.count or runner.adapter is None or runner.candidate.rung == "classical":
        return {}
    own = settings.model_copy(update={"seed": settings.seed - seed + 1})
    found = measure_memorisation(own, runner, split)
    write_json(out / MEMORISATION, found)
    return {"secrets_given_out": len(found["given_out"])}


def judge_scores(
    settings: Settings, ask: Ask, labels: Path, items: list[Example], predictions: list[Prediction],
    scores: list[ItemScore], out: Path,
) -> list[ItemScore]:  # fmt: skip
    """The scores with the judge's, where it may decide; what it found stands in judge.json."""
    found = run_judge(settings, ask, labels, items, predictions)
    write_json(out / JUDGE_RESULT, describe_judgement(settings, found, items))
    return add_judgements(scores, found)


def read_vocabulary(settings: Settings, mask: Path, split: Path) -> Vocabulary:
    """The domain's terms and codes: of the masked documents and the training examples."""
    documents = iter_records(mask / "documents.jsonl", Document)
    return learn_vocabulary(settings.tasks, documents, iter_records(split / "train.jsonl", Example))


def summarise_all(
    settings: Settings, items: list[Example], scores: list[ItemScore], sets: dict[str, Estimate]
) -> dict[str, Estimate]:
    """The means of all items' scores, and beside them the figures of whole sets of answers."""
    return sets | summarise(items, scores, settings.tasks, settings.benchmark.alpha)


def score_predictions(
    settings: Settings, items: list[Example], predictions: list[Prediction], mask: Path,
    vocabulary: Vocabulary | None = None,
) -> list[ItemScore]:  # fmt: skip
    """Every metric of every prediction, quotes checked against the masked documents.

    Args:
        vocabulary: the domain's; None leaves the metrics of its terms out.
    """
    encode = _open_encoder(settings)
    texts = {d.id: d.text for d in read_records(mask / "documents.jsonl", Document)}
    scored = []
    for item, prediction in zip(items, predictions, strict=True):
        task = settings.tasks[item.task]
        scores = score_item(task, item, prediction, texts or None, vocabulary, encode)
        scores["success"] = scores.get(PRIMARY_METRICS[task.kind], 0.0)
        scored.append(ItemScore(item=item.id, group=item.group, task=item.task, scores=scores))
    return scored


def _open_encoder(settings: Settings) -> Encode | None:
    """The encoder by which a passage may support an answer in other words, if the settings ask for it."""
    if settings.evaluate.support != "encoder" or all(task.kind != "grounded" for task in settings.tasks.values()):
        return None
    from nichetune.models.encoder import load_encoder

    return load_encoder(settings.index.encoder).encode


def count_used(
    settings: Settings, predictions: list[Prediction], train: Path | None, index: Path | None, rung: str
) -> Resources:
    """What a rung of this machine used: counted over its answers, its training and its files."""
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
    base = 0 if facts.get("method") == "full" else _base_bytes(settings)  # which full weights take the place of
    stored = base + index_bytes + (_folder_bytes(train) if train else 0)
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
    out: Path, candidate: Candidate, predictions: list[Prediction], scores: list[ItemScore], resources: Resources
) -> None:
    write_record(out / "candidate.json", candidate)
    write_jsonl(out / "predictions.jsonl", predictions)
    write_jsonl(out / "scores.jsonl", scores)
    write_json(out / "resources.json", resources)
