"""Supervised fine-tuning by QLoRA, LoRA or in full: one trainer, methods differ by what is frozen and how it is held.

Reads split/train.jsonl, the sealed benchmark (to refuse overlap) and, for grounded tasks, the index
-> adapter/ (PEFT safetensors, tokenizer with its template) and loss.jsonl:

    {"step": 12, "loss": 0.8123, "tokens": 4312}
"""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nichetune.benchmark.contamination import refuse_contaminated
from nichetune.benchmark.seal import verify_benchmark
from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.files import read_json, read_records, write_json, write_jsonl
from nichetune.core.progress import say, track
from nichetune.core.records import Example
from nichetune.core.settings import Method, Settings, TrainSettings
from nichetune.core.stages import Report
from nichetune.generate.prompts import training_chats
from nichetune.models.adapters import attach_adapter
from nichetune.models.compute import pick_dtype
from nichetune.models.gpu import use_gpu_kernels
from nichetune.models.loading import LoadedModel, load_base, load_tokenizer, pick_device, quiet_libraries
from nichetune.models.packaged import resolve_model
from nichetune.train.data import IGNORED, EncodedSet, encode_examples, plan_order
from nichetune.train.fit import Fit, choose_fit
from nichetune.train.ranks import IDLE, deal_order, first_goes_first, is_launched, place
from nichetune.train.sharding import sharding_arguments
from nichetune.train.spread import is_spread, spread_training

DEFAULT_RATES: dict[str, float] = {"qlora": 6e-4, "lora": 6e-4, "full": 6e-5}
# Outside these a run is almost surely mistaken: an adapter at full tuning's rate learns nothing, and the reverse
# destroys the model.
SANE_RATES: dict[str, tuple[float, float]] = {"qlora": (5e-5, 5e-3), "lora": (5e-5, 5e-3), "full": (1e-6, 5e-4)}
_CHECKPOINTS = "checkpoints"


def run(settings: Settings, inputs: dict[str, Path], out: Path, method: Method) -> Report:
    """Trains one method; goes on from a checkpoint that it finds in `out`.

    Raises:
        UserError: an unmasked corpus without a reason, overlap with the benchmark, nothing that teaches.
        SystemFailure: the loss is not a number.
    """
    _refuse_unmasked(inputs["mask"])
    examples = read_records(inputs["split"] / "train.jsonl", Example)
    if not is_launched():  # else the launcher has looked
        refuse_contaminated(examples, verify_benchmark(inputs["benchmark"]))
    if is_spread(settings):
        return spread_training(settings, inputs, out, method)
    chats = training_chats(settings, examples, inputs.get("index") if settings.train.retrieval else None)
    folder = resolve_model(settings.base.model, settings.base.revision)
    encoded = encode_examples(load_tokenizer(folder), chats, settings.base.max_length, settings.train.too_long)
    with first_goes_first():
        fit = _keep_fit(settings, method, folder, encoded, out)
    base = load_base(
        settings.base.model_copy(update={"dtype": fit.dtype}),
        quantisation="nf4" if method == "qlora" else "none",
        packed=fit.packed,
        frozen=method != "full",
    )
    if used := use_gpu_kernels(base.model):
        say(f"  {method}: kernels by {' and '.join(used)}")
    trainable = _count_trainable(base, method, settings)
    history, weights = _train(base, encoded, settings, method, out, fit)
    if place().writes:
        _save(base, out, weights)
        write_jsonl(out / "loss.jsonl", history)
        shutil.rmtree(out / _CHECKPOINTS, ignore_errors=True)
    return _report(settings, method, examples, encoded, base, trainable)


def _refuse_unmasked(mask: Path) -> None:
    facts = read_json(mask / "manifest.json")["facts"]
    if not facts.get("masked") and not facts.get("because"):
        raise UserError("this corpus has not been masked: run the mask stage, or say why not in mask.because")


def choose_rate(train: TrainSettings, method: str) -> float:
    """The learning rate, by method if the settings give none; says so when it is outside the sane range."""
    rate = train.learning_rate if train.learning_rate is not None else DEFAULT_RATES[method]
    low, high = SANE_RATES[method]
    if not low <= rate <= high:
        say(f"warning: train.learning_rate {rate:g} is outside {low:g} to {high:g}, what {method} learns well with")
    return rate


def _keep_fit(settings: Settings, method: Method, folder: Path, encoded: EncodedSet, out: Path) -> Fit:
    """A resumed training keeps the way that it began with, however much memory is free by now."""
    kept = out / _CHECKPOINTS / "fit.json"
    if kept.is_file():
        return Fit(**read_json(kept))
    device = pick_device(settings.base.device)
    longest = max(len(e.ids) for e in encoded.examples)
    fit = choose_fit(settings.train, method, folder, pick_dtype(settings.base.dtype, device), device, longest)
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_json(kept, asdict(fit))
    return fit


def _count_trainable(base: LoadedModel, method: Method, settings: Settings) -> int:
    if method != "full":
        base.model = attach_adapter(base, settings.train, settings.seed)
    return sum(p.numel() for p in base.model.parameters() if p.requires_grad)


