"""The chunked cross-entropy is the whole one: loss and every gradient."""

from __future__ import annotations

import pytest
import torch

from nichetune.models import head_loss as module
from nichetune.models.head_loss import chunk_rows, head_loss
from nichetune.models.memory import LOGIT_CHUNK_BYTES


def whole(states, head, targets, dtype):
    logits = torch.nn.functional.linear(states.to(dtype), head.weight.to(dtype), head.bias).float()
    return torch.nn.functional.cross_entropy(logits, targets, reduction="sum")


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("trained", [False, True])
def test_loss_and_gradients_are_those_of_all_logits_at_once(monkeypatch, bias, trained):
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)  # 16 rows a chunk
    torch.manual_seed(1)
    head = torch.nn.Linear(24, 101, bias=bias).requires_grad_(trained)
    given, targets = 3 * torch.randn(50, 24), torch.randint(101, (50,))
    found = []
    for loss_of in (whole, head_loss):
        head.zero_grad()
        states = given.clone().requires_grad_()
        loss = loss_of(states, head, targets, torch.float32)
        (loss / 7).backward()
        found.append([loss.detach(), states.grad, *(p.grad for p in head.parameters() if trained)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_in_bfloat16_only_the_products_are_rounded():
    torch.manual_seed(1)
    head = torch.nn.Linear(24, 101, bias=False).requires_grad_(False)
    given, targets = torch.randn(50, 24), torch.randint(101, (50,))
    grads = []
    for loss_of in (whole, head_loss):
        states = given.clone().requires_grad_()
        loss_of(states, head, targets, torch.bfloat16).backward()
        grads.append(states.grad)
    torch.testing.assert_close(*grads, rtol=0.02, atol=0.02)


def test_scores_of_a_large_batch_never_stand_whole():
    assert chunk_rows(128_256) * 128_256 * 4 <= module.CHUNK_BYTES == LOGIT_CHUNK_BYTES
