"""Our training against stock TRL: the same examples, order, model, steps, batch, rank and rate, in one run.

Reads the demo's own split and benchmark (run `make demo` first) -> a table, and with --json FILE its figures:

    python bench/training.py [--steps 60] [--items 100] [--json FILE]

Stock is `SFTTrainer` with its defaults but bf16=False, PEFT's own adapter and float32 weights (4-bit ones for QLoRA),
with its gradient checkpointing and without. Where this CPU multiplies bfloat16 faster, stock with bf16=True and no
checkpointing, the fastest that it can be set to, stands beside them. Every run is a process of its own: peak memory
is the process's peak resident set less that just before the model loads. Exact form is on the first triage items of
the sealed benchmark, after the same few steps: it shows that speed was not bought with learning, not how good a
finished model is.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "icd10-eye-ear"
RUN = ROOT / "runs" / "icd10-eye-ear"
KINDS = {
    "ours": "ours",
    "stock": "stock",
    "plain": "stock, no checkpointing",
    "bf16": "stock, bf16, no checkpointing",
}


def main() -> None:
    """Runs every peer in its own process and prints the table."""
    options = parse_options()
    if options.peer:
        print(json.dumps(measure(options.peer, options.steps, options.items)))
        return
    if not (RUN / "split" / "train.jsonl").is_file():
        sys.exit("error: no split of the demo: run `make demo` first")
    results = {peer: run_peer(peer, options) for peer in list_peers()}
    print_table(results, options)
    if options.json:
        options.json.write_text(json.dumps(figures(results), indent=2) + "\n")


def list_peers() -> list[str]:
    """Who runs, in order."""
    from nichetune.models.compute import pick_dtype

    kinds = [k for k in KINDS if k != "bf16" or pick_dtype("auto", "cpu") == "bfloat16"]
    return [f"{kind}/{method}" for method in ("lora", "qlora") for kind in kinds]


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60, help="optimiser steps of batch 4")
    parser.add_argument("--items", type=int, default=100, help="sealed items for exact form; 0 leaves it out")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    return parser.parse_args()


def run_peer(peer: str, options: argparse.Namespace) -> dict[str, Any]:
    """One peer in a fresh process."""
    command = [sys.executable, __file__, "--peer", peer, "--steps", str(options.steps), "--items", str(options.items)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {peer} failed: {done.stderr.strip().splitlines()[-1]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    print(f"{peer}: {result}", file=sys.stderr, flush=True)
    return result


def measure(peer: str, steps: int, items: int) -> dict[str, Any]:
    """Trains one peer; returns tokens a second, peak memory in bytes and exact form."""
    from nichetune.core.progress import silence_progress
    from nichetune.core.settings_file import load_settings
    from nichetune.models.loading import load_base

    silence_progress()
    who, method = peer.split("/")
    settings = load_settings(EXAMPLE, [f"train.method={method}", *(["base.dtype=float32"] if who != "ours" else [])])
    before = resident_bytes()
    packed = who != "ours" and method == "qlora"
    base = load_base(settings.base, "nf4" if method == "qlora" else "none", packed=packed)
    rows = choose_rows(settings, base, steps)
    trainer = make_trainer(who, method, settings, base, rows, steps)
    start = time.monotonic()
    trainer.train()
    seconds = time.monotonic() - start
    from nichetune.core.stages import peak_memory_bytes

    peak = peak_memory_bytes() - before
    tokens = sum(len(row["input_ids"]) for row in rows)
    losses = [log["loss"] for log in trainer.state.log_history if "loss" in log]
    form = exact_form(settings, base, trainer, method, items) if items else None
    return {"tokens_per_s": tokens / seconds, "peak_bytes": peak, "last_loss": sum(losses[-5:]) / 5, "exact_form": form}


def resident_bytes() -> int:
    """This process's resident memory now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def choose_rows(settings: Any, base: Any, steps: int) -> list[dict[str, list[int]]]:
    """The demo's own training examples in our planned order, for every peer alike."""
    from nichetune.core.files import read_records
    from nichetune.core.records import Example
    from nichetune.generate.prompts import training_chats
    from nichetune.train.data import encode_examples, plan_order

    examples = read_records(RUN / "split" / "train.jsonl", Example)
    encoded = encode_examples(
        base.tokenizer, training_chats(settings, examples, RUN / "index"), settings.base.max_length, "refuse"
    ).examples
    batch = settings.train.batch_size
    order = plan_order([len(e.ids) for e in encoded], batch, math.ceil(steps * batch / len(encoded)), settings.seed)
    return [{"input_ids": encoded[i].ids, "labels": encoded[i].labels} for i in order[: steps * batch]]


