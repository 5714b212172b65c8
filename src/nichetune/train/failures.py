"""What a machine's limits say to a person: memory that ran out, a disk that is full, and what would fit.

torch.OutOfMemoryError -> "out of memory: …; train.checkpointing: on would need about 1.9 GiB"
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from nichetune.core.errors import SystemFailure
from nichetune.core.settings import Method, TrainSettings
from nichetune.models.memory import read_shape
from nichetune.train.fit import Fit, need_bytes

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


def what_would_fit(
    train: TrainSettings, method: Method, folder: Path, fit: Fit, device: str, longest: int, free: int
) -> str:
    """The leaner ways that fit by the plan's reckoning, or all of them together.

    Args:
        longest: tokens of the longest training example.
        free: bytes that were free before anything was loaded.
    """
    try:
        shape = read_shape(folder)
    except KeyError:
        return "set train.batch_size lower, train.checkpointing: on, or train the rung qlora"

    def need(batch: int, again: bool, packed: bool) -> int:
        if batch == train.batch_size:
            given, splits = train, fit.splits
        else:
            gathered = train.batch_size * train.accumulation // batch
            given, splits = train.model_copy(update={"batch_size": batch, "accumulation": gathered}), 1
        way = replace(fit, packed=packed, checkpointing=again, splits=splits)
        return need_bytes(shape, given, "qlora" if packed else method, way, device, longest)

    now = need(train.batch_size, fit.checkpointing, fit.packed)
    ways = {}
    if not fit.checkpointing:
        ways["train.checkpointing: on"] = need(train.batch_size, True, fit.packed)
    if train.batch_size > 1:
        ways[f"train.batch_size: 1 with train.accumulation: {train.batch_size * train.accumulation}"] = need(
            1, fit.checkpointing, fit.packed
        )
    if not fit.packed:
        few = "train.dequantise: off" if method == "qlora" else "the rung qlora with train.dequantise: off"
        ways[few] = need(train.batch_size, fit.checkpointing, True)
    room = min(free, now)
    fitting = {way: size for way, size in ways.items() if size < room}
    if not fitting and ways:
        together = {" and ".join(ways): need(1, True, True)}
        fitting = {way: size for way, size in together.items() if size < room}
    said = "; ".join(f"{way} needs about {_gib(size)}" for way, size in fitting.items())
    return f"about {_gib(now)} are needed and {_gib(free)} were free: {said or 'take a smaller base.model'}"


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 / 10 else f"{size / 2**20:.0f} MiB"
