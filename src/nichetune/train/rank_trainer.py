"""The trainer as one of several ranks: its loss and weights after each step are those of a single process.

Upstream averages gradients over ranks and shards the data itself; a step here is normalised by the supervised tokens
of all ranks together, and each rank reads the rows that were dealt to it (`train/ranks.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, SequentialSampler

from nichetune.train.data import IGNORED
from nichetune.train.ranks import place
from nichetune.train.trainer import SupervisedTrainer

Rows = list[dict[str, list[int]]]


class RankTrainer(SupervisedTrainer):
    """`SupervisedTrainer` in one of several processes."""

    def __init__(self, *, model: Any, **rest: Any) -> None:
        super().__init__(model=model, **rest)
        run_inside_forward(model.get_base_model() if hasattr(model, "get_base_model") else model)
        self.data_collator = functools.partial(collate_share, self.data_collator)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The rows dealt to this rank, in order: not sharded again, and none seen twice to even the ranks out."""
        data: Any = self.train_dataset
        return DataLoader(
            data, batch_size=self._train_batch_size, sampler=SequentialSampler(data), collate_fn=self.data_collator
        )

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """This rank's share of the step's loss, times the ranks, by which upstream's mean divides it again."""
        own = functools.partial(super().compute_loss, model, inputs, False, num_items_in_batch)
        ranks = 1 if num_items_in_batch is None else place().ranks
        loss = model(inside=lambda: own() * ranks)
        return (loss, {"loss": loss}) if return_outputs else loss

    def _save_rng_state(self, output_dir: str) -> None:
        """Every rank's part stands before rank 0 writes the file that says so, the last one."""
        super()._save_rng_state(output_dir)
        dist.barrier()

    def _maybe_log_save_evaluate(self, *given: Any, **named: Any) -> None:
        """Ranks save and stop together, when the first one wants to: clocks differ, and saving is done in common."""
        wishes = torch.tensor(
            [self.control.should_save, self.control.should_training_stop], dtype=torch.int, device=self.args.device
        )
        dist.broadcast(wishes, src=0)
        self.control.should_save, self.control.should_training_stop = (bool(wish) for wish in wishes)
        super()._maybe_log_save_evaluate(*given, **named)


def run_inside_forward(model: Any) -> None:
    """Lets `model(inside=function)` run a function as its forward pass.

    What wraps the model (DDP, FSDP2, DeepSpeed) gathers weights and watches gradients around a forward pass; our loss
    calls the decoder and the head by themselves, and so must run within one.
    """
    plain: Callable[..., Any] = model.forward

    def forward(*args: Any, inside: Callable[[], Any] | None = None, **kwargs: Any) -> Any:
        return plain(*args, **kwargs) if inside is None else inside()

    model.forward = forward


def collate_share(collate: Callable[[Rows], dict[str, torch.Tensor]], rows: Rows) -> dict[str, torch.Tensor]:
    """A batch of this rank's rows; of rows without any label one that is computed like others and teaches nothing.

    All ranks must compute in every step, or those that do would wait for ever.
    """
    if any(label != IGNORED for row in rows for label in row["labels"]):
        return collate(rows)
    batch = collate([{**row, "labels": row["input_ids"]} for row in rows])
    batch["shift_labels"] = batch["labels"] = torch.full_like(batch["shift_labels"], IGNORED)
    return batch
