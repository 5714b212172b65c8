"""What a machine's limits say to a person: memory that ran out, a disk that is full, and what would fit.

torch.OutOfMemoryError -> "out of memory: …; train.checkpointing: on would need about 1.9 GiB"
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nichetune.core.errors import SystemFailure
from nichetune.core.settings import Method, TrainSettings
from nichetune.models.memory import free_bytes, plan_memory, read_shape
from nichetune.train.fit import Fit

_GIB = 2**30
_MEMORY_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")
_DISK_SIGNS = ("no space left", "os error 28", "file write failed", "unexpected pos", "file too large", "os error 27")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator says so: Python's, torch's on a GPU, or torch's on a CPU (a plain RuntimeError)."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _MEMORY_SIGNS)


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed for want of space, as the system, torch or safetensors tells it."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return isinstance(error, Exception) and any(sign in str(error).lower() for sign in _DISK_SIGNS)


@contextmanager
def explain_memory(advise: Callable[[], str]) -> Iterator[None]:
    """Turns an allocator's error into one line.

    Raises:
        SystemFailure: memory ran out; the line says what would fit.
    """
    try:
        yield
    except (MemoryError, OSError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        advice = advise()
    else:
        return
    # Outside the handler: the error's frames hold the tensors that did not fit.
    raise SystemFailure(f"out of memory: {advice}")


def what_would_fit(train: TrainSettings, method: Method, folder: Path, fit: Fit, longest: int, device: str) -> str:
    """The leaner ways, by the plan's reckoning, that fit in what is free now; the leanest if none does."""
    try:
        shape = read_shape(folder)
    except KeyError:
        return "set train.batch_size lower, train.checkpointing: on, or train the rung qlora"

    def need(batch: int = train.batch_size, again: bool = fit.checkpointing, packed: bool = fit.packed,
             how: str = method) -> int:  # fmt: skip
        weight_bytes = 4 if fit.dtype == "float32" else 2
        return plan_memory(
            shape, how, train.rank, batch, longest, packed=packed, checkpointing=again, weight_bytes=weight_bytes
        ).total

    ways = {}
    if not fit.checkpointing:
        ways["train.checkpointing: on"] = need(again=True)
    if train.batch_size > 1:
        ways[f"train.batch_size: 1 with train.accumulation: {train.batch_size * train.accumulation}"] = need(batch=1)
    if not (method == "qlora" and fit.packed):
        few = "train.dequantise: off" if method == "qlora" else "the rung qlora with train.dequantise: off"
        ways[few] = need(packed=True, how="qlora")
    least = {
        "all of these": need(1, True, True, "qlora"),
    }
    free = free_bytes(device)
    fitting = {way: bytes_ for way, bytes_ in ways.items() if bytes_ < min(free, need())} or (ways and least)
    if not fitting:
        return f"this needs about {need() / _GIB:.1f} GiB and nothing leaner is left: take a smaller base.model"
    said = "; ".join(f"{way} needs about {bytes_ / _GIB:.1f}" for way, bytes_ in fitting.items())
    return f"about {need() / _GIB:.1f} GiB are needed and {free / _GIB:.1f} are free: {said}"
