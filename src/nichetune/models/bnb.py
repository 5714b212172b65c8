"""bitsandbytes without the compiler that it loads at import: 1.5 of the seconds before a training's first step.

It hands a few fallback kernels to `torch.compile` when it is imported, which loads all of the compiler. Neither a CPU
nor CUDA uses those: both have kernels of their own.
"""

from __future__ import annotations

from typing import Any


def import_bitsandbytes() -> None:
    """Imports it once with `torch.compile` put aside; its fallbacks then run as they are written."""
    import torch

    own = torch.compile
    torch.compile = _leave  # type: ignore[assignment]
    try:
        import bitsandbytes  # noqa: F401
    finally:
        torch.compile = own


def _leave(function: Any = None, **_: Any) -> Any:
    return function if function is not None else _leave
