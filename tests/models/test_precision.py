"""The number format is chosen by what the machine multiplies fast, and never by what it merely knows."""

from __future__ import annotations

import pytest
import torch

from nichetune.core.settings import BaseSettings
from nichetune.models.compute import frozen_linears, hold_linears, pick_dtype
from nichetune.models.precision import choose_format, measure_rates, pick_gpu_dtype


@pytest.mark.parametrize(
    ("rates", "chosen"),
    [
        ({"float32": 20, "bfloat16": 300, "float16": 310}, "bfloat16"),
        ({"float32": 8, "bfloat16": 3, "float16": 50}, "float16"),
        ({"float32": 8, "bfloat16": 9, "float16": 9}, "float32"),
    ],
    ids=["fast in both", "knows bfloat16 but emulates it", "gains by neither"],
)
def test_the_format_is_the_one_that_gains(rates, chosen):
    assert choose_format(rates) == chosen


def test_rates_are_measured_and_a_wish_goes_first():
    rates = measure_rates("cpu", size=128, rounds=2)
    assert set(rates) == {"float32", "bfloat16", "float16"} and all(rate > 0 for rate in rates.values())
    assert pick_gpu_dtype("float32") == "float32" == pick_dtype("float32", "cuda")
    assert BaseSettings(dtype="float16").dtype == pick_dtype("float16", "cpu") == "float16"


def test_float16_values_are_kept_where_they_were_trained_on_and_multiplied_in_float32(tmp_path):
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(LlamaConfig(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
                                         num_attention_heads=2))  # fmt: skip
    before = {name: module.weight.data.clone() for name, module in frozen_linears(model).items()}
    hold_linears(model, "float16")
    for name, module in frozen_linears(model).items():
        assert module.weight.dtype == torch.float32
        assert torch.equal(module.weight.data, before[name].half().float())
        assert not torch.equal(module.weight.data, before[name])
