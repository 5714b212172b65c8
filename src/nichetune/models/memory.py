"""What training takes: memory by part, and tokens a second from this machine's measured matrix-product rate.

Reads a model's config.json (no weights needed) -> MemoryPlan in bytes, forecast in tokens a second.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.core.files import read_json

NF4_BITS = 4.127  # 4 bits and, with double quantisation, 8/64 + 32/(64*256) bits of constants (QLoRA, section 3)
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Shape:
    """A decoder's sizes, as its config has them."""

    layers: int
    width: int
    inner: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int
    tied: bool

    @property
    def linear_parameters(self) -> int:
        """Weights of all linear layers but the head."""
        attention = self.width * self.head_width * (2 * self.heads + 2 * self.kv_heads)
        return self.layers * (attention + 3 * self.width * self.inner)

    @property
    def parameters(self) -> int:
        """All weights, norms left out."""
        return self.linear_parameters + self.vocabulary * self.width * (1 if self.tied else 2)

    def adapter_parameters(self, rank: int) -> int:
        """LoRA's weights on all linear layers: rank times input and output width of each."""
        q = self.heads * self.head_width
        kv = self.kv_heads * self.head_width
        widths = 2 * (self.width + q) + 2 * (self.width + kv) + 3 * (self.width + self.inner)
        return self.layers * rank * widths


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes by part."""

    weights: int
    adapter: int
    gradients: int
    optimiser: int
    activations: int
    logits: int

    @property
    def total(self) -> int:
        """All parts."""
        return self.weights + self.adapter + self.gradients + self.optimiser + self.activations + self.logits


def read_shape(folder: Path) -> Shape:
    """Sizes from `config.json`."""
    config: dict[str, Any] = read_json(folder / "config.json")
    heads = config["num_attention_heads"]
    return Shape(
        layers=config["num_hidden_layers"], width=config["hidden_size"], inner=config["intermediate_size"],
        heads=heads, kv_heads=config.get("num_key_value_heads") or heads,
        head_width=config.get("head_dim") or config["hidden_size"] // heads, vocabulary=config["vocab_size"],
        tied=bool(config.get("tie_word_embeddings", False)),
    )  # fmt: skip


def plan_memory(
    shape: Shape,
    method: str,
    rank: int,
    batch: int,
    length: int,
    supervised_share: float = 0.35,
    packed: bool = False,
    checkpointing: bool = False,
    weight_bytes: int = FLOAT_BYTES,
) -> MemoryPlan:
    """Bytes that a training step takes, in float32 but for the frozen weights.

    Args:
        packed: QLoRA with weights held in 4 bits rather than dequantised once.
        checkpointing: activations kept at layer bounds only, and computed again layer by layer.
        supervised_share: share of tokens with a label; only they get logits.
        weight_bytes: bytes of a frozen linear weight that is not packed.
    """
    trained = shape.parameters if method == "full" else shape.adapter_parameters(rank)
    adapter = 0 if method == "full" else trained * FLOAT_BYTES
    held = FLOAT_BYTES if method == "full" else NF4_BITS / 8 if packed and method == "qlora" else weight_bytes
    linear = shape.linear_parameters * held
    tokens = batch * length
    # Kept for the backward pass, in values a token and layer: inputs of the linear layers, q k v, attention output,
    # gate, up and their product, two norms.
    q = shape.heads * shape.head_width
    kept = 6 * shape.width + 2 * q + 2 * shape.kv_heads * shape.head_width + 4 * shape.inner
    per_token = shape.layers * shape.width + kept if checkpointing else shape.layers * kept
    return MemoryPlan(
        weights=int(linear + (shape.parameters - shape.linear_parameters) * FLOAT_BYTES), adapter=adapter,
        gradients=trained * FLOAT_BYTES, optimiser=2 * trained * FLOAT_BYTES,
        activations=tokens * per_token * FLOAT_BYTES,
        logits=int(3 * tokens * supervised_share * shape.vocabulary * FLOAT_BYTES),
    )  # fmt: skip


def free_bytes(device: str) -> int:
    """Memory that training may take on this device now."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    import psutil

    return int(psutil.virtual_memory().available)


def measure_flops(seconds: float = 0.5, size: int = 1024) -> float:
    """This machine's float32 matrix-product rate, in operations a second."""
    import torch

    a, b = torch.randn(size, size), torch.randn(size, size)
    a @ b
    start, products = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        a @ b
        products += 1
    return 2 * size**3 * products / (time.monotonic() - start)


def forecast_tokens_per_s(shape: Shape, method: str, flops: float, efficiency: float = 0.75) -> float:
    """Training speed: 4 operations a linear weight and token for a frozen base, 6 for a trained one.

    `efficiency` is the share of the matrix-product rate that training reached where it was measured.
    """
    return efficiency * flops / ((6 if method == "full" else 4) * shape.linear_parameters)
