"""What a CUDA GPU does faster than plain PyTorch: attention without scores in memory, fused norms and activations.

    loaded model -> the same model with Liger's kernels and flash attention, where these packages are installed

Nothing here changes what is computed, only how; without the packages PyTorch's own kernels run.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch


def use_gpu_kernels(model: Any) -> list[str]:
    """Puts faster kernels into a model on a GPU, before adapters or trainers wrap it; returns what is in use.

    Liger replaces norms, gated activations and rotary positions by its own apply functions, on model types that it
    knows; its loss is not taken, since ours sees supervised positions only (`models/head_loss.py`).
    """
    if model.device.type != "cuda":
        return []
    used = []
    if find_spec("liger_kernel"):
        from transformers.integrations.liger import apply_liger_kernel

        names = ("rope", "rms_norm", "swiglu", "geglu")
        wanted = dict.fromkeys(names, True) | {"cross_entropy": False, "fused_linear_cross_entropy": False}
        apply_liger_kernel(model, wanted)
        used.append("Liger")
    # Flash attention multiplies 16-bit numbers only; weights in float32 (full tuning) keep PyTorch's attention.
    if find_spec("flash_attn") and model.dtype in (torch.bfloat16, torch.float16):
        model.set_attn_implementation("flash_attention_2")
        used.append("flash attention")
    return used


def attend_rows(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float) -> torch.Tensor:
    """Causal attention of whole rows without a [longest, longest] table of scores.

    Args:
        query: [heads, rows, longest, head_dim]; key, value: [kv_heads, rows, longest, head_dim].

    Returns:
        [heads, rows, longest, head_dim].
    """
    if query.is_cuda and query.dtype in (torch.bfloat16, torch.float16) and find_spec("flash_attn"):
        from flash_attn import flash_attn_func

        parts = (part.permute(1, 2, 0, 3) for part in (query, key, value))  # [rows, longest, heads, head_dim]
        flashed: torch.Tensor = flash_attn_func(*parts, softmax_scale=scale, causal=True)
        return flashed.permute(2, 0, 1, 3)
    q, k, v = (part.transpose(0, 1) for part in (query, key, value))  # [rows, heads, longest, head_dim]
    grouped = query.shape[0] != key.shape[0]
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale, enable_gqa=grouped)
    return out.transpose(0, 1)
