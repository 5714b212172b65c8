"""TRL's SFT trainer with three wastes removed: logits without a label, padding in attention, repeated prefixes.

Measured on two cores with SmolLM2-135M: see the table of `bench/training.py` in the README.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from torch.utils.data import SequentialSampler
from transformers import TrainerCallback
from trl import SFTTrainer

from nichetune.models.shared_prefix import causal_mask, common_prefix, compute_prefix
from nichetune.train.data import IGNORED


class SupervisedTrainer(SFTTrainer):
    """Loss on supervised tokens only, normalised by their number over the whole optimiser step."""

    share_prefix = False

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        # The dataset is already in the planned order, all epochs, so that a resumed run sees what an unbroken one does.
        chosen: Any = train_dataset if train_dataset is not None else self.train_dataset
        return SequentialSampler(chosen)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Sum of the cross-entropy at supervised positions over their number in the step."""
        base = self.accelerator.unwrap_model(model)
        base = base.get_base_model() if hasattr(base, "get_base_model") else base
        ids, labels = inputs["input_ids"], inputs["labels"]
        hidden, targets = self._supervised_hidden(base.get_decoder(), ids, labels, inputs["attention_mask"])
        logits = base.get_output_embeddings()(hidden).float()  # [supervised, vocab]
        total = torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
        count = num_items_in_batch if num_items_in_batch is not None else (labels[:, 1:] != IGNORED).sum()
        loss = total / torch.as_tensor(count, device=total.device).clamp(min=1)
        return (loss, {"loss": loss}) if return_outputs else loss

    def _supervised_hidden(self, decoder: Any, ids: Any, labels: Any, mask: Any) -> tuple[Any, Any]:
        """Hidden states [supervised, width] that predict a label, and those labels [supervised]."""
        shared = self._shared_tokens(ids, mask)
        if shared:
            hidden = _run_with_prefix(decoder, ids, mask, shared)
        else:
            # Padding stands right, where causal attention never looks: no mask, so the fast path is taken.
            hidden = decoder(input_ids=ids, attention_mask=None, use_cache=False).last_hidden_state
        targets = labels[:, shared + 1 :]
        keep = targets != IGNORED
        return hidden[:, :-1][keep], targets[keep]

    def _shared_tokens(self, ids: Any, mask: Any) -> int:
        if not self.share_prefix or ids.shape[0] < 2:
            return 0
        rows = [row[: int(n)] for row, n in zip(ids.tolist(), mask.sum(1).tolist(), strict=True)]
        return common_prefix(rows, keep_own=2)


def _run_with_prefix(decoder: Any, ids: Any, mask: Any, shared: int) -> Any:
    prefix = compute_prefix(decoder, ids[0, :shared].tolist(), str(ids.device))
    own = ids[:, shared:]
    positions = torch.arange(shared, ids.shape[1], device=ids.device)[None]
    own_mask = causal_mask(own.shape[1], str(ids.device))
    return decoder(
        input_ids=own, attention_mask=own_mask, position_ids=positions, use_cache=False, prefix=prefix
    ).last_hidden_state


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
