"""Packed weights keep their values, and the import leaves torch as it was."""

from __future__ import annotations

import subprocess
import sys

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from nichetune.models.bnb import import_bitsandbytes, keep_packed_values
from nichetune.models.compute import frozen_linears
from nichetune.models.quantise import quantisation_config


def dequantised(model) -> list[torch.Tensor]:
    from bitsandbytes.functional import dequantize_4bit

    return [dequantize_4bit(m.weight.data, m.weight.quant_state).float() for m in frozen_linears(model).values()]


def test_a_forward_pass_does_not_change_packed_weights(tmp_path):
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=128, **sizes)).save_pretrained(tmp_path)
    model = LlamaForCausalLM.from_pretrained(tmp_path, quantization_config=quantisation_config())
    keep_packed_values(model)
    before = dequantised(model)
    with torch.inference_mode():
        model(input_ids=torch.tensor([[1, 2, 3]]))
    assert all(torch.equal(a, b) for a, b in zip(before, dequantised(model), strict=True))


def test_the_import_puts_the_compiler_back_and_does_not_load_it():
    own = torch.compile
    import_bitsandbytes()
    assert torch.compile is own
    code = (
        "import sys; from nichetune.models.bnb import import_bitsandbytes; import_bitsandbytes(); "
        "print('torch._inductor.compile_fx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
