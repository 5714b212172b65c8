"""NF4 with double quantisation for a base model's frozen weights (Dettmers et al. 2023, QLoRA, section 3).

Two ways to hold the same values: packed (4 bits a weight, dequantised at every use; saves memory) or dequantised
once (float, as fast as LoRA). Both give the very same numbers: a test compares them.
"""

from __future__ import annotations

from typing import Any

from nichetune.models.compute import frozen_linears

BLOCK_WEIGHTS = 64  # weights that share one scale, QLoRA's own choice


def quantisation_config(device: str = "cpu") -> Any:
    """Packed NF4, scales quantised as well; products in float32, on a GPU in bfloat16."""
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if device == "cuda" else torch.float32,
    )


def round_to_nf4(model: Any) -> int:
    """Replaces each frozen linear weight by its NF4 value, held in float; returns how many weights.

    The output head and the embeddings stay as they are, as in the packed form.
    """
    import torch

    rounded = 0
    with torch.no_grad():
        for module in frozen_linears(model).values():
            module.weight.data = _round_weight(module.weight.data)
            rounded += module.weight.numel()
    return rounded


def _round_weight(weight: Any) -> Any:
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    packed, state = quantize_4bit(weight, blocksize=BLOCK_WEIGHTS, compress_statistics=True, quant_type="nf4")
    return dequantize_4bit(packed, state).to(weight.dtype)
