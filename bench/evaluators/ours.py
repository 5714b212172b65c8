"""nichetune's side: the runner as an evaluation uses it, with its cache; prints one JSON object.

    python -m evaluators.ours FOLDER --batch 32

FOLDER holds candidate.json, items.jsonl (as exported) and nothing of the answers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from nichetune.core.files import iter_jsonl, read_json
from nichetune.core.records import Candidate, Example
from nichetune.evaluate.runner import CandidateRunner
from nichetune.evaluate.scoring import score_item
from nichetune.generate.cache import PredictionCache


def main() -> None:
    """Loads, then answers and scores by the clock."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--batch", type=int, required=True)
    options = parser.parse_args()
    print(json.dumps(answer_items(options.folder, options.batch)))


def answer_items(folder: Path, batch: int) -> dict[str, Any]:
    """Seconds from items to scores with the model in memory, and every answer."""
    candidate = Candidate.model_validate(read_json(folder / "candidate.json"))
    items = [Example.model_validate(line["item"]) for line in iter_jsonl(folder / "items.jsonl")]
    with tempfile.TemporaryDirectory() as place:
        cache = PredictionCache(Path(place) / "outputs.db")
        runner = CandidateRunner(candidate, None, None, "cpu", batch, cache)
        _ = runner.engine
        clock = time.monotonic()
        predictions = runner.answer(items)
        scores = [
            score_item(candidate.tasks[item.task], item, prediction)
            for item, prediction in zip(items, predictions, strict=True)
        ]
        seconds = time.monotonic() - clock
        cache.close()
    names = dict.fromkeys(name for one in scores for name in one)
    means = {name: _mean([one[name] for one in scores if name in one]) for name in names}
    return {
        "seconds": seconds, "answers": {p.item: p.text for p in predictions}, "scores": means,
        "new_tokens": sum(p.new_tokens for p in predictions),
    }  # fmt: skip


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
