"""What must not matter does not: who else is in a batch, and in which order."""

from __future__ import annotations

import pytest
import torch
from train_tools import SIDES

from nichetune.core.settings import BaseSettings
from nichetune.models.loading import load_base
from nichetune.models.token_tree import use_token_tree
from nichetune.train.batches import collate_padded, collate_tree, predicting_states

START = [5, 6, 7, 8]
ROWS = [START + [40 + n, 50, 60 + n] + [70] * (n % 2) for n in range(len(SIDES) + 1)]


def rows(*ids: list[int]) -> list[dict[str, list[int]]]:
    return [{"input_ids": one, "labels": [-100] * 5 + one[5:]} for one in ids]


@pytest.fixture(params=["tree", "padded"])
def states(request, tiny_folder):
    """Hidden states that predict, in each of the two forms of a batch."""
    model = load_base(BaseSettings(model=str(tiny_folder), dtype="float32")).model
    if request.param == "tree":
        assert use_token_tree(model)
    collate = collate_tree if request.param == "tree" else collate_padded

    def run(*ids: list[int]):
        batch = collate(rows(*ids))
        return predicting_states(model.get_decoder(), batch), batch["labels"], model

    return run


def test_rows_packed_together_do_not_see_each_other(states):
    with torch.no_grad():
        alone, _, _ = states(ROWS[0])
        last, _, _ = states(ROWS[-1])
        packed, _, _ = states(*ROWS)
        beside_others, _, _ = states(ROWS[0], [*START, 99, 98, 97, 96, 95])
    assert torch.allclose(packed[: len(alone)], alone, atol=1e-5)
    assert torch.allclose(packed[-len(last) :], last, atol=1e-5)  # its 50 stands where the other rows' does
    assert torch.allclose(beside_others[: len(alone)], alone, atol=1e-5)


def test_the_order_of_rows_changes_neither_loss_nor_gradients(states):
    results = []
    for order in (ROWS, ROWS[::-1]):
        hidden, targets, model = states(*order)
        model.zero_grad()
        loss = torch.nn.functional.cross_entropy(model.get_output_embeddings()(hidden), targets)
        loss.backward()
        results.append((loss.item(), torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])))
    assert results[0][0] == pytest.approx(results[1][0], abs=1e-6)
    assert torch.allclose(results[0][1], results[1][1], atol=1e-6, rtol=1e-4)
