"""What a GPU does otherwise gives the same numbers: attention without a table of scores, fused kernels."""

from __future__ import annotations

import copy

import pytest
import torch

from nichetune.models.gpu import attend_rows, use_gpu_kernels
from nichetune.models.token_tree import build_tree, run_tree, use_token_tree


def tiny_model(device: str = "cpu", dtype: torch.dtype = torch.float32):
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=64, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16,
    )  # fmt: skip
    return LlamaForCausalLM(config).to(device, dtype)


def attend_plainly(query, key, value, scale):
    """[heads, rows, longest, head_dim]: softmax over the whole table of scores."""
    groups, longest = query.shape[0] // key.shape[0], query.shape[2]
    key, value = (part.repeat_interleave(groups, dim=0) for part in (key, value))
    hidden = torch.full((longest, longest), float("-inf"), device=query.device).triu(1)
    return ((query @ key.transpose(-1, -2)).float() * scale + hidden).softmax(-1).to(value.dtype) @ value


def check_attention(device: str, dtype: torch.dtype, tolerance: float):
    torch.manual_seed(2)
    results = []
    for attend in (attend_rows, attend_plainly):
        torch.manual_seed(2)
        parts = [torch.randn(heads, 3, 20, 16, device=device, dtype=dtype, requires_grad=True) for heads in (4, 2, 2)]
        out = attend(*parts, 0.3)
        out.float().pow(2).sum().backward()
        results.append([out.detach(), *(part.grad for part in parts)])
    for ours, plain in zip(*results, strict=True):
        assert ours.shape == plain.shape
        assert torch.allclose(ours.float(), plain.float(), atol=tolerance, rtol=tolerance)


def test_rows_attend_as_by_a_table_of_scores():
    check_attention("cpu", torch.float32, 1e-5)


def test_on_a_processor_nothing_is_replaced():
    model = tiny_model()
    before = model.config._attn_implementation
    assert use_gpu_kernels(model) == [] and model.config._attn_implementation == before


@pytest.mark.gpu
def test_rows_attend_on_a_gpu_as_by_a_table_of_scores():
    check_attention("cuda", torch.float32, 2e-3)
    check_attention("cuda", torch.bfloat16, 4e-2)


@pytest.mark.gpu
def test_a_tree_on_a_gpu_gives_the_states_that_a_processor_gives():
    tree = build_tree([[3, 4, 5, 6, 7, 8], [3, 4, 5, 9, 10], [11, 12]])
    states = []
    for device in ("cpu", "cuda"):
        model = tiny_model().to(device)
        assert use_token_tree(model)
        moved = type(tree)(*(part.to(device) for part in (tree.ids, tree.positions, tree.paths, tree.homes)))
        with torch.no_grad():
            states.append(run_tree(model.get_decoder(), moved).cpu())
    assert torch.allclose(*states, atol=2e-3)


@pytest.mark.gpu
def test_fused_kernels_give_the_plain_models_outputs():
    pytest.importorskip("liger_kernel")
    plain = tiny_model("cuda", torch.bfloat16)
    fused = copy.deepcopy(plain)
    ids = torch.arange(3, 40, device="cuda")[None]
    with torch.no_grad():
        expected = plain(input_ids=ids).logits.float()
        assert "Liger" in use_gpu_kernels(fused)
        assert torch.allclose(fused(input_ids=ids).logits.float(), expected, atol=5e-2)
