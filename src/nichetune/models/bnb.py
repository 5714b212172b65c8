"""bitsandbytes as we want it: imported without a compiler, and packed weights that keep their values on a CPU."""

from __future__ import annotations

from typing import Any

from nichetune.models.nf4_kernel import register_quick_quantisation


def import_bitsandbytes() -> None:
    """Imports it with `torch.compile` put aside, which saves 1.5 of the seconds before a training's first step.

    It hands a few fallback kernels to the compiler at import, which loads all of it. Neither a CPU nor CUDA uses
    those: both have kernels of their own.
    """
    import torch

    own = torch.compile
    torch.compile = _leave  # type: ignore[assignment]
    try:
        import bitsandbytes  # noqa: F401
    finally:
        torch.compile = own
    register_quick_quantisation()


def _leave(function: Any = None, **_: Any) -> Any:
    return function if function is not None else _leave


def keep_packed_values(model: Any) -> None:
    """Forbids the change of layout at the first forward pass on a CPU with bfloat16 instructions.

    It rounds the blocks' scales to bfloat16, for good: what is trained beside afterwards are other weights than those
    that were loaded.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
