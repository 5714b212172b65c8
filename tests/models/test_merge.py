"""Merging: the sum that is written is the one that was evaluated."""

from __future__ import annotations

import pytest
import torch
from tests.tiny_models import save_adapter, save_tiny

from nichetune.core.errors import UserError
from nichetune.core.settings import BaseSettings
from nichetune.models.adapters import load_with_adapter
from nichetune.models.loading import load_base
from nichetune.models.merge import merge_weights, save_weights

EXACT = BaseSettings(dtype="float32")
TEXT = "Lattice corneal dystrophy, OD. Mother had glaucoma. Code the current finding."


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, tokenizer) -> BaseSettings:
    return BaseSettings(model=str(save_tiny(tmp_path_factory.mktemp("tiny"), tokenizer)), dtype="float32")


@pytest.fixture(scope="module")
def adapter(tmp_path_factory, tiny, tokenizer):
    return save_adapter(tmp_path_factory.mktemp("adapter"), load_base(tiny).model, tokenizer)


def logits(model, tokenizer) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=torch.tensor([tokenizer(TEXT)["input_ids"]])).logits[0].float()


def furthest(a: torch.Tensor, b: torch.Tensor) -> float:
    return (a - b).abs().max().item()


def test_merged_equals_unmerged_beside_nf4_and_not_beside_plain_weights(tmp_path, tokenizer):
    adapter = save_adapter(tmp_path, load_base(EXACT).model, tokenizer, size=0.02)
    unmerged = logits(load_with_adapter(EXACT, "nf4", adapter).model, tokenizer)
    merged = logits(merge_weights(EXACT, "nf4", "float32", adapter).model, tokenizer)
    wrong = logits(merge_weights(EXACT, "none", "float32", adapter).model, tokenizer)
    assert furthest(merged, unmerged) < 1e-3
    assert furthest(wrong, unmerged) > 1.0


def test_a_base_held_in_bfloat16_is_merged_as_it_was_held(tiny, adapter):
    merged = merge_weights(tiny, "none", "bfloat16", adapter).model
    plain = merge_weights(tiny, "none", "float32", adapter).model
    name = "model.layers.1.mlp.up_proj.weight"
    base = load_base(tiny).model.get_parameter(name)
    change = plain.get_parameter(name) - base
    torch.testing.assert_close(merged.get_parameter(name), base.bfloat16().float() + change, atol=1e-6, rtol=0)


def test_written_weights_are_rounded_once_and_load_again(tmp_path, tiny, adapter, tokenizer):
    merged = merge_weights(tiny, "nf4", "bfloat16", adapter)
    before = {name: weight.clone() for name, weight in merged.model.named_parameters()}
    save_weights(merged, tmp_path, "f16")
    again = load_base(BaseSettings(model=str(tmp_path), dtype="float32"))
    assert again.tokenizer.chat_template == tokenizer.chat_template
    for name, weight in before.items():
        assert torch.equal(again.model.get_parameter(name), weight.half().float())


def test_an_adapter_that_changes_nothing_is_refused(tmp_path, tiny, tokenizer):
    idle = save_adapter(tmp_path, load_base(tiny).model, tokenizer, size=0.0)
    with pytest.raises(UserError, match="changes nothing"):
        merge_weights(tiny, "none", "float32", idle)


def test_a_weight_beyond_float16_is_refused(tmp_path, tiny):
    loaded = load_base(tiny)
    with torch.no_grad():
        loaded.model.get_parameter("model.norm.weight")[0] = 1e5
    with pytest.raises(UserError, match="bf16"):
        save_weights(loaded, tmp_path, "f16")
