"""The head's loss in pieces is the plain cross-entropy: loss and every gradient."""

from __future__ import annotations

import pytest
import torch

from nichetune.models import head_loss
from nichetune.models.head_loss import IGNORED, sum_losses
from nichetune.models.memory import LOGIT_CHUNK_BYTES


def plain(states, head, targets, dtype):
    logits = torch.nn.functional.linear(states.to(dtype), head.weight.to(dtype), head.bias).float()
    return torch.nn.functional.cross_entropy(logits, targets, reduction="sum", ignore_index=IGNORED)


def learn(loss_of, trained: bool, bias: bool, dtype=torch.float32):
    """Loss and gradients at 50 positions, three of them without a target."""
    torch.manual_seed(1)
    head = torch.nn.Linear(24, 101, bias=bias).requires_grad_(trained)
    states, targets = (3 * torch.randn(50, 24)).requires_grad_(), torch.randint(101, (50,))
    targets[4:7] = IGNORED
    loss = loss_of(states, head, targets, dtype)
    (loss / 7).backward()
    return [loss.detach(), states.grad, *(p.grad for p in head.parameters() if trained)]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("rows", [1, 16, 1000])
def test_loss_and_gradients_are_those_of_all_scores_at_once(monkeypatch, bias, trained, rows):
    monkeypatch.setattr(head_loss, "_SCORES_AT_ONCE", rows * 101)
    for one, other in zip(learn(plain, trained, bias), learn(sum_losses, trained, bias), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_in_bfloat16_only_the_products_are_rounded():
    pairs = (learn(loss_of, True, False, torch.bfloat16) for loss_of in (plain, sum_losses))
    for one, other in zip(*pairs, strict=True):
        torch.testing.assert_close(one, other, rtol=0.02, atol=0.02)


def test_the_plan_knows_how_many_scores_stand_at_once():
    assert 4 * head_loss._SCORES_AT_ONCE == LOGIT_CHUNK_BYTES
