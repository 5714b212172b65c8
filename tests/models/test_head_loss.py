"""The head in pieces: the loss and the gradients of the whole table of scores."""

from __future__ import annotations

import pytest
import torch

from nichetune.models import head_loss
from nichetune.models.head_loss import IGNORED, sum_losses


def lose(positions: int = 11, trained: bool = True, idle: bool = False):
    """Loss and gradients at some positions, two of them (or all) without a target."""
    torch.manual_seed(1)
    head = torch.nn.Linear(8, 50).requires_grad_(trained)
    states = torch.randn(positions, 8, requires_grad=True)
    targets = torch.randint(0, 50, (positions,))
    targets[slice(None) if idle else slice(2, 4)] = IGNORED
    loss = sum_losses(states, head, targets, torch.float32)
    (loss * 3).backward()
    return [loss.detach(), states.grad, *([head.weight.grad, head.bias.grad] if trained else [])]


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("rows", [1, 4, 11])
def test_pieces_give_the_loss_and_gradients_of_the_whole(monkeypatch, trained, rows):
    whole = lose(trained=trained)
    monkeypatch.setattr(head_loss, "_SCORES_AT_ONCE", rows * 50 if rows < 11 else 549)
    called = []
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda *_, **__: called.append(1))
    pieces = lose(trained=trained)
    assert not called  # the table of all scores was never made
    for one, other in zip(whole, pieces, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    assert whole[1].abs().max() > 0.01


@pytest.mark.parametrize("at_once", [100, 10_000])
def test_positions_without_a_target_teach_nothing(monkeypatch, at_once):
    monkeypatch.setattr(head_loss, "_SCORES_AT_ONCE", at_once)
    for part in lose(idle=True):
        assert torch.count_nonzero(part) == 0


@pytest.mark.gpu
def test_ligers_loss_is_the_plain_one(monkeypatch):
    pytest.importorskip("liger_kernel")
    torch.manual_seed(1)
    states = torch.randn(64, 128, device="cuda", dtype=torch.bfloat16, requires_grad=True)
    head = torch.nn.Linear(128, 1000, bias=False, device="cuda", dtype=torch.bfloat16).requires_grad_(False)
    targets = torch.randint(0, 1000, (64,), device="cuda")
    found = []
    for there in (True, False):
        if not there:
            monkeypatch.setattr(head_loss, "find_spec", lambda name: None)
        states.grad = None
        loss = sum_losses(states, head, targets, torch.bfloat16)
        loss.backward()
        found.append((loss.item(), states.grad.float()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-2)
    assert torch.allclose(found[0][1], found[1][1], atol=2e-2)
