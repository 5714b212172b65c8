"""What this machine can train and serve: memory, speed, disk, packages, models, each as one line."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nichetune.core.errors import UserError
from nichetune.core.settings import BaseSettings, Method, Settings, TrainSettings
from nichetune.core.settings_file import load_settings
from nichetune.models.machines import measure_machine
from nichetune.models.memory import measure_flops
from nichetune.models.shapes import find_shape
from nichetune.pipeline.forecast import GIB, Job, forecast_job, has_settings

_LENGTH_TOKENS = 256  # a short form or question with its passages
_FREE_DISK_BYTES = 4 * GIB  # a packaged base, its conversion, a run with its checkpoints


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    name: str
    ok: bool
    text: str


def examine(project: Path, overrides: list[str] | None) -> list[Finding]:
    """Examines the machine, for a project's settings if there are any, else for the defaults."""
    settings = load_settings(project, overrides) if has_settings(project) else None
    return [*_machine(), *_packages(), *_fit(settings)]


def _machine() -> Iterator[Finding]:
    import psutil
    import torch

    memory = psutil.virtual_memory()
    yield Finding("processor", True, f"{os.cpu_count()} cores, {measure_flops() / 1e9:.0f} GFLOP/s in float32")
    yield Finding("memory", memory.available > 2 * GIB,
                  f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB free")  # fmt: skip
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none: training runs on the processor"
    yield Finding("GPU", True, gpu)
    free = shutil.disk_usage(Path.cwd()).free
    yield Finding(
        "disk", free > _FREE_DISK_BYTES, f"{free / GIB:.1f} GiB free here, {_FREE_DISK_BYTES / GIB:.0f} wanted"
    )


def _packages() -> Iterator[Finding]:
    names = ("torch", "transformers", "trl", "peft", "bitsandbytes", "daft", "lancedb", "spacy")
    found = {n: importlib.metadata.version(n) for n in names}
    yield Finding("packages", True, ", ".join(f"{n} {v}" for n, v in found.items()))


def _fit(settings: Settings | None) -> Iterator[Finding]:
    base, train = (settings.base, settings.train) if settings else (BaseSettings(), TrainSettings())
    try:
        shape = find_shape(base.model)
    except UserError as error:  # not here yet, or no model's name
        yield Finding("base", False, str(error))
        return
    yield Finding("base", True, f"{base.model}, {shape.parameters / 1e6:.0f} M parameters")
    here = measure_machine()
    methods: tuple[Method, ...] = ("qlora", "lora", "full")
    for method in methods:
        one = forecast_job(Job(shape, method, train.rank, _LENGTH_TOKENS, train.batch_size, 1000), here)
        text = (
            f"{one.plan.total / GIB:.1f} GiB at batch {train.batch_size} and {_LENGTH_TOKENS} tokens ({one.way}); "
            f"about {one.minutes:.0f} min an epoch of 1,000 such examples; up to batch {one.largest_batch}, or "
            f"{one.largest_length} tokens"
        )
        yield Finding(f"train {method}", one.fits, text)
