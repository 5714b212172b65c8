"""LoRA layers' forward and backward in the fewest passes over memory and the fewest products.

PEFT computes `base(x) + B(A(dropout(x))) * scaling`: on a CPU the separate sum and product each read and write all
of [tokens, out] again. Here the low-rank product is added in place by the matrix product itself, forward and
backward. Layers that read the same input (query, key and value; gate and up) are multiplied as one: one large product
instead of several, one cast of their input, no sum of their gradients. The frozen product runs in the format of the
frozen weight; the thin products of the adapter stay in float32, where they are no slower. The numbers are PEFT's (a
test compares outputs and gradients).
"""

from __future__ import annotations

import functools
from typing import Any

import torch

from nichetune.models.allocator import return_freed_pages

_PROBE_TOKENS = 4


class _LoraProducts(torch.autograd.Function):
    """x W_i^T + b_i + s_i (x A_i^T) B_i^T of layers i with one input and frozen W (Hu et al. 2021, section 4.1).

    `weight` holds the layers' rows one under the other; `adapters` are A_0, B_0, A_1, B_1, …
    """

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, scales: tuple[float, ...], *adapters: Any) -> Any:
        downs, ups = adapters[::2], adapters[1::2]
        flat = x.reshape(-1, x.shape[-1])  # [tokens, in]
        down = torch.cat(downs) if len(downs) > 1 else downs[0]  # [ranks, in]
        low = flat @ down.T  # [tokens, ranks]
        out = torch.nn.functional.linear(flat.to(weight.dtype), weight, bias).to(flat.dtype)  # [tokens, outs]
        ranks, widths = [len(a) for a in downs], [len(b) for b in ups]
        outs = out.split(widths, dim=1)
        for part, thin, b, scale in zip(outs, low.split(ranks, dim=1), ups, scales, strict=True):
            part.addmm_(thin, b.T, alpha=scale)
        ctx.save_for_backward(flat, weight, down, low, *ups)
        ctx.scales, ctx.ranks, ctx.widths, ctx.shape = scales, ranks, widths, x.shape
        return tuple(part.reshape(*x.shape[:-1], -1) for part in outs)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        flat, weight, down, low, *ups = ctx.saved_tensors
        parts = [g.reshape(-1, width) for g, width in zip(grads, ctx.widths, strict=True)]  # [tokens, out] each
        low_grad = torch.empty_like(low)  # [tokens, ranks]
        b_grads = []
        zipped = zip(parts, low.split(ctx.ranks, dim=1), low_grad.split(ctx.ranks, dim=1), ups, ctx.scales, strict=True)
        for grad, thin, thin_grad, b, scale in zipped:
            torch.addmm(thin_grad, grad, b, beta=0, alpha=scale, out=thin_grad)
            b_grads.append((grad.T @ thin).mul_(scale))
        x_grad = None
        if ctx.needs_input_grad[0]:
            grad = (torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]).to(weight.dtype)
            x_grad = (grad @ weight).to(flat.dtype).addmm_(low_grad, down).view(ctx.shape)
        a_grads = (low_grad.T @ flat).split(ctx.ranks)
        pairs = [g for pair in zip(a_grads, b_grads, strict=True) for g in pair]
        return x_grad, None, None, None, *pairs


class _Group:
    """Layers that read the same input: the first that is asked computes all, the others hand over."""

    def __init__(self, modules: list[Any]) -> None:
        self.modules = modules
        self.x: Any = None
        self.outs: list[Any] = []
        bases = [m.base_layer for m in modules]
        self.weight, self.bias = bases[0].weight.data, bases[0].bias
        if len(modules) > 1:
            self.weight = torch.cat([b.weight.data for b in bases])
            for base, rows in zip(bases, self.weight.split([len(b.weight) for b in bases]), strict=True):
                base.weight.data = rows  # a view: nothing is held twice
            self.bias = None if self.bias is None else torch.cat([b.bias.data for b in bases])
        names = [m.active_adapters[0] for m in modules]
        self.scales = tuple(m.scaling[n] for m, n in zip(modules, names, strict=True))
        self.pairs = [layer[n] for m, n in zip(modules, names, strict=True) for layer in (m.lora_A, m.lora_B)]
        for place, module in enumerate(modules):
            module.forward = functools.partial(self.forward, place)

    def forward(self, place: int, x: torch.Tensor, *_: Any, **__: Any) -> Any:
        if self.x is not x or self.outs[place] is None:
            adapters = (layer.weight for layer in self.pairs)
            self.x, self.outs = x, list(_LoraProducts.apply(x, self.weight, self.bias, self.scales, *adapters))
        out, self.outs[place] = self.outs[place], None
        if all(other is None for other in self.outs):
            self.x = None
        return out


def fuse_lora(model: Any) -> int:
    """Gives every plain float LoRA linear of a PEFT model the fused pass; returns how many.

    Layers of another kind (packed 4 bits, DoRA, dropout, several adapters) keep PEFT's own.
    """
    from peft.tuners.lora.layer import Linear

    modules = [m for m in model.modules() if type(m) is Linear and _is_plain(m)]
    for group in _share_inputs(model, modules):
        _Group(group)
    return_freed_pages()  # the single layers' weights, as they stood before they were put together
    return len(modules)


def _share_inputs(model: Any, modules: list[Any]) -> list[list[Any]]:
    """Groups layers that were called in a row with the very same tensor, as a few tokens through the model show."""
    calls: list[tuple[Any, Any]] = []
    hooks = [m.register_forward_pre_hook(lambda module, given: calls.append((module, given[0]))) for m in modules]
    try:
        with torch.no_grad():
            model(input_ids=torch.zeros(1, _PROBE_TOKENS, dtype=torch.long), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    groups: list[list[Any]] = []
    before: Any = None
    for module, x in calls:
        alike = x is before and (module.base_layer.bias is None) == (groups[-1][0].base_layer.bias is None)
        if alike and module not in groups[-1]:
            groups[-1].append(module)
        else:
            groups.append([module])
        before = x
    called = {id(m) for group in groups for m in group}
    return groups + [[m] for m in modules if id(m) not in called]


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
