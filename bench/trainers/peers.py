"""Who trains, and how: the trainers of the bench over the demo's own rows.

"ours/lora" -> a trainer that has its rows, ready for `train()`

ours      no token shared between rows            prefix   what a batch's rows begin with computed once (default)
float32   ours with float32 products              frugal   ours in least memory: weights packed, activations
              computed again, freed blocks given back at once
stock     SFTTrainer, its defaults but bf16=False plain    stock without gradient checkpointing
bf16      plain with bf16=True                    textbook batch 1, accumulation 8, packing, rate 2e-5
"""

from __future__ import annotations

import functools
import math
import tempfile
from pathlib import Path
from typing import Any

from nichetune.core.files import read_records
from nichetune.core.records import Example
from nichetune.core.settings import Settings
from nichetune.core.settings_file import load_settings
from nichetune.models.adapters import attach_adapter
from nichetune.models.loading import LoadedModel, load_base
from nichetune.train.data import EncodedExample, encode_examples, plan_order

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "icd10-eye-ear"
RUN = ROOT / "runs" / "icd10-eye-ear"
OURS = ("ours", "prefix", "float32", "frugal")
KINDS = {
    "ours": "ours, no shared prefix",
    "prefix": "ours",
    "float32": "ours in float32, no shared prefix",
    "frugal": "ours, frugal",
    "stock": "stock TRL",
    "plain": "stock, no checkpointing",
    "bf16": "stock, bf16, no checkpointing",
    "textbook": "textbook recipe",
}
Rows = list[dict[str, list[int]]]


def open_settings(who: str, method: str) -> Settings:
    """The demo's settings; stock and `float32` multiply in float32."""
    exact = [] if who in ("ours", "prefix") else ["base.dtype=float32"]
    return load_settings(EXAMPLE, [f"train.method={method}", *exact])


def load_model(who: str, method: str, settings: Settings) -> LoadedModel:
    """The base as this peer holds it: QLoRA's weights dequantised once by ours, packed by the others."""
    packed = method == "qlora" and who not in ("ours", "prefix", "float32")
    quantisation: Any = "nf4" if method == "qlora" else "none"
    return load_base(settings.base, quantisation, packed=packed, frozen=method != "full")


def encode_rows(settings: Settings, base: LoadedModel) -> Rows:
    """The demo's training examples as ids and labels."""
    return [{"input_ids": e.ids, "labels": e.labels} for e in _encode(settings, base.tokenizer)[1]]


def _encode(settings: Settings, tokenizer: Any) -> tuple[dict[str, Any], list[EncodedExample]]:
    """Conversations by example id, and the same encoded."""
    from nichetune.train.chats import keep_chats

    chats = keep_chats(settings, read_records(RUN / "split" / "train.jsonl", Example), RUN / "index", RUN / "cache")
    return chats, encode_examples(tokenizer, chats, settings.base.max_length, "refuse").examples


def choose_rows(settings: Settings, base: LoadedModel, steps: int) -> Rows:
    """So many batches in our planned order, for every peer alike."""
    rows = encode_rows(settings, base)
    return [rows[i] for i in _plan([len(r["input_ids"]) for r in rows], settings, steps)]


def choose_chats(steps: int) -> list[list[dict[str, Any]]]:
    """The same batches as conversations, for a peer that encodes them by itself."""
    from nichetune.models.loading import load_tokenizer
    from nichetune.models.packaged import resolve_model

    settings = open_settings("stock", "lora")
    chats, encoded = _encode(settings, load_tokenizer(resolve_model(settings.base.model, settings.base.revision)))
    order = _plan([len(e.ids) for e in encoded], settings, steps)
    return [[m.model_dump() for m in chats[encoded[i].id]] for i in order]


def _plan(lengths: list[int], settings: Settings, steps: int) -> list[int]:
    rows = steps * settings.train.batch_size
    return plan_order(lengths, settings.train.batch_size, math.ceil(rows / len(lengths)), settings.seed)[:rows]


def make_trainer(who: str, method: str, settings: Settings, base: LoadedModel, rows: Rows, steps: int) -> Any:
    """Ours, or stock TRL with the same adapter, rate and data."""
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    from nichetune.train.arguments import choose_rate
    from nichetune.train.batches import collate_tree
    from nichetune.train.trainer import SupervisedTrainer

    args: dict[str, Any] = {
        "output_dir": tempfile.mkdtemp(), "seed": settings.seed, "max_steps": steps, "bf16": who == "bf16",
        "use_cpu": base.device == "cpu", "per_device_train_batch_size": settings.train.batch_size,
        "learning_rate": choose_rate(settings.train, method), "lr_scheduler_type": "cosine",
        "max_length": settings.base.max_length, "report_to": "none", "save_strategy": "no", "logging_steps": 1,
        "disable_tqdm": True, "dataloader_pin_memory": False, "train_sampling_strategy": "sequential",
    } | _own_arguments(who)  # fmt: skip
    model = base.model
    if method != "full":
        model = attach_adapter(base, settings.train, settings.seed, fuse=who in OURS)
    given = {"model": model, "train_dataset": Dataset.from_list(rows), "processing_class": base.tokenizer}
    if who in OURS:
        trainer: Any = SupervisedTrainer(**given, args=SFTConfig(**args), head_dtype=getattr(torch, base.dtype))
        if who != "prefix" and trainer.data_collator is collate_tree:  # else the model's attention takes padded rows
            trainer.data_collator = functools.partial(collate_tree, share=False)
    else:
        trainer = SFTTrainer(**given, args=SFTConfig(**args))
    trainer.remove_callback(PrinterCallback)
    return trainer


def _own_arguments(who: str) -> dict[str, Any]:
    if who == "textbook":
        return {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 8, "packing": True,
                "learning_rate": 2e-5, "train_sampling_strategy": "random"}  # fmt: skip
    own: dict[str, Any] = {} if who == "stock" else {"gradient_checkpointing": who == "frugal"}
    return own | ({"optim": "adamw_torch_fused"} if who in OURS else {})
