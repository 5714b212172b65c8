"""The number format that a GPU multiplies best, measured: not every one that knows bfloat16 is fast in it.

rates in operations a second {"float32": 8e12, "bfloat16": 3e12, "float16": 51e12} -> "float16"
"""

from __future__ import annotations

import functools
import time
from typing import Literal

GpuDtype = Literal["float32", "bfloat16", "float16"]
_FORMATS: tuple[GpuDtype, ...] = ("float32", "bfloat16", "float16")
_WORTHWHILE = 1.3  # as on a CPU: casts cost a few per cent
_SIZE = 2048  # rows and columns: large enough to fill a GPU, a few milliseconds even where a format is emulated


def choose_format(rates: dict[GpuDtype, float]) -> GpuDtype:
    """bfloat16 where it gains over float32, since it never overflows; else float16 where that gains; else float32."""
    best: tuple[GpuDtype, ...] = ("bfloat16", "float16")
    return next((one for one in best if rates[one] >= _WORTHWHILE * rates["float32"]), "float32")


def pick_gpu_dtype(wanted: str) -> GpuDtype:
    """The format asked for, or what this GPU multiplies best."""
    return wanted if wanted in _FORMATS else choose_format(measure_rates("cuda"))  # type: ignore[return-value]


@functools.cache
def measure_rates(device: str, size: int = _SIZE, rounds: int = 8) -> dict[GpuDtype, float]:
    """Operations a second of a square product in each format, the quickest of some rounds."""
    import torch

    rates: dict[GpuDtype, float] = {}
    for name in _FORMATS:
        one = torch.randn(size, size, device=device).to(getattr(torch, name))
        quickest = min(_time_product(one, device) for _ in range(rounds))
        rates[name] = 2 * size**3 / max(quickest, 1e-9)
    return rates


def _time_product(one: object, device: str) -> float:
    import torch

    start = time.perf_counter()
    one @ one  # type: ignore[operator]
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start
