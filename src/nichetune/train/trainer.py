"""TRL's SFT trainer without its wastes: logits where there is no label, padding, and shared tokens computed twice.

Measured on two cores with SmolLM2-135M: see the table of `bench/training.py` in the README.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import SequentialSampler
from transformers import TrainerCallback
from trl import SFTTrainer

from nichetune.core.errors import SystemFailure
from nichetune.core.progress import say
from nichetune.models.head_loss import sum_losses
from nichetune.models.token_tree import use_token_tree
from nichetune.train.batches import collate_padded, collate_tree, predicting_states
from nichetune.train.failures import is_disk_full
from nichetune.train.guards import peek_loss


class SupervisedTrainer(SFTTrainer):
    """Loss on supervised tokens only, normalised by their number over the whole optimiser step.

    Args:
        head_dtype: format in which the head multiplies; the loss itself is in float32.
    """

    def __init__(self, *, model: Any, head_dtype: torch.dtype = torch.float32, **rest: Any) -> None:
        whole = model.get_base_model() if hasattr(model, "get_base_model") else model
        trained = [(weight, weight.data) for weight in model.parameters() if weight.requires_grad]
        shares = use_token_tree(whole)
        if not shares:
            say("  padding: rows cannot share this model's attention: they are padded, prefixes computed anew")
        super().__init__(model=model, data_collator=collate_tree if shares else collate_padded, **rest)
        for weight, values in trained:  # TRL rounds adapters on packed weights to bfloat16, which loses small updates
            weight.data = values.to(weight.device)
        self.head_dtype = head_dtype

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        # The dataset is already in the planned order, all epochs, so that a resumed run sees what an unbroken one does.
        chosen: Any = train_dataset if train_dataset is not None else self.train_dataset
        return SequentialSampler(chosen)

    def _run_epoch(self, **arguments: Any) -> None:  # type: ignore[override]
        # A run that was killed between its last evaluation and its end must not take one more step.
        if not self.control.should_training_stop:
            super()._run_epoch(**arguments)

    def evaluate(self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval") -> Any:
        """The development set's loss, normalised by supervised tokens over all of it, whatever the batches."""
        chosen: Any = eval_dataset if eval_dataset is not None else self.eval_dataset
        metrics = {f"{metric_key_prefix}_loss": peek_loss(self, list(chosen))}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None: TRL would write one with every checkpoint, and import each tracker that is installed for its link."""

    def _send_telemetry(self) -> None:
        """None: TRL would tell its makers' server of every training, unless the machine's owner knew to forbid it."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """A checkpoint is whole or gone: what a full disk cut short must not take the room of the next one.

        Raises:
            SystemFailure: the disk is full; the last checkpoint stands.
        """
        folder = Path(self._get_output_dir(trial=trial)) / f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)
        except BaseException as error:
            if not is_whole(folder):
                shutil.rmtree(folder, ignore_errors=True)
            if not is_disk_full(error):
                raise
            kept = f"checkpoint {last}" if (last := newest_step(folder.parent)) else "no checkpoint yet"
            raise SystemFailure(
                f"the disk is full: step {self.state.global_step} could not be kept in {folder.parent} (there is "
                f"{kept}): free some space, then run the same command again"
            ) from error

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


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint's last file, the trainer's own state, stands there to its end."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def newest_step(folder: Path) -> int:
    """The step of the newest whole checkpoint in a folder; 0 without one."""
    return max((int(p.name.rsplit("-", 1)[1]) for p in folder.glob("checkpoint-*") if is_whole(p)), default=0)
