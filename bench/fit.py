"""The fit plan against what training really takes: forecast beside measured peak memory, over many settings.

Needs no run and no data (token rows are drawn at random) -> a table, and with --json FILE its figures:

    python bench/fit.py [--only qlora] [--json FILE]

Every setting trains two steps in a process of its own, through the project's own loader and trainer. The peak is
the highest resident set less that just before the model loads; the libraries are imported before, by every setting
alike. Exit status 1 if any forecast is off by more than 10%.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ALLOWED = 0.10
STEPS = 2  # the second holds the optimiser's states as well
GIB = 2**30


@dataclass(frozen=True)
class Setting:
    """One training to measure; a share of every row is supervised, and rows share no prefix."""

    method: str
    packed: bool
    dtype: str
    batch: int
    length: int
    checkpointing: bool
    rank: int = 16
    accumulation: int = 1
    supervised_share: float = 0.35

    @property
    def compact(self) -> bool:
        """As the plan has it: freed blocks are given back where memory is short."""
        return self.packed or self.checkpointing

    @property
    def name(self) -> str:
        """For the table."""
        held = " packed" if self.packed else ""
        more = f", accumulation {self.accumulation}" if self.accumulation > 1 else ""
        again = ", checkpointing" if self.checkpointing else ""
        return f"{self.method}{held}, {self.dtype}, batch {self.batch} x {self.length}{again}, rank {self.rank}{more}"


SETTINGS = [
    Setting("lora", False, "float32", 1, 128, False),
    Setting("lora", False, "float32", 4, 256, False),
    Setting("lora", False, "float32", 1, 512, False),
    Setting("lora", False, "float32", 4, 128, True),
    Setting("lora", False, "bfloat16", 2, 256, False),
    Setting("lora", False, "bfloat16", 8, 64, False, rank=64),
    Setting("lora", False, "bfloat16", 4, 256, False),
    Setting("qlora", False, "float32", 2, 256, False),
    Setting("qlora", False, "bfloat16", 4, 128, True),
    Setting("qlora", True, "float32", 1, 128, True),
    Setting("qlora", True, "float32", 4, 256, True),
    Setting("qlora", True, "float32", 2, 128, False),
    Setting("full", False, "float32", 1, 128, False),
    Setting("full", False, "float32", 4, 128, False),
    Setting("full", False, "float32", 2, 128, True),
    Setting("full", False, "bfloat16", 2, 256, False),
    Setting("full", False, "float32", 1, 128, False, accumulation=2),
]


def main() -> int:
    """Measures every setting and compares; 1 if any forecast is off."""
    options = parse_options()
    if options.one:
        print(json.dumps(measure(Setting(**json.loads(options.one)))))
        return 0
    rows = [compare(setting) for setting in SETTINGS if options.only in setting.name]
    print_table(rows)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "settings": rows}, indent=2) + "\n")
    worst = max(abs(row["error"]) for row in rows)
    print(f"\nlargest error {worst:.1%}, allowed {ALLOWED:.0%}, n = {len(rows)} settings, one run each")
    return int(worst > ALLOWED)


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="settings whose name holds this, such as qlora")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def compare(setting: Setting) -> dict[str, Any]:
    """One setting's forecast beside its measured peak, in bytes."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps(asdict(setting))], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"error: {setting.name} failed: {done.stderr.strip().splitlines()[-1]}")
    measured = json.loads(done.stdout.strip().splitlines()[-1])
    plan = forecast(setting)
    row = asdict(setting) | {"name": setting.name, "forecast_bytes": plan.total, "moment": plan.moment, **measured}
    row["error"] = plan.total / measured["peak_bytes"] - 1
    print(f"{setting.name}: {row['error']:+.1%}", file=sys.stderr, flush=True)
    return row


