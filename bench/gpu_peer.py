"""One peer of `bench/gpu.py` in a process of its own: trains, and prints its figures as one line of JSON.

python bench/gpu_peer.py ours|stock|plain lora|qlora|full MODEL_FOLDER STEPS BATCH
"""

from __future__ import annotations

import json
import math
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from trainers.counts import operations, resident_bytes
from transformers import TrainerCallback

CUDA = torch.cuda.is_available()
RANK, RATE, SEED = 16, 1e-4, 7
LONGEST, MEDIAN, SPREAD, SUPERVISED = 1024, 256, 0.6, 0.28
IGNORED = -100
Rows = list[dict[str, list[int]]]


def main() -> None:
    """Measures the peer named on the command line."""
    peer, method, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    steps, batch = int(sys.argv[4]), int(sys.argv[5])
    rows = draw_rows(json.loads((folder / "config.json").read_text())["vocab_size"], steps, batch)
    rate = measure_rate()
    before = held_bytes()
    clock = Clock(skip=steps // 4)
    trainer, fit = make_trainer(peer, method, folder, rows, batch, clock)
    trainer.train()
    timed = rows[clock.skip * batch :]
    tokens = sum(len(row["input_ids"]) for row in timed)
    flops = count_flops(folder, method, timed)
    print(json.dumps({
        "tokens_per_s": tokens / clock.seconds, "mfu": flops / clock.seconds / rate, "rate_flops": rate,
        "peak_bytes": peak_bytes() - before, "forecast_bytes": forecast(folder, method, rows, batch, fit),
        "mean_loss": trainer.state.log_history[-1]["train_loss"],
        "checkpointing": fit.checkpointing, "packed": fit.packed,
    }))  # fmt: skip


def draw_rows(vocabulary: int, steps: int, batch: int) -> Rows:
    """Random token streams of real lengths, in batches of like lengths, the same for every peer."""
    from nichetune.train.data import plan_order

    draw = random.Random(SEED)
    most = LONGEST if CUDA else 96
    rows: Rows = []
    for _ in range(steps * batch):
        length = round(min(most, max(64, MEDIAN * math.exp(draw.gauss(0, SPREAD)))))
        ids = [draw.randrange(4, vocabulary) for _ in range(length)]
        answer = max(8, round(length * SUPERVISED))
        rows.append({"input_ids": ids, "labels": [IGNORED] * (length - answer) + ids[-answer:]})
    return [rows[i] for i in plan_order([len(row["input_ids"]) for row in rows], batch, 1, SEED)]


def make_trainer(peer: str, method: str, folder: Path, rows: Rows, batch: int, clock: Clock) -> tuple[Any, Any]:
    """Ours or stock, with the same adapter, rate and data; and how ours made it fit."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    from nichetune.core.progress import silence_progress
    from nichetune.core.settings import BaseSettings, TrainSettings
    from nichetune.models.adapters import attach_adapter
    from nichetune.models.compute import pick_dtype
    from nichetune.models.gpu import use_gpu_kernels
    from nichetune.models.loading import load_base
    from nichetune.train.fit import Fit, choose_fit
    from nichetune.train.trainer import SupervisedTrainer

    silence_progress()
    settings = TrainSettings(rank=RANK, alpha=2 * RANK, batch_size=batch)
    base = BaseSettings(model=str(folder))
    device = "cuda" if CUDA else "cpu"
    longest = max(len(row["input_ids"]) for row in rows)
    ours = peer == "ours"
    dtype = pick_dtype(base.dtype, device)
    fit = choose_fit(settings, method, folder, dtype, device, longest) if ours else Fit(method == "qlora", False, dtype)
    base = base.model_copy(update={"dtype": dtype if ours or CUDA else "float32"})
    loaded = load_base(base, "nf4" if method == "qlora" else "none", packed=fit.packed, frozen=method != "full")
    if ours:
        use_gpu_kernels(loaded.model)
    if method != "full":
        loaded.model = attach_adapter(loaded, settings, SEED, fuse=ours)
    own: dict[str, Any] = {} if peer == "stock" else {"gradient_checkpointing": ours and fit.checkpointing}
    args = SFTConfig(
        output_dir=tempfile.mkdtemp(), seed=SEED, bf16=CUDA, use_cpu=not CUDA,
        per_device_train_batch_size=batch // fit.splits, gradient_accumulation_steps=fit.splits,
        learning_rate=RATE, num_train_epochs=1, max_length=LONGEST, report_to="none", save_strategy="no",
        logging_steps=10, disable_tqdm=True, train_sampling_strategy="sequential", dataloader_pin_memory=CUDA, **own,
    )  # fmt: skip
    args._n_gpu = min(1, args.n_gpu)  # one GPU, however many are here
    given = {"model": loaded.model, "args": args, "train_dataset": Dataset.from_list(rows), "callbacks": [clock]}
    head = {"head_dtype": getattr(torch, dtype)}
    kind = SupervisedTrainer if ours else SFTTrainer
    trainer = kind(processing_class=loaded.tokenizer, **given, **(head if ours else {}))
    trainer.remove_callback(PrinterCallback)
    return trainer, fit


class Clock(TrainerCallback):
    """Seconds from the end of step `skip` to the end of training, the GPU's queue empty at both."""

    def __init__(self, skip: int) -> None:
        self.skip, self.seconds, self._start = skip, 0.0, 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called by the trainer before each step."""
        if state.global_step == self.skip:
            self._start = self._now()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called by the trainer after the last step."""
        self.seconds = self._now() - self._start

    @staticmethod
    def _now() -> float:
        if CUDA:
            torch.cuda.synchronize()
        return time.monotonic()


def count_flops(folder: Path, method: str, rows: Rows) -> float:
    """Operations of the tokens that must be computed: those up to a row's last prediction, recomputation left out.

    Attention's own products are left out, which makes the share a low one.
    """
    from nichetune.models.memory import read_shape

    tokens = sum(len(row["input_ids"]) - 1 for row in rows)
    supervised = sum(label != IGNORED for row in rows for label in row["labels"])
    return operations(read_shape(folder), method, tokens, supervised, RANK)


def forecast(folder: Path, method: str, rows: Rows, batch: int, fit: Any) -> int:
    """The fit plan's bytes for the batch with most tokens."""
    from nichetune.models.memory import plan_memory, read_shape

    batches = [rows[n : n + batch] for n in range(0, len(rows), batch)]
    most = max(sum(len(row["input_ids"]) for row in part) for part in batches)
    plan = plan_memory(
        read_shape(folder), method, RANK, batch // fit.splits, math.ceil(most / batch), supervised_share=SUPERVISED,
        packed=fit.packed, checkpointing=fit.checkpointing, weight_bytes=2 if fit.dtype == "bfloat16" else 4,
        device="cuda" if CUDA else "cpu", compact=fit.compact, accumulation=fit.splits,
    )  # fmt: skip
    return plan.total


def measure_rate() -> float:
    """This device's matrix-product rate: bfloat16 on a GPU, float32 on a processor, in operations a second."""
    from nichetune.models.memory import measure_flops

    return measure_flops(3.0, "cuda", "bfloat16") if CUDA else measure_flops(0.2)


def held_bytes() -> int:
    """What is held before the model is loaded; on a GPU the peak is counted from here."""
    if CUDA:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        return int(torch.cuda.memory_allocated())
    return resident_bytes()


def peak_bytes() -> int:
    """The allocator's peak on a GPU, else the process's."""
    if CUDA:
        return int(torch.cuda.max_memory_allocated())
    from nichetune.core.stages import peak_memory_bytes

    return peak_memory_bytes()


if __name__ == "__main__":
    main()
