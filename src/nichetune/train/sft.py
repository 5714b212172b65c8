"""Supervised fine-tuning by QLoRA, LoRA or in full: one trainer, methods differ by what is frozen and how it is held.

Reads split/train.jsonl (for early stopping dev.jsonl too), the sealed benchmark (to refuse overlap) and, for grounded
tasks, the index -> adapter/ (PEFT safetensors, tokenizer with its template) and loss.jsonl:

    {"step": 12, "loss": 0.8123, "dev_loss": 0.9034}
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nichetune.benchmark.contamination import refuse_contaminated
from nichetune.benchmark.seal import verify_benchmark
from nichetune.core.errors import UserError
from nichetune.core.files import read_json, read_records, write_jsonl
from nichetune.core.progress import say, track
from nichetune.core.records import Example
from nichetune.core.settings import Method, Settings
from nichetune.core.stages import Report
from nichetune.models.adapters import attach_adapter
from nichetune.models.allocator import compact_heap
from nichetune.models.gpu import use_gpu_kernels
from nichetune.models.loading import LoadedModel, load_base, load_tokenizer, pick_device, quiet_libraries
from nichetune.models.memory import free_bytes
from nichetune.models.packaged import resolve_model
from nichetune.train.arguments import choose_rate, make_arguments
from nichetune.train.chats import keep_chats
from nichetune.train.chosen import Chosen, read_training
from nichetune.train.data import IGNORED, EncodedSet, encode_examples, plan_order
from nichetune.train.failures import explain_memory, what_would_fit
from nichetune.train.fit import Fit
from nichetune.train.folder import CHECKPOINTS, keep_fit, last_checkpoint, read_history, save_trained
from nichetune.train.ranks import IDLE, deal_order, first_goes_first, is_launched, place
from nichetune.train.trackers import FOLDER, check_trackers, track_in


def run(
    settings: Settings, inputs: dict[str, Path], out: Path, method: Method, callbacks: Sequence[Any] = ()
) -> Report:
    """Trains one method in this process, alone or as a rank; goes on from a checkpoint that it finds in `out`.

    Args:
        callbacks: of the trainer, beside our own.

    Raises:
        UserError: an unmasked corpus without a reason, overlap with the benchmark, nothing that teaches, a base that
            is no causal language model, a setting that this machine cannot follow.
        SystemFailure: the loss shows that nothing right is learnt; memory or disk ran out.
        Stopped: Ctrl-C; the step that it came in is kept.
    """
    chosen, dev = check_before(settings, inputs, method)
    examples = chosen.examples
    folder = resolve_model(settings.base.model, settings.base.revision)
    index = inputs.get("index") if settings.train.retrieval else None
    with first_goes_first():
        chats = keep_chats(settings, [*examples, *dev], index, inputs["mask"].parent / "cache")
    tokenizer, limits = load_tokenizer(folder), (settings.base.max_length, settings.train.too_long)
    encoded = encode_examples(tokenizer, {e.id: chats[e.id] for e in examples}, *limits)
    judged = encode_examples(tokenizer, {e.id: chats[e.id] for e in dev}, *limits) if dev else None
    with first_goes_first():
        fit = keep_fit(settings, method, folder, encoded, out)
    device = pick_device(settings.base.device)
    longest, free = max(len(e.ids) for e in encoded.examples), free_bytes(device)
    explained = explain_memory(lambda: what_would_fit(settings.train, method, folder, fit, device, longest, free))
    with explained, compact_heap(fit.compact):
        base = load_base(
            settings.base.model_copy(update={"dtype": fit.dtype}),
            quantisation="nf4" if method == "qlora" else "none",
            packed=fit.packed,
            frozen=method != "full",
        )
        if used := use_gpu_kernels(base.model):
            say(f"  {method}: kernels by {' and '.join(used)}")
        trainable = _count_trainable(base, method, settings)
        with track_in(*where_tracked(settings, inputs, method)):
            history, weights = _train(base, encoded, judged, settings, method, out, fit, callbacks)
    if place().writes:
        save_trained(base, out, weights)
        write_jsonl(out / "loss.jsonl", history)
        shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    return _report(settings, method, chosen, encoded, base, trainable, history)


def check_before(settings: Settings, inputs: dict[str, Path], method: str) -> tuple[Chosen, list[Example]]:
    """Training examples and, for early stopping, the development set's, once nothing stands against training on them.

    Raises:
        UserError: a tracker's package is missing, the corpus is unmasked without a reason, there are fewer examples
            than were asked for, the development set is missing, or something overlaps the benchmark.
    """
    check_trackers(*where_tracked(settings, inputs, method))
    refuse_unmasked(inputs["mask"])
    chosen = read_training(settings, inputs["split"])
    dev = read_records(inputs["split"] / "dev.jsonl", Example) if settings.train.early_stopping else []
    if settings.train.early_stopping and not dev:
        raise UserError("train.early_stopping needs a development set, and this split has none: set split.dev to 0.06")
    if not is_launched():  # else the launcher has looked
        refuse_contaminated([*chosen.examples, *dev], verify_benchmark(inputs["benchmark"]))
    return chosen, dev


def where_tracked(settings: Settings, inputs: dict[str, Path], method: str) -> tuple[list[str], Path, str, str]:
    """Trackers, their folder in the run, and what they call project and training."""
    return [*settings.train.trackers], inputs["mask"].parent / FOLDER, settings.project, method


def refuse_unmasked(mask: Path) -> None:
    """Nothing is learnt from a corpus that was not masked, unless its owner said why.

    Raises:
        UserError: neither was done.
    """
    facts = read_json(mask / "manifest.json")["facts"]
    if not facts.get("masked") and not facts.get("because"):
        raise UserError("this corpus has not been masked: run the mask stage, or say why not in mask.because")


def _count_trainable(base: LoadedModel, method: Method, settings: Settings) -> int:
    if method != "full":
        base.model = attach_adapter(base, settings.train, settings.seed)
    return sum(p.numel() for p in base.model.parameters() if p.requires_grad)


def _train(
    base: LoadedModel, encoded: EncodedSet, judged: EncodedSet | None, settings: Settings, method: Method, out: Path,
    fit: Fit, callbacks: Sequence[Any],
) -> tuple[list[Any], dict[str, Any] | None]:  # fmt: skip
    """The loss by step, and the weights where no process holds them all."""
    with quiet_libraries():
        import torch
        from transformers import PrinterCallback

        from nichetune.train.early import StopEarly
        from nichetune.train.interrupt import FinishStep
        from nichetune.train.rank_trainer import RankTrainer
        from nichetune.train.trainer import ShowProgress, SupervisedTrainer, TimedCheckpoints

        train = settings.train
        order = plan_order([len(e.ids) for e in encoded.examples], train.batch_size, train.epochs, settings.seed)
        steps = math.ceil(len(order) / (train.batch_size * train.accumulation))
        own = deal_order(order, train.batch_size, place())
        trainer = (RankTrainer if is_launched() else SupervisedTrainer)(
            model=base.model, head_dtype=getattr(torch, base.dtype), processing_class=base.tokenizer,
            args=make_arguments(base, settings, method, steps, out, fit), train_dataset=_dataset(encoded, own),
            eval_dataset=_dataset(judged, range(len(judged.examples))) if judged else None,
            callbacks=[TimedCheckpoints(train.checkpoint_every_s), *callbacks],
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)  # our own progress line says it
        trainer.add_callback(_guard(trainer, encoded, order, settings, method, base))
        if judged:
            trainer.add_callback(StopEarly(train.early_stopping))
        with track(f"training {method}", steps, "steps") as tick, FinishStep() as stop:
            trainer.add_callback(ShowProgress(tick))
            trainer.add_callback(stop)
            trainer.train(resume_from_checkpoint=last_checkpoint(out))
        stop.leave(trainer.state.global_step, steps)
        whole = None if train.sharding == "none" else trainer.accelerator.get_state_dict(trainer.model_wrapped)
    return read_history(trainer.state.log_history), whole


def _guard(
    trainer: Any, encoded: EncodedSet, order: list[int], settings: Settings, method: Method, base: LoadedModel
) -> Any:
    from nichetune.train.guards import Expectation, LossGuard, entropy_floor, explain_low, peek_loss, tokens_by_step

    train = settings.train
    each = train.batch_size * train.accumulation
    pass_steps, tokens = math.ceil(len(encoded.examples) / each), tokens_by_step(encoded, order, each)
    rate = choose_rate(train, method, warn=False)
    first = list(_dataset(encoded, order[:each]))  # the whole step's, of which a rank trains on its own rows only
    expected = Expectation(entropy_floor(encoded), pass_steps, tokens, rate, base.dtype, lambda: explain_low(encoded))
    return LossGuard(expected, lambda: peek_loss(trainer, first))


def _dataset(encoded: EncodedSet, order: Iterable[int]) -> Any:
    from datasets import Dataset

    rows = [encoded.examples[i] for i in order]  # IDLE's is any: its labels are left out
    labels = [[IGNORED] * len(r.ids) if i == IDLE else r.labels for i, r in zip(order, rows, strict=True)]
    return Dataset.from_dict({"input_ids": [r.ids for r in rows], "labels": labels})


def _report(
    settings: Settings, method: Method, chosen: Chosen, encoded: EncodedSet, base: LoadedModel, trainable: int,
    history: list[dict[str, float]],
) -> Report:  # fmt: skip
    total = sum(p.numel() for p in base.model.parameters())
    facts = {
        "method": method, "learning_rate": choose_rate(settings.train, method, warn=False),
        "epochs": settings.train.epochs, "optimiser": settings.train.optimiser, "tokens_per_epoch": encoded.tokens,
        "supervised_tokens_per_epoch": encoded.supervised_tokens, "trainable_parameters": trainable,
        "parameters": total, "base_digest": base.digest, "base_model": settings.base.model,
        "base_revision": settings.base.revision, "quantisation": base.quantisation, "dtype": base.dtype,
    }  # fmt: skip
    if judged := [point for point in history if "dev_loss" in point]:
        best = min(judged, key=lambda point: point["dev_loss"])
        facts |= {"best_step": best["step"], "best_dev_loss": best["dev_loss"], "steps": history[-1]["step"]}
    counts = {"in": len(chosen.examples) + chosen.left_out, "out": len(encoded.examples)}
    return Report(counts=counts, dropped=chosen.dropped | dict(encoded.dropped), facts=facts)
