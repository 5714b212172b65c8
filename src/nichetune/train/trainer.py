"""TRL's SFT trainer without its wastes: logits where there is no label, padding, and shared tokens computed twice.

Measured on two cores with SmolLM2-135M: see the table of `bench/training.py` in the README.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from torch.utils.data import SequentialSampler
from transformers import TrainerCallback
from trl import SFTTrainer

from nichetune.models.head_loss import sum_losses
from nichetune.models.token_tree import use_token_tree
from nichetune.train.batches import collate_padded, collate_tree, predicting_states


class SupervisedTrainer(SFTTrainer):
    """Loss on supervised tokens only, normalised by their number over the whole optimiser step.

    Args:
        head_dtype: format in which the head multiplies; the loss itself is in float32.
    """

    def __init__(self, *, model: Any, head_dtype: torch.dtype = torch.float32, **rest: Any) -> None:
        whole = model.get_base_model() if hasattr(model, "get_base_model") else model
        super().__init__(model=model, data_collator=collate_tree if use_token_tree(whole) else collate_padded, **rest)
        self.head_dtype = head_dtype

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        # The dataset is already in the planned order, all epochs, so that a resumed run sees what an unbroken one does.
        chosen: Any = train_dataset if train_dataset is not None else self.train_dataset
        return SequentialSampler(chosen)

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """No card in checkpoints: it is TRL's template, and it imports whatever tracker is installed, broken or not."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Sum of the cross-entropy at supervised positions over their number in the step."""
        base = self.accelerator.unwrap_model(model)
        base = base.get_base_model() if hasattr(base, "get_base_model") else base
        targets = inputs["shift_labels"]
        states, head = predicting_states(base.get_decoder(), inputs), base.get_output_embeddings()
        total = sum_losses(states, head, targets, self.head_dtype)
        count = num_items_in_batch if num_items_in_batch is not None else len(targets)
        loss = total / torch.as_tensor(count, device=total.device).clamp(min=1)
        return (loss, {"loss": loss}) if return_outputs else loss


class TimedCheckpoints(TrainerCallback):
    """Asks for a checkpoint every so many seconds: a kill costs at most that."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self._last = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called by the trainer after each optimiser step."""
        if time.monotonic() - self._last >= self.every_s:
            self._last = time.monotonic()
            control.should_save = True


class ShowProgress(TrainerCallback):
    """Moves our own progress line."""

    def __init__(self, tick: Any) -> None:
        self.tick = tick

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """Called by the trainer after each logged step."""
        if logs and "loss" in logs:
            self.tick(state.global_step - self.tick.done, f"loss {logs['loss']:.3f}")
