"""Whether a tuned model gives out what it was trained on: exposure and extraction of planted secrets.

canaries (corpus/canaries.py) + a tuned candidate -> memorisation.json:

    {"canaries": 10, "given_out": ["canary-3"], "extraction_rate": {"value": 0.1, …}, "exposure": {"median": 1.2,
     "highest": 6.66, "ceiling": 6.66}}

A secret is given out if greedy decoding, asked what the record was asked in training, writes it. Exposure (Carlini et
al. 2019, "The Secret Sharer") is log2 of how many candidates there are, less log2 of the secret's rank among them by
the model's log-probability. Here the candidates are the secret and `canaries.references` others of its form, so that
it cannot exceed log2(references + 1); of a secret that was never seen it is 1.4 on average. No secret is written
down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from nichetune.core.files import iter_records, read_json
from nichetune.core.progress import track
from nichetune.core.records import Example
from nichetune.core.settings import Settings
from nichetune.core.tasks import render_answer
from nichetune.corpus.canaries import Canary, draw_references, expect_secret, is_canary, make_canaries
from nichetune.evaluate.intervals import estimate_rare
from nichetune.evaluate.runner import CandidateRunner

MEMORISATION = "memorisation.json"


def measure_memorisation(settings: Settings, runner: CandidateRunner, split: Path) -> dict[str, Any]:
    """Asks a tuned candidate for every secret of which a record, masked or not, was in training.

    Args:
        split: the stage's folder, whose training examples hold the records as they were trained on.
    """
    asked = {one.id: one for one in iter_records(split / "train.jsonl", Example) if is_canary(one)}
    planted = [(canary, found) for canary in make_canaries(settings) if (found := _first_asked(canary, asked))]
    items = [found for _, found in planted]
    with track(f"memorised by {runner.candidate.rung}", 2 * len(items), "canaries") as tick:
        answers = runner.answer(items, tick)
        hits = [c.secret.casefold() in said.text.casefold() for (c, _), said in zip(planted, answers, strict=True)]
        exposures = []
        for canary, item in planted:
            exposures.append(_measure_exposure(settings, runner, canary, item))
            tick(1)
    return {
        "canaries": len(planted),
        "records": len(asked),
        "given_out": [canary.id for (canary, _), hit in zip(planted, hits, strict=True) if hit],
        "extraction_rate": estimate_rare([float(hit) for hit in hits], range(len(hits))),
        "exposure": _sum_up(exposures, settings.canaries.references),
    }


def count_given_out(folder: Path) -> int:
    """How many planted secrets an evaluated rung gave out; 0 where none were planted."""
    found = folder / MEMORISATION
    return len(read_json(found)["given_out"]) if found.is_file() else 0


def rank_exposure(own: float, others: Sequence[float]) -> float:
    """Exposure in bits of what has log-probability `own` among `others`; a tie counts as half a place."""
    rank = 1 + sum(one > own for one in others) + sum(one == own for one in others) / 2
    return math.log2(len(others) + 1) - math.log2(rank)


def _first_asked(canary: Canary, asked: dict[str, Example]) -> Example | None:
    return next((asked[record.id] for record in canary.records if record.id in asked), None)


def _measure_exposure(settings: Settings, runner: CandidateRunner, canary: Canary, item: Example) -> float:
    task, tokenizer = settings.tasks[item.task], runner.engine.loaded.tokenizer
    secrets = [canary.secret, *draw_references(settings)]
    texts = [render_answer(task, expect_secret(task, secret)) for secret in secrets]
    continuations = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    own, *others = runner.engine.score(runner.prompt_ids(item), continuations)
    return rank_exposure(own, others)


def _sum_up(exposures: Sequence[float], references: int) -> dict[str, float | None]:
    ceiling = round(math.log2(references + 1), 3)
    if not exposures:
        return {"median": None, "highest": None, "ceiling": ceiling}
    return {"median": round(median(exposures), 3), "highest": round(max(exposures), 3), "ceiling": ceiling}
