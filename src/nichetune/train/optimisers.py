"""Optimisers by the name that a user gives, each tried on this device before it is relied on.

"adamw_8bit", "cuda" -> "adamw_8bit" (the trainer's own name), or one line that says what runs here
"""

from __future__ import annotations

from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.settings import Optimiser

# The trainer's names.
_NAMES: dict[Optimiser, str] = {
    "adamw": "adamw_torch_fused",
    "adamw_8bit": "adamw_8bit",
    "paged_adamw_8bit": "paged_adamw_8bit",
    "adafactor": "adafactor",
    "sgd": "sgd",
}
_SIZE = 128  # rows and columns: 8-bit optimisers keep tensors under 4,096 values in 32 bits


def choose_optimiser(name: Optimiser, device: str) -> str:
    """The trainer's name of an optimiser that runs on this device.

    Raises:
        UserError: it does not; those that do are named.
    """
    if not runs_here(name, device):
        others = ", ".join(other for other in _NAMES if other != name and runs_here(other, device))
        raise UserError(f"train.optimiser: {name} does not run on this {device}: take one of {others}")
    return _NAMES[name]


def runs_here(name: Optimiser, device: str) -> bool:
    """Whether one step of it moves a weight on this device."""
    import torch

    try:
        weight = torch.nn.Parameter(torch.ones(_SIZE, _SIZE, device=device))
        weight.grad = torch.full_like(weight, 0.5)
        _build(name, [weight]).step()
        moved = bool(torch.isfinite(weight).all() and (weight != 1).any())
    except Exception:  # noqa: BLE001 - a library's own way to say that it lacks this device, of many kinds
        return False
    return moved


def _build(name: Optimiser, weights: list[Any]) -> Any:
    import torch

    if name == "sgd":
        return torch.optim.SGD(weights, lr=0.1)
    if name == "adamw":
        return torch.optim.AdamW(weights, lr=0.1, fused=True)
    if name == "adafactor":
        from transformers.optimization import Adafactor

        return Adafactor(weights, lr=0.1, scale_parameter=False, relative_step=False)
    import bitsandbytes

    kind = bitsandbytes.optim.PagedAdamW8bit if name == "paged_adamw_8bit" else bitsandbytes.optim.AdamW8bit
    return kind(weights, lr=0.1)
