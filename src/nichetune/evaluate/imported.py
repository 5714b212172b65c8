"""Scores answers that were made elsewhere, on the sealed benchmark and by its scorers.

Reads JSON Lines, one answer to each sealed item -> predictions.jsonl, scores.jsonl, metrics.json, candidate.json,
manifest.json in evaluate/<name>, as a rung has them, so that `nichetune compare` takes the folder:

    {"id": "intake-0007", "output": "{\\"finding\\": \\"Lattice corneal dystrophy\\", \\"side\\": \\"right\\"}"}

There are no resources: what such answers cost nobody here has counted, and so the verdict does not weigh them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nichetune.benchmark.seal import Benchmark, verify_benchmark
from nichetune.core.errors import UserError
from nichetune.core.files import iter_jsonl, write_json, write_jsonl, write_record
from nichetune.core.records import Candidate, Example, Prediction
from nichetune.core.settings import Settings
from nichetune.core.stages import Report
from nichetune.evaluate.metrics import summarise
from nichetune.evaluate.run import score_predictions
from nichetune.evaluate.runner import read_answer


def run(settings: Settings, inputs: dict[str, Path], out: Path, name: str) -> Report:
    """Scores the answers of a file.

    Args:
        inputs: benchmark, mask, answers (the file).

    Raises:
        UserError: a line is no answer, or an id is missing, doubled or none of the benchmark's.
        CheckFailed: the benchmark was changed after it was sealed.
    """
    benchmark = verify_benchmark(inputs["benchmark"])
    texts = read_answers(inputs["answers"], benchmark.items)
    predictions = [_make_prediction(benchmark, item, texts[item.id]) for item in benchmark.items]
    scores = score_predictions(settings, benchmark.items, predictions, inputs["mask"])
    write_record(out / "candidate.json", Candidate(rung=name, tasks=settings.tasks))
    write_jsonl(out / "predictions.jsonl", predictions)
    write_jsonl(out / "scores.jsonl", scores)
    write_json(out / "metrics.json", summarise(benchmark.items, scores, settings.tasks, settings.benchmark.alpha))
    counts = {"in": len(benchmark.items), "out": len(predictions)}
    return Report(counts=counts, facts={"rung": name, "benchmark_digest": benchmark.digest, "imported": True})


def read_answers(path: Path, items: Sequence[Example]) -> dict[str, str]:
    """Text by item id.

    Raises:
        UserError: as `run`.
    """
    known = {item.id for item in items}
    texts: dict[str, str] = {}
    for number, record in enumerate(iter_jsonl(path), start=1):
        where = f"{path}: record {number}"
        name, text = _read_record(record, where)
        if name in texts:
            raise UserError(f"{where}: id {name} stands twice: keep one answer an item")
        if name not in known:
            raise UserError(f"{where}: id {name} is no item of the sealed benchmark: `nichetune benchmark show` tells")
        texts[name] = text
    if missing := [item.id for item in items if item.id not in texts]:
        raise UserError(
            f"{path}: {len(missing)} of {len(items)} sealed items have no answer, the first is {missing[0]}: every "
            'item needs one; an answer that never came is ""'
        )
    return texts


def _read_record(record: Any, where: str) -> tuple[str, str]:
    name, text = (record.get("id"), record.get("output")) if isinstance(record, dict) else (None, None)
    if not isinstance(name, str) or not name or not isinstance(text, str):
        raise UserError(f'{where}: each line is an object such as {{"id": "q1", "output": "the answer\'s text"}}')
    return name, text


def _make_prediction(benchmark: Benchmark, item: Example, text: str) -> Prediction:
    """The text stays as it came; what it says is read as everyone's."""
    answer = read_answer(benchmark.tasks[item.task], text)
    return Prediction(item=item.id, text=text, answer=answer, stopped="none")
