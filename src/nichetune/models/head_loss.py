"""The output head and its cross-entropy, without a score for every word of the vocabulary at every position at once.

    states [supervised, width], targets [supervised] -> the sum of -log p(target), in float32

A vocabulary of 128,256 words takes 0.5 MB a position in float32, and its gradient as much again. Above a limit the
head is multiplied a piece at a time, and the gradient that each piece will be asked for is made while it is at hand
(as Liger's kernel does on a GPU, which is used where it is installed).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch

IGNORED = -100
_SCORES_AT_ONCE = 1 << 26  # 256 MiB in float32


def sum_losses(states: torch.Tensor, head: Any, targets: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Sum of the cross-entropy at these positions; targets of -100 count nothing.

    Args:
        head: the output layer, `weight` [vocabulary, width] and `bias` or None.
        dtype: format in which the head multiplies; the loss itself is in float32.
    """
    states, weight = states.to(dtype), head.weight.to(dtype)
    if states.is_cuda and find_spec("liger_kernel"):
        from liger_kernel.transformers.functional import liger_fused_linear_cross_entropy

        total: torch.Tensor = liger_fused_linear_cross_entropy(states, weight, targets, head.bias, reduction="sum")
        return total.float()
    if len(targets) * len(weight) > _SCORES_AT_ONCE:
        pieced: torch.Tensor = _PiecedLoss.apply(states, weight, head.bias, targets, _SCORES_AT_ONCE // len(weight))
        return pieced
    logits = torch.nn.functional.linear(states, weight, head.bias).float()  # [supervised, vocabulary]
    return torch.nn.functional.cross_entropy(logits, targets, reduction="sum", ignore_index=IGNORED)


class _PiecedLoss(torch.autograd.Function):
    """Cross-entropy of some positions at a time; d(-log p)/d(scores) is softmax minus the target's one."""

    @staticmethod
    def forward(ctx: Any, states: Any, weight: Any, bias: Any, targets: Any, rows: int) -> torch.Tensor:
        total = torch.zeros((), device=states.device)
        state_grad, weight_grad, bias_grad = torch.zeros_like(states), None, None
        if ctx.needs_input_grad[1]:
            weight_grad = torch.zeros_like(weight, dtype=torch.float32)
        if bias is not None and ctx.needs_input_grad[2]:
            bias_grad = torch.zeros_like(bias, dtype=torch.float32)
        for start in range(0, len(targets), max(1, rows)):
            place = slice(start, start + max(1, rows))
            piece, wanted = states[place], targets[place]
            counted = wanted != IGNORED
            shares = torch.nn.functional.linear(piece, weight, bias).float().log_softmax(dim=-1)
            at_target = shares.gather(1, wanted.clamp(min=0)[:, None])
            total += -(at_target[:, 0] * counted).sum()
            slopes = shares.exp_().scatter_add_(1, wanted.clamp(min=0)[:, None], -torch.ones_like(at_target))
            slopes = slopes.mul_(counted[:, None]).to(states.dtype)  # [piece, vocabulary]
            state_grad[place] = slopes @ weight
            if weight_grad is not None:
                weight_grad += slopes.T @ piece
            if bias_grad is not None:
                bias_grad += slopes.sum(0)
        ctx.save_for_backward(state_grad, weight_grad, bias_grad)
        ctx.dtypes = (states.dtype, weight.dtype, None if bias is None else bias.dtype)
        return total

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> tuple[Any, ...]:
        grads = zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        return (*(None if grad is None else (grad * outer[0]).to(dtype) for grad, dtype in grads), None, None)
