"""Watches the loss as it is logged, and stops a training that cannot be right with the cause that is likely.

    not a number                  the rate, the base's weights, or a format that overflows
    flat from the first step      no gradient arrives, no weight moves, or the rate is far too small
    lower than entropy allows     the answers stand in the prompts, or the model sees them otherwise

Nothing here draws a random number or touches a weight: a guarded run has the bits of an unguarded one.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import TrainerCallback

from nichetune.core.errors import SystemFailure
from nichetune.train.data import IGNORED, EncodedSet

_FEW = 5  # steps after which something must have moved
_SOME = 20  # steps, warm-up twice over at least, after which the first step's examples must be easier than they were
_MOVED = 1e-3  # of the first step's loss: rounding moves it by less, any sane rate by far more
_KNOWN = 0.01  # nats a token: an answer that is 99% certain token by token before any step is no news
_BELOW = 0.5  # of the floor; above it chance and what one pass teaches about the next example could explain


@dataclass(frozen=True)
class Expectation:
    """What is known of the loss before training.

    Attributes:
        floor: least loss that a model can have which sees the prompts only, in nats a supervised token.
        pass_steps: optimiser steps of one pass over the examples.
        step_tokens: supervised tokens of each step, in order.
        rate: the learning rate.
        dtype: format of the frozen weights.
        explain_low: looks for what would explain a loss that is too low; asked only then.
    """

    floor: float
    pass_steps: int
    step_tokens: list[int]
    rate: float
    dtype: str
    explain_low: Callable[[], str]


class LossGuard(TrainerCallback):
    """Stops the training that the loss shows to be wrong.

    Args:
        measure: the loss of the first step's examples with the weights as they are, without a gradient or dropout.

    Raises:
        SystemFailure: from within the trainer, with the likely cause.
    """

    def __init__(self, expected: Expectation, measure: Callable[[], float]) -> None:
        self.expected, self.measure = expected, measure
        self._norms: list[float] = []
        self._rates: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Notes where the weights start from; in a resumed run they have moved already."""
        self._start = sum_weights(model) if state.global_step == 0 else None

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, model: Any = None, **_: Any
    ) -> None:
        """Judges one optimiser step."""
        if not logs or "loss" not in logs:
            return
        self._norms.append(logs.get("grad_norm", 1.0))
        self._rates.append(logs.get("learning_rate", 0.0))
        self._refuse_no_number(state.global_step, logs["loss"])
        if state.global_step == 1 and logs["loss"] < _KNOWN:
            self._stop_low(f"{logs['loss']:.4f} at the first step, before anything was learnt")
        few = _SOME if self.expected.dtype == "float16" else _FEW  # whose scale is sought by skipping steps at first
        if self._start is not None and state.global_step == min(state.max_steps, max(few, args.warmup_steps + 1)):
            self._refuse_stillness(model)
        if state.global_step == max(_SOME, 2 * args.warmup_steps):
            self._refuse_flat(state)
        if state.global_step % self.expected.pass_steps == 0:
            self._refuse_impossible(state)

    def _refuse_no_number(self, step: int, loss: float) -> None:
        if math.isfinite(loss):
            return
        if self.expected.dtype == "float16":
            cause = "float16 overflows in this model: set base.dtype to bfloat16 or float32"
        elif step == 1:
            cause = "no weight had moved yet, so the base model's own weights are broken: fetch it again"
        else:
            cause = (
                f"a learning rate of {self.expected.rate:g} is too high here: set train.learning_rate to "
                f"{self.expected.rate / 10:g}, or raise train.warmup_share"
            )
        raise SystemFailure(f"the loss is not a number at step {step}: {cause}")

    def _refuse_stillness(self, model: Any) -> None:
        if not any(self._norms):
            raise SystemFailure(
                f"no gradient reached a trained weight in {len(self._norms)} steps, so nothing is learnt: the layers "
                "in train.targets do not act in this model, or it cuts the gradient: set train.targets to all-linear"
            )
        if sum_weights(model) == self._start:
            spent = "all steps are warm-up: set train.warmup_share to 0, or train.epochs higher"
            small = f"a rate of {self.expected.rate:g} is lost in rounding: leave train.learning_rate out"
            raise SystemFailure(
                f"no trained weight moved in {len(self._norms)} steps: {small if any(self._rates) else spent}"
            )

    def _refuse_flat(self, state: Any) -> None:
        first = next(log["loss"] for log in state.log_history if "loss" in log)
        if abs(self.measure() - first) <= _MOVED * first:
            raise SystemFailure(
                f"the loss is flat: the first step's examples still cost {first:.4f} after {state.global_step} steps: "
                f"a learning rate of {self.expected.rate:g} is too small: leave train.learning_rate out"
            )

    def _refuse_impossible(self, state: Any) -> None:
        seen = [log for log in state.log_history if "loss" in log][-self.expected.pass_steps :]
        weights = [self.expected.step_tokens[int(log["step"]) - 1] for log in seen]
        mean = sum(log["loss"] * weight for log, weight in zip(seen, weights, strict=True)) / sum(weights)
        if mean < _BELOW * self.expected.floor:
            self._stop_low(
                f"{mean:.4f} over a whole pass, where equal prompts with different answers allow no less than "
                f"{self.expected.floor:.4f}"
            )

    def _stop_low(self, what: str) -> None:
        raise SystemFailure(f"the loss is lower than it can rightly be, {what}: {self.expected.explain_low()}")


