"""A LoRA layer's forward and backward in the fewest passes over memory.

PEFT computes `base(x) + B(A(dropout(x))) * scaling`: on a CPU the separate sum and product each read and write all
of [tokens, out] again. Here the low-rank product is added in place by the matrix product itself, forward and
backward. The frozen product runs in the format of the frozen weight; the thin products of the adapter stay in float32,
where they are no slower. The numbers are PEFT's (a test compares outputs and gradients).
"""

from __future__ import annotations

from typing import Any

import torch


class _LoraProduct(torch.autograd.Function):
    """x W^T + b + s (x A^T) B^T with a frozen W (Hu et al. 2021, section 4.1)."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, a: Any, b: Any, scale: float) -> torch.Tensor:
        flat = x.reshape(-1, x.shape[-1])  # [tokens, in]
        low = flat @ a.T  # [tokens, rank]
        out = torch.nn.functional.linear(flat.to(weight.dtype), weight, bias).to(flat.dtype)  # [tokens, out]
        out.addmm_(low, b.T, alpha=scale)
        ctx.save_for_backward(flat, weight, a, b, low)
        ctx.scale, ctx.shape = scale, x.shape
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        flat, weight, a, b, low = ctx.saved_tensors
        grad = grads[0].reshape(-1, weight.shape[0])  # [tokens, out]
        low_grad = (grad @ b).mul_(ctx.scale)  # [tokens, rank]
        x_grad = None
        if ctx.needs_input_grad[0]:
            x_grad = (grad.to(weight.dtype) @ weight).to(grad.dtype).addmm_(low_grad, a).view(ctx.shape)
        b_grad = (grad.T @ low).mul_(ctx.scale)
        return x_grad, None, None, low_grad.T @ flat, b_grad, None


def fuse_lora(model: Any) -> int:
    """Gives every plain float LoRA linear of a PEFT model the fused pass; returns how many.

    Layers of another kind (packed 4 bits, DoRA, dropout, several adapters) keep PEFT's own.
    """
    from peft.tuners.lora.layer import Linear

    fused = 0
    for module in model.modules():
        if type(module) is Linear and _is_plain(module):
            module.forward = _make_forward(module)  # type: ignore[method-assign]
            fused += 1
    return fused


def _is_plain(module: Any) -> bool:
    name = module.active_adapters[0] if len(module.active_adapters) == 1 else ""
    base = module.base_layer
    return (
        name in module.lora_A
        and not module.lora_variant
        and isinstance(module.lora_dropout[name], torch.nn.Identity)
        and type(base) is torch.nn.Linear
        and base.weight.device.type == "cpu"
        and base.weight.dtype in (torch.float32, torch.bfloat16)
        and not base.weight.requires_grad
    )


def _make_forward(module: Any) -> Any:
    name = module.active_adapters[0]
    base, a, b, scale = module.base_layer, module.lora_A[name], module.lora_B[name], module.scaling[name]

    def forward(x: torch.Tensor, *_: Any, **__: Any) -> Any:
        return _LoraProduct.apply(x, base.weight, base.bias, a.weight, b.weight, scale)

    return forward
