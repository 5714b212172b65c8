"""The trainer's own settings, made from ours; the learning rate by method."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from nichetune.core.progress import say
from nichetune.core.settings import Method, Settings, TrainSettings
from nichetune.models.loading import LoadedModel
from nichetune.train.fit import Fit
from nichetune.train.folder import CHECKPOINTS
from nichetune.train.optimisers import choose_optimiser
from nichetune.train.ranks import place
from nichetune.train.sharding import sharding_arguments

DEFAULT_RATES: dict[str, float] = {"qlora": 6e-4, "lora": 6e-4, "full": 6e-5}
# Outside these a run is almost surely mistaken: an adapter at full tuning's rate learns nothing, and the reverse
# destroys the model.
SANE_RATES: dict[str, tuple[float, float]] = {"qlora": (5e-5, 5e-3), "lora": (5e-5, 5e-3), "full": (1e-6, 5e-4)}


def choose_rate(train: TrainSettings, method: str, warn: bool = True) -> float:
    """The learning rate, by method if the settings give none; says so when it is outside the sane range."""
    rate = train.learning_rate if train.learning_rate is not None else DEFAULT_RATES[method]
    low, high = SANE_RATES[method]
    if warn and train.optimiser != "sgd" and not low <= rate <= high:  # plain gradients are of any size
        say(f"warning: train.learning_rate {rate:g} is outside {low:g} to {high:g}, what {method} learns well with")
    return rate


def make_arguments(base: LoadedModel, settings: Settings, method: Method, steps: int, out: Path, fit: Fit) -> Any:
    """The trainer's own settings, for this rank."""
    from trl import SFTConfig

    from nichetune.train.early import evaluation_steps

    train = settings.train
    every = evaluation_steps(steps, train.epochs, train.evaluations_per_epoch) if train.early_stopping else 0
    # By the trainer's own rules the best checkpoint is never deleted for a newer one, and is loaded at the end.
    watched = {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": every, "save_steps": every,
               "load_best_model_at_end": True, "metric_for_best_model": "eval_loss",
               "greater_is_better": False} if every else {"save_strategy": "no"}  # fmt: skip
    arguments = SFTConfig(
        output_dir=str(out / CHECKPOINTS), seed=settings.seed, data_seed=settings.seed,
        learning_rate=choose_rate(train, method), lr_scheduler_type="cosine",
        warmup_steps=math.ceil(steps * train.warmup_share), weight_decay=train.weight_decay,
        max_grad_norm=train.max_grad_norm, per_device_train_batch_size=train.batch_size // fit.splits // place().ranks,
        gradient_accumulation_steps=train.accumulation * fit.splits, num_train_epochs=1, max_length=None, packing=False,
        bf16=base.device == "cuda" and base.dtype == "bfloat16", fp16=base.device == "cuda" and base.dtype == "float16",
        use_cpu=base.device == "cpu", gradient_checkpointing=fit.checkpointing,
        logging_steps=1, logging_nan_inf_filter=False, save_total_limit=2,
        report_to=([*train.trackers] if place().writes else []) or "none",
        run_name=method, project=settings.project, disable_tqdm=True, dataloader_pin_memory=False,
        remove_unused_columns=False, optim=choose_optimiser(train.optimiser, base.device), **watched,
        ddp_find_unused_parameters=False, log_level_replica="error", **sharding_arguments(train),
    )  # fmt: skip
    arguments._n_gpu = min(1, arguments.n_gpu)  # else upstream spreads one process over all GPUs, with another batch
    return arguments
