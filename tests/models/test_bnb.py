"""Packed weights keep their values, and the import leaves torch as it was."""

from __future__ import annotations

import gc
import subprocess
import sys
from types import FunctionType

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from nichetune.models import nf4_kernel
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


@pytest.mark.parametrize("shape", [(96, 64), (7, 33), (3, 2044)])
@pytest.mark.parametrize("quant_type", ["nf4", "fp4"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_quick_quantisation_has_the_bits_of_the_general_one(monkeypatch, shape, quant_type, dtype):
    import_bitsandbytes()
    from bitsandbytes.backends.default import ops

    # Registered functions are only to be found among all that live; the one by blocks of bytes takes fewer arguments.
    general = next(
        one for one in gc.get_objects()
        if type(one) is FunctionType and one.__module__ == ops.__name__ and "bucketize" in one.__code__.co_names
        and one.__code__.co_argcount == 4
    )  # fmt: skip
    monkeypatch.setattr(nf4_kernel, "_PIECE_WEIGHTS", 1024)  # several pieces
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(3)).to(dtype) * 0.03
    drawn[0] = 0  # a block without a largest magnitude
    for storage in (torch.uint8, torch.bfloat16):
        expected = general(drawn, 64, quant_type, storage)
        found = torch.ops.bitsandbytes.quantize_4bit.default(drawn, 64, quant_type, storage)
        assert torch.equal(found[0].view(torch.uint8), expected[0].view(torch.uint8))
        assert torch.equal(found[1], expected[1])


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