def sum_weights(model: Any) -> list[float]:
    """One number a trained tensor, which any step that is not rounded away changes."""
    sums = (torch.linalg.vector_norm(p.detach(), 1, dtype=torch.float64) for p in model.parameters() if p.requires_grad)
    return [float(one.full_tensor() if hasattr(one, "full_tensor") else one) for one in sums]  # a sharded one is whole


def tokens_by_step(encoded: EncodedSet, order: list[int], examples: int) -> list[int]:
    """Supervised tokens of each step of so many examples."""
    taught = [sum(label != IGNORED for label in example.labels) for example in encoded.examples]
    return [sum(taught[i] for i in order[start : start + examples]) for start in range(0, len(order), examples)]


def entropy_floor(encoded: EncodedSet) -> float:
    """Least mean loss over a pass, in nats a supervised token, of any model that sees no more than the prompts.

    Of n examples with one prompt, a model can do no better than to know how often each answer follows:
    the sum of log(n / n_answer) (Gibbs' inequality). Prompts that stand once allow 0.
    """
    answers: dict[tuple[int, ...], Counter[tuple[int, ...]]] = defaultdict(Counter)
    for example in encoded.examples:
        start = next(n for n, label in enumerate(example.labels) if label != IGNORED)
        answers[tuple(example.ids[:start])][tuple(example.ids[start:])] += 1
    least = sum(
        n * math.log(counts.total() / n) for counts in answers.values() for n in counts.values() if n < counts.total()
    )
    return least / encoded.supervised_tokens


def explain_low(encoded: EncodedSet) -> str:
    """What a look at the examples says of a loss that is too low."""
    taught = [[label for label in e.labels if label != IGNORED] for e in encoded.examples]
    if len({tuple(one) for one in taught}) == 1:
        return "every example teaches the very same answer: look at the answer column that sources.map names"
    copied = sum(_holds(e.ids[: len(e.ids) - len(t)], t[:-1]) for e, t in zip(encoded.examples, taught, strict=True))
    if copied > len(taught) / 2:
        return (
            f"in {copied} of {len(taught)} examples the answer stands in the prompt: take it out of the text that "
            "sources.map names"
        )
    return "the base was already trained on these examples, or sees the answer that it is to write"


def _holds(prompt: list[int], answer: list[int]) -> bool:
    width = len(answer)
    return width > 0 and any(prompt[n : n + width] == answer for n in range(len(prompt) - width + 1))


def peek_loss(trainer: Any, rows: list[dict[str, list[int]]]) -> float:
    """The loss of some rows with the weights as they are, in nats a supervised token over all of them."""
    model, size = trainer.model, trainer.args.per_device_train_batch_size
    was_training = model.training
    model.eval()  # dropout would draw random numbers
    total, taught = 0.0, 0
    try:
        with torch.no_grad():
            for start in range(0, len(rows), size):
                batch = trainer.data_collator(rows[start : start + size])
                count = len(batch["shift_labels"])
                total += float(trainer.compute_loss(model, trainer._prepare_inputs(batch))) * count
                taught += count
    finally:
        model.train(was_training)
    return total / taught
