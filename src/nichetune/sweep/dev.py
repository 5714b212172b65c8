"""How good a trial is on the development set: its loss while it trains, or a metric of its answers when it has.

Reads split/dev.jsonl [, mask/documents.jsonl, index/] -> `Estimate(value=0.412, low=0.36, high=0.47, n=97)`

Nothing here is handed the benchmark or the holdout.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from nichetune.core.errors import UserError
from nichetune.core.files import read_records
from nichetune.core.records import Estimate, Example
from nichetune.core.settings import Method, Settings
from nichetune.evaluate.candidates import describe_candidate
from nichetune.evaluate.intervals import DIGITS, effective_groups, jackknife_variance, number_groups, sum_groups
from nichetune.evaluate.metrics import ALL_TASKS, summarise
from nichetune.evaluate.run import score_predictions
from nichetune.evaluate.runner import CandidateRunner, forget_engine
from nichetune.generate.prompts import training_chats
from nichetune.models.loading import load_tokenizer
from nichetune.models.packaged import resolve_model
from nichetune.sweep.objective import LOSS
from nichetune.train.data import IGNORED, EncodedSet, encode_examples


def read_dev(settings: Settings, split: Path) -> list[Example]:
    """The development examples that judge the trials, the same in each.

    Raises:
        UserError: there is none, or none of the objective's task.
    """
    task = settings.sweep.objective.partition(".")[0]
    examples = sorted(read_records(split / "dev.jsonl", Example), key=lambda e: e.id)
    if not examples:
        raise UserError("sweep: the development set is empty: raise split.dev, and run the same command again")
    own = [e for e in examples if task in (LOSS, ALL_TASKS, e.task)]
    if not own:
        raise UserError(f"sweep.objective: no development example is of task {task!r}: raise split.dev")
    random.Random(settings.seed).shuffle(own)
    return own[: settings.sweep.dev_items or None]


@dataclass(frozen=True)
class DevLoss:
    """Summed loss and supervised tokens of each example."""

    sums: list[float]
    tokens: list[int]
    groups: list[str]

    @property
    def mean(self) -> float:
        """Nats a supervised token."""
        return sum(self.sums) / sum(self.tokens)

    def estimate(self, alpha: float) -> Estimate:
        """The mean with its interval over groups: a ratio estimator with jackknife variance and a t quantile."""
        index, count = number_groups(self.groups)
        low = high = None
        if count > 1:
            sums = sum_groups(np.asarray(self.sums, dtype=np.float64), index, count)
            sizes = sum_groups(np.asarray(self.tokens, dtype=np.float64), index, count)
            degrees = max(1.0, effective_groups(sizes) - 1)
            half = float(stats.t.ppf(1 - alpha / 2, degrees)) * jackknife_variance(sums, sizes) ** 0.5
            low, high = round(max(0.0, self.mean - half), DIGITS), round(self.mean + half, DIGITS)
        return Estimate(value=round(self.mean, DIGITS), low=low, high=high, n=len(self.sums))


class DevSet:
    """Development examples encoded as training encodes its own; what is too long for training is left out."""

    def __init__(self, settings: Settings, examples: Sequence[Example], index: Path | None) -> None:
        chats = training_chats(settings, list(examples), index if settings.train.retrieval else None)
        tokenizer = load_tokenizer(resolve_model(settings.base.model, settings.base.revision))
        encoded: EncodedSet = encode_examples(tokenizer, chats, settings.base.max_length, "drop")
        groups = {e.id: e.group for e in examples}
        self._rows = sorted(encoded.examples, key=lambda e: (len(e.ids), e.id))  # like lengths pad little
        self._groups = [groups[row.id] for row in self._rows]
        self._batch_size = settings.train.batch_size

    def measure_loss(self, model: Any) -> DevLoss:
        """The model's loss on every example; it goes on training as it was."""
        import torch

        was = model.training
        model.eval()
        sums: list[float] = []
        tokens: list[int] = []
        with torch.no_grad():
            for start in range(0, len(self._rows), self._batch_size):
                rows = self._rows[start : start + self._batch_size]
                own = [sum(label != IGNORED for label in row.labels[1:]) for row in rows]
                parts = self._losses(model, rows).split(own)
                sums += [float(part.sum()) for part in parts]
                tokens += own
        model.train(was)
        return DevLoss(sums, tokens, self._groups)

    @staticmethod
    def _losses(model: Any, rows: Sequence[Any]) -> Any:
        """Cross-entropy of each supervised token, row after row, [supervised]."""
        import torch

        from nichetune.train.batches import collate_padded, predicting_states

        plain = [{"input_ids": row.ids, "labels": row.labels} for row in rows]
        batch = {key: part.to(model.device) for key, part in collate_padded(plain).items()}
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        head = base.get_output_embeddings()
        states = predicting_states(base.get_decoder(), batch).to(head.weight.dtype)
        return torch.nn.functional.cross_entropy(head(states).float(), batch["shift_labels"], reduction="none")


def score_answers(
    settings: Settings, method: Method, trained: Path, items: list[Example], inputs: dict[str, Path]
) -> Estimate:
    """The objective's metric on answers of a trained candidate, with passages if the ladder has its `+rag` rung.

    Args:
        trained: the stage folder of its training.
        inputs: mask, and index where there is one.
    """
    retrieves = f"{method}+rag" in settings.rungs and "index" in inputs
    index = inputs["index"] if retrieves else None
    candidate = describe_candidate(settings, f"{method}+rag" if retrieves else method, trained, index)
    adapter = trained / Path(candidate.adapter).name
    runner = CandidateRunner(candidate, adapter, index, settings.base.device, settings.generate.batch_size)
    try:
        predictions = runner.answer(items)
    finally:
        forget_engine()  # the next trial needs the memory
    scores = score_predictions(settings, items, predictions, inputs["mask"])
    found = summarise(items, scores, settings.tasks, settings.benchmark.alpha)
    return found[settings.sweep.objective]
