"""The number format of the frozen weights: what this machine multiplies fastest, measured and not assumed.

    loaded float32 model -> the same model, linear weights in bfloat16; all between them stays in float32

Some CPUs multiply bfloat16 two to three times as fast as float32, others eight times slower. Where it is faster,
only the large products use it: the residual stream, norms, softmax, adapters and loss keep float32, and what the head
finds in it is decided in float32.
"""

from __future__ import annotations

import functools
import time
from typing import Any, Literal

from nichetune.models.precision import pick_gpu_dtype

Dtype = Literal["float32", "bfloat16", "float16"]
_WORTHWHILE = 1.3  # casts to and fro cost a few per cent; the machines seen so far stand at 0.1 and at 2.4


def pick_dtype(wanted: str, device: str) -> Dtype:
    """The format asked for; by itself whatever this GPU or CPU multiplies faster."""
    if device == "cuda":
        return pick_gpu_dtype(wanted)
    if wanted in ("float32", "bfloat16", "float16"):
        return wanted  # type: ignore[return-value]
    return "bfloat16" if is_bfloat16_faster() else "float32"


def is_bfloat16_faster() -> bool:
    """Whether this CPU gains enough by bfloat16 to pay for the casts."""
    return bfloat16_gain() >= _WORTHWHILE


@functools.cache
def bfloat16_gain() -> float:
    """How many times faster this CPU multiplies bfloat16 than float32, on the shapes of a small model's layer.

    One thread, its own processor time, the quickest of many in turn: what else runs here must not change the answer,
    or a run would not be repeatable.
    """
    import torch

    rows, weight = torch.randn(128, 576), torch.randn(576, 576)
    pairs = ((rows, weight), (rows.bfloat16(), weight.bfloat16()))
    best = [float("inf"), float("inf")]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(24):
            for place, pair in enumerate(pairs):
                start = time.thread_time()
                torch.nn.functional.linear(*pair)
                best[place] = min(best[place], time.thread_time() - start)
    finally:
        torch.set_num_threads(threads)
    return best[0] / best[1]


def hold_linears(model: Any, dtype: Dtype) -> None:
    """Rounds the frozen linear weights (all but the head) to `dtype`, and multiplies in it where that is faster.

    Where it is slower the rounded values are held in float32: an adapter meets the values that it was trained on, on
    every machine.
    """
    import torch

    if dtype == "float32":
        return
    fast = dtype == "bfloat16" and is_bfloat16_faster()  # no CPU multiplies float16 well
    for module in frozen_linears(model).values():
        weight = module.weight.data.to(getattr(torch, dtype))
        module.weight.data = weight if fast else weight.float()
    if fast:
        multiply_in_bfloat16(model)


def copy_fast_head(head: Any, dtype: Dtype, device: str) -> Any:
    """The output head's weight in bfloat16, where the model is held in it on a CPU that gains by it; else None."""
    import torch

    wanted = device == "cpu" and dtype == "bfloat16" and head.bias is None and is_bfloat16_faster()
    return head.weight.data.to(torch.bfloat16) if wanted and head.weight.dtype == torch.float32 else None


def multiply_in_bfloat16(model: Any) -> None:
    """Lets plain linear layers multiply in bfloat16, whatever format their weights are held in."""
    import torch

    for module in frozen_linears(model).values():
        if type(module) is torch.nn.Linear:
            module.forward = functools.partial(_multiply, module)  # type: ignore[method-assign]


def _multiply(module: Any, rows: Any) -> Any:
    import torch

    bias = None if module.bias is None else module.bias.to(torch.bfloat16)
    product = torch.nn.functional.linear(rows.to(torch.bfloat16), module.weight.to(torch.bfloat16), bias)
    return product.to(rows.dtype)


def frozen_linears(model: Any) -> dict[str, Any]:
    """The linear layers that adapters and quantisation cover, by name: all but the output head."""
    import torch

    head = model.get_output_embeddings()
    return {name: m for name, m in model.named_modules() if isinstance(m, torch.nn.Linear) and m is not head}