def make_trainer(who: str, method: str, settings: Any, base: Any, rows: list[dict[str, list[int]]], steps: int) -> Any:
    """Ours, or stock TRL with the same adapter, rate and data."""
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    from nichetune.models.adapters import attach_adapter
    from nichetune.train.sft import choose_rate
    from nichetune.train.trainer import SupervisedTrainer

    own = {"gradient_checkpointing": False} if who != "stock" else {}
    if who == "ours":
        own["optim"] = "adamw_torch_fused"
    args = SFTConfig(
        output_dir=tempfile.mkdtemp(), seed=settings.seed, max_steps=steps, bf16=who == "bf16",
        use_cpu=base.device == "cpu", per_device_train_batch_size=settings.train.batch_size,
        learning_rate=choose_rate(settings.train, method),
        lr_scheduler_type="cosine", max_length=settings.base.max_length, report_to="none", save_strategy="no",
        logging_steps=1, disable_tqdm=True, dataloader_pin_memory=False, train_sampling_strategy="sequential", **own,
    )  # fmt: skip
    model = attach_adapter(base, settings.train, settings.seed, fuse=who == "ours")
    given = {"model": model, "args": args, "train_dataset": Dataset.from_list(rows), "processing_class": base.tokenizer}
    ours = {"head_dtype": getattr(torch, base.dtype)}
    trainer = SupervisedTrainer(**given, **ours) if who == "ours" else SFTTrainer(**given)
    trainer.remove_callback(PrinterCallback)
    return trainer


def exact_form(settings: Any, base: Any, trainer: Any, method: str, items: int) -> float:
    """Share of the first sealed triage items whose whole form is right, with the weights just trained."""
    from nichetune.benchmark.seal import load_benchmark
    from nichetune.evaluate.candidates import describe_candidate
    from nichetune.evaluate.runner import CandidateRunner
    from nichetune.evaluate.scoring import score_item

    with tempfile.TemporaryDirectory() as folder:
        trainer.model.save_pretrained(Path(folder) / "adapter")
        base.tokenizer.save_pretrained(Path(folder) / "adapter")
        (Path(folder) / "manifest.json").write_text(json.dumps({"facts": {"dtype": base.dtype}}))
        candidate = describe_candidate(settings, method, Path(folder), None)
        chosen = [i for i in load_benchmark(RUN / "benchmark").items if i.task == "triage"][:items]
        answers = CandidateRunner(candidate, Path(folder) / "adapter", None).answer(chosen)
    scores = [
        score_item(settings.tasks["triage"], i, p, None)["exact_form"] for i, p in zip(chosen, answers, strict=True)
    ]
    return sum(scores) / len(scores)


def figures(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Ratios and all that they were made of."""
    ratios = {
        f"ratio.{m}": results[f"ours/{m}"]["tokens_per_s"] / results[f"stock/{m}"]["tokens_per_s"]
        for m in ("lora", "qlora")
    }
    return {"machine": machine(), **ratios, "peers": results}


def machine() -> str:
    """What this was measured on."""
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in ("torch", "transformers", "trl", "peft"))
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {versions}"


def print_table(results: dict[str, dict[str, Any]], options: argparse.Namespace) -> None:
    """Markdown, as the README shows it."""
    print(f"\n{machine()}; {options.steps} steps of batch 4, rank 16, n = 1 run each; "
          f"exact form on {options.items} sealed items\n")  # fmt: skip
    print("| method | trainer | tokens/s | ratio to stock | peak memory | last loss | exact form |")
    print("|---|---|---|---|---|---|---|")
    for peer, r in results.items():
        who, method = peer.split("/")
        ratio = r["tokens_per_s"] / results[f"stock/{method}"]["tokens_per_s"]
        form = "" if r["exact_form"] is None else f"{r['exact_form']:.2f}"
        print(f"| {method} | {KINDS[who]} | {r['tokens_per_s']:.0f} | {ratio:.2f} | "
              f"{r['peak_bytes'] / 2**30:.2f} GiB | {r['last_loss']:.3f} | {form} |")  # fmt: skip


if __name__ == "__main__":
    main()
