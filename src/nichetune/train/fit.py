"""How a training is made to fit: what is kept, and what is computed again, by the memory that is free.

settings + the base's config + the longest example -> Fit(packed, checkpointing, dtype), and a line that says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nichetune.core.progress import say
from nichetune.core.settings import Method, TrainSettings
from nichetune.models.compute import Dtype
from nichetune.models.memory import free_bytes, plan_memory, read_shape

_GIB = 2**30
_SHARE = 0.85  # of the free memory that the plan may fill: its parts are estimates, and others want memory too


@dataclass(frozen=True)
class Fit:
    """Whether QLoRA's weights stay in 4 bits, whether activations are computed again, and the weights' format."""

    packed: bool
    checkpointing: bool
    dtype: Dtype


def choose_fit(
    train: TrainSettings, method: Method, folder: Path, dtype: Dtype, device: str, longest: int, free: int | None = None
) -> Fit:
    """The fastest way that the settings allow and that fits: all kept; then checkpointing; then packed weights too.

    Args:
        longest: tokens of the longest training example.
        free: bytes to fit in; by itself what this machine has free.
    """
    if method != "qlora" or train.dequantise == "on":
        packings = [False]
    else:
        packings = [True] if train.dequantise == "off" else [False, True]
    recomputes = [train.checkpointing == "on"] if train.checkpointing != "auto" else [False, True]
    ways = [Fit(packed, again, dtype) for packed in packings for again in recomputes]
    if len(ways) == 1:
        return ways[0]
    free = free_bytes(device) if free is None else free
    try:
        shape = read_shape(folder)
    except KeyError:
        return ways[0]  # a config of another kind than a decoder's: nothing to reckon with
    weight_bytes = 2 if dtype == "bfloat16" else 4
    needs = [
        plan_memory(
            shape, method, train.rank, train.batch_size, longest, packed=way.packed, checkpointing=way.checkpointing,
            weight_bytes=weight_bytes,
        ).total
        for way in ways
    ]  # fmt: skip
    chosen = next((n for n, need in enumerate(needs) if need <= _SHARE * free), len(ways) - 1)
    if chosen:
        say(
            f"  {method}: {needs[0] / _GIB:.1f} GiB would be needed and {free / _GIB:.1f} are free: "
            f"{_words(ways[chosen])} ({needs[chosen] / _GIB:.1f} GiB)"
        )
    return ways[chosen]


def _words(way: Fit) -> str:
    parts = ["gradient checkpointing"] * way.checkpointing + ["weights kept in 4 bits"] * way.packed
    return " and ".join(parts)
