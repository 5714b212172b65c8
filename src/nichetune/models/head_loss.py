"""The output head and its cross-entropy, without a score for every word of the vocabulary at every position at once.

    states [supervised, width], targets [supervised] -> the sum of -log p(target), in float32

A vocabulary of 128,256 words takes 0.5 MB a position in float32. The head is multiplied a piece at a time, and the
gradient that each piece will be asked for is made in the place of its scores: the same two products as in one piece,
and the memory of one piece (Liger's kernel does so on a GPU, and is used where it is installed).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch

IGNORED = -100
_SCORES_AT_ONCE = 1 << 24  # 64 MiB in float32: large enough for full speed, small beside any model


def sum_losses(states: torch.Tensor, head: Any, targets: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Sum of the cross-entropy at these positions; targets of -100 count nothing.

    Args:
        head: the output layer, `weight` [vocabulary, width] and `bias` or None.
        dtype: format in which the head multiplies; the loss itself is in float32.
    """
    if states.is_cuda and find_spec("liger_kernel"):
        from liger_kernel.transformers.functional import liger_fused_linear_cross_entropy

        total: torch.Tensor = liger_fused_linear_cross_entropy(
            states.to(dtype), head.weight.to(dtype), targets, head.bias, reduction="sum"
        )
        return total.float()
    rows = max(1, _SCORES_AT_ONCE // len(head.weight))
    pieced: torch.Tensor = _PiecedLoss.apply(states, head.weight, head.bias, targets, dtype, rows)
    return pieced


class _PiecedLoss(torch.autograd.Function):
    """Cross-entropy of some positions at a time; d(-log p)/d(scores) is softmax minus the target's one."""

    @staticmethod
    def forward(
        ctx: Any, states: Any, weight: Any, bias: Any, targets: Any, dtype: torch.dtype, rows: int
    ) -> torch.Tensor:
        total = torch.zeros((), device=states.device)
        grads = [
            torch.zeros_like(part) if part is not None and wanted else None
            for part, wanted in zip((states, weight, bias), ctx.needs_input_grad, strict=False)
        ]
        held, shift = weight.to(dtype), None if bias is None else bias.to(dtype)
        for start in range(0, len(targets), rows):
            place = slice(start, start + rows)
            piece = states[place].to(dtype)
            scores = torch.nn.functional.linear(piece, held, shift).float()  # [piece, vocabulary]
            total += _turn_into_slopes(scores, targets[place])
            slopes = scores.to(dtype)
            if grads[0] is not None:
                grads[0][place] = slopes @ held
            if grads[1] is not None:
                grads[1] += slopes.T @ piece
            if grads[2] is not None:
                grads[2] += scores.sum(0)
        ctx.grads = grads
        return total

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> tuple[Any, ...]:
        grads, ctx.grads = ctx.grads, None
        return *(None if one is None else one.mul_(outer[0]) for one in grads), None, None, None


def _turn_into_slopes(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Returns the summed loss of [piece, vocabulary] scores, and puts the loss's gradient in their place."""
    counted = (targets != IGNORED)[:, None]
    spots = targets.clamp(min=0)[:, None]
    at_target = scores.gather(1, spots)
    top = scores.amax(1, keepdim=True)
    total = scores.sub_(top).exp_().sum(1, keepdim=True)
    losses = (top + total.log() - at_target) * counted
    scores.div_(total).scatter_add_(1, spots, torch.full_like(at_target, -1.0)).mul_(counted)
    return losses.sum()