def forecast(setting: Setting) -> Any:
    """The plan of one setting of the embedded model."""
    from nichetune.models.memory import plan_memory
    from nichetune.models.shapes import find_shape

    return plan_memory(
        find_shape("smollm2-135m"), setting.method, setting.rank, setting.batch, setting.length,
        supervised_share=setting.supervised_share, packed=setting.packed, checkpointing=setting.checkpointing,
        weight_bytes=2 if setting.dtype == "bfloat16" else 4, accumulation=setting.accumulation,
        compact=setting.compact,
    )  # fmt: skip


def measure(setting: Setting) -> dict[str, int]:
    """Trains; returns the peak over what stood before the model loaded, whole and until it was loaded, in bytes."""
    import bitsandbytes  # noqa: F401
    import datasets
    import trl  # noqa: F401

    from nichetune.core.progress import silence_progress
    from nichetune.core.settings import BaseSettings, TrainSettings
    from nichetune.models.adapters import attach_adapter
    from nichetune.models.allocator import compact_heap
    from nichetune.models.loading import load_base, load_tokenizer
    from nichetune.models.packaged import resolve_model
    from nichetune.train.trainer import SupervisedTrainer  # noqa: F401

    silence_progress()
    settings = BaseSettings(dtype=setting.dtype, device="cpu")
    load_tokenizer(resolve_model(settings.model))
    data = datasets.Dataset.from_list(draw_rows(setting))
    before = read_status("VmRSS")
    quantisation = "nf4" if setting.method == "qlora" else "none"
    with compact_heap(setting.compact):
        base = load_base(settings, quantisation, packed=setting.packed, frozen=setting.method != "full")
        loaded = read_status("VmHWM") - before
        if setting.method != "full":
            base.model = attach_adapter(base, TrainSettings(rank=setting.rank), seed=1)
        make_trainer(setting, base, data).train()
    return {"peak_bytes": read_status("VmHWM") - before, "loading_bytes": loaded}


def read_status(key: str) -> int:
    """A line of this process's status: VmRSS is its resident memory now, VmHWM the highest so far, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(f"{key}:")))


def draw_rows(setting: Setting) -> list[dict[str, list[int]]]:
    """Rows of random tokens, the last of each supervised."""
    rng = random.Random(7)
    hidden = setting.length - int(setting.length * setting.supervised_share)
    rows = []
    for _ in range(STEPS * setting.batch * setting.accumulation):
        ids = [rng.randrange(1000, 40_000) for _ in range(setting.length)]
        rows.append({"input_ids": ids, "labels": [-100] * hidden + ids[hidden:]})
    return rows


def make_trainer(setting: Setting, base: Any, data: Any) -> Any:
    """The project's trainer with the arguments that a training has."""
    import torch
    from transformers import PrinterCallback
    from trl import SFTConfig

    from nichetune.train.trainer import SupervisedTrainer

    args = SFTConfig(
        output_dir=tempfile.mkdtemp(), max_steps=STEPS, per_device_train_batch_size=setting.batch,
        gradient_accumulation_steps=setting.accumulation, gradient_checkpointing=setting.checkpointing,
        use_cpu=True, bf16=False, max_length=None, packing=False, learning_rate=1e-4, logging_steps=1,
        save_strategy="no", report_to="none", disable_tqdm=True, dataloader_pin_memory=False,
        remove_unused_columns=False, optim="adamw_torch_fused",
    )  # fmt: skip
    trainer = SupervisedTrainer(
        model=base.model, head_dtype=getattr(torch, base.dtype), args=args, train_dataset=data,
        processing_class=base.tokenizer,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    return trainer


def machine() -> str:
    """What this was measured on."""
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in ("torch", "transformers", "trl", "peft"))
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {versions}"


def print_table(rows: list[dict[str, Any]]) -> None:
    """Markdown, as docs/fit.md shows it."""
    print(f"\n{machine()}; SmolLM2-135M, {STEPS} steps\n")
    print("| setting | forecast GiB | measured GiB | error | while loading GiB |")
    print("|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['name']} | {row['forecast_bytes'] / GIB:.2f} | {row['peak_bytes'] / GIB:.2f} | "
              f"{row['error']:+.1%} | {row['loading_bytes'] / GIB:.2f} |")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
