"""The trainer of preference pairs: the SFT trainer with another loss, so that it wastes as little.

rows of {"rows": [{"input_ids": …, "labels": …}, …], "reference": [-4.1, -9.7]} -> an adapter moved off the SFT one

A pair's prompt is a node of the batch's token tree and computed once for both of its answers. The reference's
log-probabilities are measured once, before the first step, while the policy still is the reference: no second adapter
or base is ever held, and no step asks the reference again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from nichetune.core.settings import Preferring
from nichetune.train.batches import predicting_states
from nichetune.train.data import IGNORED, EncodedExample
from nichetune.train.preference_loss import dpo_loss, kto_loss, orpo_loss
from nichetune.train.trainer import SupervisedTrainer

Collate = Callable[[list[dict[str, list[int]]]], dict[str, torch.Tensor]]


@dataclass(frozen=True)
class AnswerOdds:
    """Log-probability of whole answers, and how many tokens each has, [rows]."""

    total: torch.Tensor
    tokens: torch.Tensor

    @property
    def mean(self) -> torch.Tensor:
        """Log-probability a token."""
        return self.total / self.tokens


def as_row(one: EncodedExample) -> dict[str, list[int]]:
    """An encoded answer as the collators want it."""
    return {"input_ids": one.ids, "labels": one.labels}


def collate_answers(collate: Collate, rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    """A batch of answers, with `owners` [supervised] telling which row each supervised token belongs to."""
    batch = collate(rows)
    counts = torch.tensor([sum(label != IGNORED for label in row["labels"][1:]) for row in rows])
    targets = batch.pop("shift_labels")
    batch.pop("labels")
    owners = torch.repeat_interleave(torch.arange(len(rows)), counts)
    return batch | {"targets": targets, "owners": owners, "tokens": counts}


@dataclass(frozen=True)
class PairCollator:
    """Batches of pairs: all chosen answers, then all rejected ones, then those of other prompts.

    `shift_labels` [pairs] holds a one for each pair: by their number over the whole optimiser step the trainer
    normalises.
    """

    collate: Collate

    def __call__(self, pairs: list[dict[str, Any]]) -> dict[str, Any]:
        answers = [pair["rows"][n] for n in (0, 1) for pair in pairs]
        others = [row for pair in pairs for row in pair["rows"][2:]]
        batch: dict[str, Any] = collate_answers(self.collate, answers)
        batch["reference"] = torch.tensor([pair["reference"][:2] for pair in pairs]).T  # [2, pairs]
        batch["labels"] = batch["shift_labels"] = torch.ones(len(pairs), dtype=torch.long)
        if others:
            batch["unrelated"] = collate_answers(self.collate, others)
            batch["unrelated_reference"] = torch.tensor([x for pair in pairs for x in pair["reference"][2:]])
        return batch


def measure_batch(model: Any, batch: dict[str, torch.Tensor], head_dtype: torch.dtype) -> AnswerOdds:
    """Log-probabilities of a batch's answers."""
    states, head = predicting_states(model.get_decoder(), batch), model.get_output_embeddings()
    weight = head.weight.to(head_dtype)
    logits = torch.nn.functional.linear(states.to(head_dtype), weight, head.bias).float()  # [supervised, vocabulary]
    surprise = torch.nn.functional.cross_entropy(logits, batch["targets"], reduction="none")
    total = torch.zeros(len(batch["tokens"]), device=surprise.device).index_add(0, batch["owners"], -surprise)
    return AnswerOdds(total, batch["tokens"])


@torch.no_grad()
def measure_answers(
    model: Any, answers: Sequence[EncodedExample], collate: Collate, head_dtype: torch.dtype, batch_size: int
) -> AnswerOdds:
    """Log-probabilities of many answers as the model stands, without gradients."""
    was_training, found = model.training, []
    model.eval()
    for start in range(0, len(answers), batch_size):
        batch = collate_answers(collate, [as_row(one) for one in answers[start : start + batch_size]])
        found.append(measure_batch(model, {k: v.to(model.device) for k, v in batch.items()}, head_dtype))
    model.train(was_training)
    return AnswerOdds(torch.cat([one.total for one in found]).cpu(), torch.cat([one.tokens for one in found]).cpu())


class PreferenceTrainer(SupervisedTrainer):
    """DPO, KTO or ORPO on pairs, normalised by their number over the whole optimiser step."""

    def __init__(self, *, loss: Preferring, beta: float, **rest: Any) -> None:
        super().__init__(**rest)
        self.preferring, self.beta = loss, beta
        self.data_collator = PairCollator(self.data_collator)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Sum of the pairs' losses over their number in the step."""
        pairs = inputs["reference"].shape[1]
        count = num_items_in_batch if num_items_in_batch is not None else pairs
        total = self._pair_losses(self.accelerator.unwrap_model(model), inputs).sum()
        loss = total / torch.as_tensor(count, device=total.device).clamp(min=1)
        return (loss, {"loss": loss}) if return_outputs else loss

    def _pair_losses(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        odds = measure_batch(base, inputs, self.head_dtype)
        if self.preferring == "orpo":
            chosen, rejected = odds.mean.view(2, -1)
            return orpo_loss(chosen, rejected, self.beta)
        chosen, rejected = odds.total.view(2, -1) - inputs["reference"]
        if self.preferring == "dpo":
            return dpo_loss(chosen, rejected, self.beta)
        with torch.no_grad():
            drift = measure_batch(base, inputs["unrelated"], self.head_dtype).total - inputs["unrelated_reference"]
        return kto_loss(chosen, rejected, drift, self.beta)
