"""One finished rung on the blind holdout: the very candidate that was evaluated, nothing chosen anew.

evaluate/<rung>/candidate.json + its adapter + items -> <rung>/{predictions.jsonl, scores.jsonl,
metrics.json}, and judge.json where a judge is asked
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nichetune.core.errors import CheckFailed
from nichetune.core.files import hash_folder, hash_value, read_json, write_json, write_jsonl
from nichetune.core.progress import track
from nichetune.core.records import Candidate, Example, ItemScore
from nichetune.core.settings import Settings
from nichetune.evaluate.judge_models import open_judge
from nichetune.evaluate.metrics import summarise
from nichetune.evaluate.run import judge_scores, read_vocabulary, score_predictions
from nichetune.evaluate.runner import CandidateRunner
from nichetune.generate.cache import PredictionCache


def answer_blind(
    settings: Settings, run_dir: Path, evaluated: Path, items: Sequence[Example], labels: Path, out: Path
) -> list[ItemScore]:  # fmt: skip
    """Answers and scores as an evaluation does; outputs stand in the run's cache, so that a killed opening goes on.

    Args:
        labels: what people marked, for a judge.

    Raises:
        CheckFailed: the adapter is not the one that was evaluated.
    """
    candidate = Candidate.model_validate(read_json(evaluated / "candidate.json"))
    adapter = run_dir / candidate.adapter if candidate.adapter else None
    if adapter and hash_value(hash_folder(adapter)) != candidate.adapter_digest:
        raise CheckFailed(f"{adapter} has changed since {candidate.rung} was evaluated: run the flow again first")
    index = run_dir / "index" if candidate.retrieval else None
    cache = PredictionCache(run_dir / "cache/outputs.db")
    runner = CandidateRunner(candidate, adapter, index, settings.base.device, settings.generate.batch_size, cache)
    try:
        with track(f"answering {candidate.rung}", len(items)) as tick:
            predictions = runner.answer(items, tick)
        vocabulary = read_vocabulary(settings, run_dir / "mask", run_dir / "split")
        scores = score_predictions(settings, list(items), predictions, run_dir / "mask", vocabulary)
        if settings.judge.url:
            ask = open_judge(settings, cache)
            scores = judge_scores(settings, ask, labels, list(items), predictions, scores, out)
    finally:
        cache.close()
    write_jsonl(out / "predictions.jsonl", predictions)
    write_jsonl(out / "scores.jsonl", scores)
    write_json(out / "metrics.json", summarise(items, scores, settings.tasks, settings.benchmark.alpha))
    return scores
