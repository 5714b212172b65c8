"""Speed and memory of one peer over a few steps.

    python -m trainers.speed ours/lora --steps 8 -> one line of JSON

Tokens a second are the median over the steps after one that warms up: a stall of the machine hits one step, whoever
trains. Peak memory is the process's peak resident set less that just before the model loads. The product rate is
that of 1024 x 1024 float32 matrices, measured in the same process before and after.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

from trainers import peers
from trainers.counts import operations, resident_bytes

WARM_UP = 1


def main() -> None:
    """Measures one peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    who, method = options.peer.split("/")
    print(json.dumps(measure(who, method, options.steps)))


def measure(who: str, method: str, steps: int) -> dict[str, Any]:
    """Trains for some steps; tokens and operations a second, peak bytes, the last loss, sizes."""
    import bitsandbytes  # noqa: F401 - loaded before memory is looked at, like all libraries
    import peft  # noqa: F401
    import trl  # noqa: F401

    from nichetune.core.progress import silence_progress
    from nichetune.core.stages import peak_memory_bytes
    from nichetune.models.allocator import compact_heap
    from nichetune.models.shapes import read_shape

    silence_progress()
    settings = peers.open_settings(who, method)
    rate = product_rate()
    before = resident_bytes()
    with compact_heap(who == "frugal"):
        base = peers.load_model(who, method, settings)
        rows = peers.choose_rows(settings, base, steps + WARM_UP)
        trainer = peers.make_trainer(who, method, settings, base, rows, steps + WARM_UP)
        counted = count_batches(trainer)
        ends = time_steps(trainer)
        trainer.train()
    losses = [log["loss"] for log in trainer.state.log_history if "loss" in log]
    batch = settings.train.batch_size
    seconds = [b - a for a, b in zip(ends[WARM_UP - 1 :], ends[WARM_UP:], strict=False)]
    tokens = [sum(len(r["input_ids"]) for r in rows[i * batch : (i + 1) * batch]) for i in range(WARM_UP, len(ends))]
    result = {
        "tokens_per_s": statistics.median(t / s for t, s in zip(tokens, seconds, strict=True)),
        "peak_bytes": peak_memory_bytes() - before, "last_loss": statistics.fmean(losses[-5:]),
        "trainable": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
        "parameters": sum(p.numel() for p in trainer.model.parameters()), "dtype": base.dtype,
        "product_flops": (rate + product_rate()) / 2, "tokens": sum(tokens),
    }  # fmt: skip
    if counted:
        shape = read_shape(base.folder)
        work = [operations(shape, method, n, s, settings.train.rank) for n, s in counted[WARM_UP : len(ends)]]
        result["flops"] = statistics.median(w / s for w, s in zip(work, seconds, strict=True))
        result["computed_tokens"] = sum(n for n, _ in counted[WARM_UP : len(ends)])
    return result


def count_batches(trainer: Any) -> list[tuple[int, int]]:
    """Fills up with (computed tokens, supervised tokens) of each batch, for batches that are trees."""
    counted: list[tuple[int, int]] = []
    collate = trainer.data_collator

    def count(rows: Any) -> Any:
        batch = collate(rows)
        if "paths" in batch:
            counted.append((batch["ids"].numel(), batch["labels"].numel()))
        return batch

    trainer.data_collator = count
    return counted


def time_steps(trainer: Any) -> list[float]:
    """Fills up with the time at the end of each step."""
    from transformers import TrainerCallback

    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.perf_counter())

    trainer.add_callback(Clock())
    return ends


def product_rate(size: int = 1024, seconds: float = 0.5) -> float:
    """Operations a second of float32 matrix products, the median of half a second of them."""
    import torch

    a, b = torch.randn(size, size), torch.randn(size, size)
    a @ b
    took: list[float] = []
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        before = time.perf_counter()
        a @ b
        took.append(time.perf_counter() - before)
    return 2 * size**3 / statistics.median(took)


if __name__ == "__main__":
    main()
