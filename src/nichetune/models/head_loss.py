"""Cross-entropy from the last hidden states, some rows at a time: all logits of a batch never exist at once.

states [tokens, width] + head [vocabulary, width] + targets [tokens] -> sum of the losses, with gradients

A chunk's gradient is known as soon as its scores are, and is taken in the same buffer; so the products are the same two
as without chunks, and the memory is one chunk's.
"""

from __future__ import annotations

from typing import Any

import torch

CHUNK_BYTES = 2**26  # of float32 scores: large enough for full speed, small beside any model


def chunk_rows(vocabulary: int) -> int:
    """Rows whose scores exist at one time."""
    return max(16, CHUNK_BYTES // (4 * vocabulary))


def head_loss(states: torch.Tensor, head: Any, targets: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The summed cross-entropy of a linear head; it multiplies in `dtype`, and all else is in float32."""
    loss: torch.Tensor = _HeadLoss.apply(states, head.weight, head.bias, targets, dtype)
    return loss


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Any, weight: Any, bias: Any, targets: Any, dtype: Any) -> torch.Tensor:
        wanted = ctx.needs_input_grad
        held = weight.to(dtype)
        states_grad = torch.empty_like(states) if wanted[0] else None
        weight_grad = torch.zeros_like(weight) if wanted[1] else None
        bias_grad = torch.zeros_like(bias) if wanted[2] else None
        loss = torch.zeros((), device=states.device, dtype=torch.float32)
        rows = chunk_rows(weight.shape[0])
        for start in range(0, len(states), rows):
            part = slice(start, start + rows)
            given = states[part].to(dtype)
            scores = torch.nn.functional.linear(given, held, None if bias is None else bias.to(dtype)).float()
            loss += _turn_into_gradient(scores, targets[part])
            grad = scores.to(dtype)  # [rows, vocabulary]
            if states_grad is not None:
                states_grad[part] = grad @ held
            if weight_grad is not None:
                weight_grad += grad.T @ given
            if bias_grad is not None:
                bias_grad += scores.sum(0)
        ctx.grads = (states_grad, weight_grad, bias_grad)
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        taken, ctx.grads = ctx.grads, None
        return *(None if one is None else one.mul_(grads[0]) for one in taken), None, None


def _turn_into_gradient(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Returns the summed loss of [rows, vocabulary] scores, which become the loss's gradient by them."""
    spots = targets[:, None]
    right = scores.gather(1, spots)
    top = scores.amax(1, keepdim=True)
    total = scores.sub_(top).exp_().sum(1, keepdim=True)
    loss = (top + total.log() - right).sum()
    scores.div_(total).scatter_add_(1, spots, torch.full_like(right, -1.0))
    return loss