def _train(
    base: LoadedModel, encoded: EncodedSet, settings: Settings, method: Method, out: Path, fit: Fit
) -> tuple[list[Any], dict[str, Any] | None]:
    """The loss by step, and the weights where no process holds them all."""
    with quiet_libraries():
        import torch
        from transformers import PrinterCallback

        from nichetune.train.rank_trainer import RankTrainer
        from nichetune.train.trainer import ShowProgress, SupervisedTrainer, TimedCheckpoints

        order = plan_order(
            [len(e.ids) for e in encoded.examples], settings.train.batch_size, settings.train.epochs, settings.seed
        )
        steps = math.ceil(len(order) / (settings.train.batch_size * settings.train.accumulation))
        own = deal_order(order, settings.train.batch_size, place())
        trainer = (RankTrainer if is_launched() else SupervisedTrainer)(
            model=base.model, head_dtype=getattr(torch, base.dtype), processing_class=base.tokenizer,
            args=_arguments(base, settings, method, steps, out, fit), train_dataset=_dataset(encoded, own),
            callbacks=[TimedCheckpoints(settings.train.checkpoint_every_s)],
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)  # our own progress line says it
        with track(f"training {method}", steps, "steps") as tick:
            trainer.add_callback(ShowProgress(tick))
            trainer.train(resume_from_checkpoint=_last_checkpoint(out))
        whole = None if settings.train.sharding == "none" else trainer.accelerator.get_state_dict(trainer.model_wrapped)
    return _history(trainer.state.log_history), whole


def _dataset(encoded: EncodedSet, order: list[int]) -> Any:
    from datasets import Dataset

    rows = [encoded.examples[i] for i in order]  # IDLE's is any: its labels are left out
    labels = [[IGNORED] * len(r.ids) if i == IDLE else r.labels for i, r in zip(order, rows, strict=True)]
    return Dataset.from_dict({"input_ids": [r.ids for r in rows], "labels": labels})


def _arguments(base: LoadedModel, settings: Settings, method: Method, steps: int, out: Path, fit: Fit) -> Any:
    from trl import SFTConfig

    train = settings.train
    arguments = SFTConfig(
        output_dir=str(out / _CHECKPOINTS), seed=settings.seed, data_seed=settings.seed,
        learning_rate=choose_rate(train, method), lr_scheduler_type="cosine",
        warmup_steps=math.ceil(steps * train.warmup_share), weight_decay=train.weight_decay,
        max_grad_norm=train.max_grad_norm, per_device_train_batch_size=train.batch_size // place().ranks,
        gradient_accumulation_steps=train.accumulation, num_train_epochs=1, max_length=None, packing=False,
        bf16=base.device == "cuda", use_cpu=base.device == "cpu", gradient_checkpointing=fit.checkpointing,
        logging_steps=1, logging_nan_inf_filter=False, save_strategy="no", save_total_limit=2, report_to="none",
        disable_tqdm=True, dataloader_pin_memory=False, remove_unused_columns=False, optim="adamw_torch_fused",
        ddp_find_unused_parameters=False, log_level_replica="error", **sharding_arguments(train),
    )  # fmt: skip
    arguments._n_gpu = min(1, arguments.n_gpu)  # else upstream spreads one process over all GPUs, with another batch
    return arguments


def _last_checkpoint(out: Path) -> str | None:
    """The newest checkpoint that is whole: the trainer's own state file is written last."""
    whole = [p for p in (out / _CHECKPOINTS).glob("checkpoint-*") if (p / "trainer_state.json").is_file()]
    newest = max(whole, key=lambda p: int(p.name.rsplit("-", 1)[1]), default=None)
    if newest:
        say(f"  going on from step {newest.name.rsplit('-', 1)[1]}")
    return str(newest) if newest else None


def _history(logs: list[dict[str, float]]) -> list[dict[str, float]]:
    history = [{"step": int(log["step"]), "loss": log["loss"]} for log in logs if "loss" in log]
    if any(not math.isfinite(h["loss"]) for h in history):
        raise SystemFailure("the loss is not a number: lower train.learning_rate, or look for odd tokens in the data")
    return history


def _save(base: LoadedModel, out: Path, weights: dict[str, Any] | None = None) -> None:
    folder = out / "adapter"
    shutil.rmtree(folder, ignore_errors=True)
    with quiet_libraries():
        base.model.save_pretrained(folder, safe_serialization=True, state_dict=weights)
        base.tokenizer.save_pretrained(folder)
    _sort_targets(folder / "adapter_config.json")
    _forget_how_loaded(folder / "tokenizer_config.json")
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's card template: it names this machine's paths


def _sort_targets(path: Path) -> None:
    """PEFT writes the adapted layers from a set, in an order that differs from process to process."""
    if path.is_file():
        config = read_json(path)
        write_json(path, config | {"target_modules": sorted(config["target_modules"])})


def _forget_how_loaded(path: Path) -> None:
    """The tokenizer's file says whether it was loaded offline, which is no part of what it is."""
    config = read_json(path)
    write_json(path, {key: value for key, value in config.items() if key != "local_files_only"})


def _report(
    settings: Settings, method: Method, examples: list[Example], encoded: EncodedSet, base: LoadedModel, trainable: int
) -> Report:
    total = sum(p.numel() for p in base.model.parameters())
    facts = {
        "method": method, "learning_rate": choose_rate(settings.train, method), "epochs": settings.train.epochs,
        "tokens_per_epoch": encoded.tokens, "supervised_tokens_per_epoch": encoded.supervised_tokens,
        "trainable_parameters": trainable, "parameters": total, "base_digest": base.digest,
        "base_model": settings.base.model, "base_revision": settings.base.revision,
        "quantisation": base.quantisation, "dtype": base.dtype,
    }  # fmt: skip
    counts = {"in": len(examples), "out": len(encoded.examples)}
    return Report(counts=counts, dropped=dict(encoded.dropped), facts=facts)
