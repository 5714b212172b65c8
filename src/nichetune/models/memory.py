"""What training takes at its peak, by part and by moment, reckoned from a model's sizes: no weights are needed.

    Shape + Work(method="qlora", rank=16, batch=4, length=512, …) -> MemoryPlan in bytes

Every term is an allocation that the trainer makes; a few constants, measured on this stack (`bench/fit.py` holds the
whole to 10%), stand for what no formula sees: the libraries' own memory, and holes between freed blocks.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from nichetune.models.shapes import Shape, read_shape

__all__ = ["MemoryPlan", "Shape", "Work", "free_bytes", "measure_flops", "plan_memory", "read_shape"]

HOLES = 1.3  # what is kept takes so much of the heap, since freed blocks between leave holes (measured 1.2 to 1.5)
LOADING_HOLES = 0.85  # of the weights that were rounded: the old ones' places are not given back before all are
WORKSPACE_BYTES = 64 * 2**20  # measured
FLOAT_BYTES = 4
HALF_BYTES = 2
LOGIT_CHUNK_BYTES = 2**26  # models/head_loss.py; not imported, since it needs torch
NF4_BITS = 4
SCALE_BITS = 32 / 64  # a float32 scale for each block of 64 weights (Dettmers et al. 2023, QLoRA, section 3)
NESTED_SCALE_BITS = 8 / 64 + 32 / (64 * 256)  # double quantised: 8 bits for each block, float32 for 256 of those


@dataclass(frozen=True)
class Work:
    """One training step, and how what it needs is held.

    Attributes:
        batch: examples a device step; length: tokens of the longest.
        supervised_share: share of tokens with a label; only they get logits.
        packed: QLoRA with weights held in 4 bits rather than dequantised once.
        checkpointing: activations kept at layer bounds only, and computed again layer by layer.
        weight_bytes: bytes in which the linear weights multiply (2: bfloat16).
        device: `cuda` holds all but adapters in 16 bits, and its allocator's peak is meant; else resident memory.
        accumulation: device steps an optimiser step; from 2 on gradients stay while the next batch is computed.
        nested: double quantisation of the scales.
        trained_bytes: bytes of a trained weight, of its gradient and of each of its two optimiser states.
        compact: freed blocks are given back at once (models/allocator.py); nothing to do with a GPU's own allocator.
    """

    method: str
    rank: int
    batch: int
    length: int
    supervised_share: float = 0.35
    packed: bool = False
    checkpointing: bool = False
    weight_bytes: int = FLOAT_BYTES
    device: str = "cpu"
    accumulation: int = 1
    nested: bool = True
    trained_bytes: int = FLOAT_BYTES
    compact: bool = False

    @property
    def full(self) -> bool:
        """Whether all weights are trained."""
        return self.method == "full"

    @property
    def holds_nf4(self) -> bool:
        """Whether linear weights stay in 4 bits."""
        return self.packed and self.method == "qlora"

    @property
    def whole_scores(self) -> bool:
        """Whether attention holds [rows x heads, length, length]; on a GPU its kernels work in blocks."""
        return self.device == "cpu"

    @property
    def halves(self) -> bool:
        """Whether large products are in 16 bits while what they multiply is held in 32."""
        return self.full and self.weight_bytes == HALF_BYTES

    @property
    def tokens(self) -> int:
        """Tokens of a device step, padding left out."""
        return self.batch * self.length


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes by part, each at its own height, and the peak of their sum.

    Attributes:
        weights: the base's, frozen or trained; constants: scales of packed 4-bit weights.
        activations: kept for the backward pass, with what the layer at work needs besides.
        logits: scores of supervised tokens, with their gradients.
        workspace: the libraries' own.
        loading: the peak while weights are read and quantised, before any training.
        total: the highest sum at one moment. Gradients come as activations go, so it is less than all parts together.
        moment: when that is: loading or training.
    """

    weights: int
    constants: int
    adapter: int
    gradients: int
    optimiser: int
    activations: int
    logits: int
    workspace: int
    loading: int
    total: int
    moment: str

    @property
    def parts(self) -> dict[str, int]:
        """What a table shows, in its order."""
        return {
            "weights": self.weights, "quantisation constants": self.constants, "adapter": self.adapter,
            "gradients": self.gradients, "optimiser": self.optimiser, "activations": self.activations,
            "logits": self.logits, "workspace": self.workspace,
        }  # fmt: skip


def plan_memory(shape: Shape, method: str, rank: int, batch: int, length: int, **how: Any) -> MemoryPlan:
    """Bytes that training takes at its peak, over what the process held before the model was loaded.

    Args:
        how: further attributes of `Work`.
    """
    work = Work(method, rank, batch, length, **how)
    weights, constants = _weights(shape, work), _constants(shape, work)
    trained = shape.parameters if work.full else shape.adapter_parameters(rank)
    adapter = 0 if work.full else trained * work.trained_bytes
    gradients, optimiser = trained * work.trained_bytes, 2 * trained * work.trained_bytes
    kept, working, logits = _kept(shape, work), _working(shape, work), _logits(shape, work)
    workspace = _workspace(work)
    held = weights + constants + adapter + optimiser + workspace
    moments = {
        "loading": workspace + _loading(shape, work, weights + constants),
        "training": held + _passing(shape, work, kept, max(working, logits), gradients),
    }
    moment = max(moments, key=lambda name: moments[name])
    return MemoryPlan(
        weights, constants, adapter, gradients, optimiser, kept + working, logits, workspace, moments["loading"],
        moments[moment], moment,
    )  # fmt: skip


def _float_bytes(work: Work) -> int:
    """What is neither packed nor an adapter: 16 bits on a GPU."""
    return HALF_BYTES if work.device == "cuda" else FLOAT_BYTES


def _weights(shape: Shape, work: Work) -> int:
    plain = work.trained_bytes if work.full else _float_bytes(work)
    held = NF4_BITS / 8 if work.holds_nf4 else plain if work.full else min(work.weight_bytes, plain)
    return int(shape.linear_parameters * held + shape.embedding_parameters * plain)


def _constants(shape: Shape, work: Work) -> int:
    bits = NESTED_SCALE_BITS if work.nested else SCALE_BITS
    return int(shape.linear_parameters * bits / 8) if work.holds_nf4 else 0


def _kept(shape: Shape, work: Work) -> int:
    """What the forward pass keeps for the backward pass: all of every layer, or what enters it; and the weights as they
    multiply, where they are trained in another format."""
    if work.checkpointing:
        return shape.layers * work.tokens * shape.width * _float_bytes(work)
    return shape.layers * _layer_kept(shape, work) + _copies(shape, work)


def _copies(shape: Shape, work: Work) -> int:
    """Trained weights as they multiply, kept until the backward pass has used them."""
    rounded = work.halves and work.trained_bytes > HALF_BYTES and not work.checkpointing
    return HALF_BYTES * shape.linear_parameters if rounded else 0


def _layer_kept(shape: Shape, work: Work) -> int:
    """Bytes of one layer: both residuals, what enters the linear layers, the gate's two sides and their product, and
    queries, keys and values (for scores held whole: as every head of every row sees them)."""
    each = _float_bytes(work)
    inputs = (2 * shape.width + shape.query_width + shape.inner) * each
    if work.device == "cuda" or work.halves:  # rounded anew for every layer
        inputs = (5 * shape.width + shape.query_width + shape.inner) * HALF_BYTES
    norms = 2 * shape.width * FLOAT_BYTES if work.full or work.device == "cuda" else 0
    low = 0 if work.full else 7 * work.rank * each
    other = (2 * shape.width + 3 * shape.inner) * each
    if work.whole_scores:
        attention = (3 * shape.query_width + shape.heads * work.length) * each
    else:
        attention = (2 * shape.query_width + 2 * shape.kv_width) * each
    return work.tokens * (inputs + norms + low + other + attention)


def _working(shape: Shape, work: Work) -> int:
    """The layer at work in the backward pass: gradients of the gate's sides, or of the scores; first all that it kept,
    where that is computed again."""
    scores = 2 * shape.heads * work.length if work.whole_scores else 0
    gradients = work.tokens * max(4 * shape.inner, scores + 4 * shape.query_width) * _float_bytes(work)
    return gradients + (_layer_kept(shape, work) if work.checkpointing else 0)


def _logits(shape: Shape, work: Work) -> int:
    """One chunk's scores in float32; where products are in 16 bits, a copy of them and of the head too."""
    supervised = int(work.tokens * work.supervised_share)
    rows = min(supervised, max(16, LOGIT_CHUNK_BYTES // (FLOAT_BYTES * shape.vocabulary)))
    halves = work.weight_bytes == HALF_BYTES and not work.holds_nf4
    head = shape.vocabulary * shape.width * HALF_BYTES if halves and work.device == "cpu" else 0
    return rows * shape.vocabulary * (FLOAT_BYTES + (HALF_BYTES if halves else 0)) + head


def _passing(shape: Shape, work: Work, kept: int, working: int, gradients: int) -> int:
    """The height of what comes and goes within a step: activations, logits, gradients."""
    table = shape.vocabulary * shape.width * work.trained_bytes if work.full else 0  # the embedding's gradient, apart
    gives_back = work.compact or work.device == "cuda"
    if work.accumulation == 1 and gives_back:  # gradients come as activations go
        return max(kept + working, gradients) + table
    if work.accumulation == 1 and work.full:  # a heap does not shrink; gradients fill the copies' places
        return kept + working + max(gradients - _copies(shape, work), 0) + table
    standing = gradients if work.accumulation > 1 else 0
    return int((1 if gives_back else HOLES) * kept) + working + standing + table


def _workspace(work: Work) -> int:
    """Libraries that load late, threads, compiled kernels: of the resident set, not of a GPU's allocator."""
    return 0 if work.device == "cuda" else WORKSPACE_BYTES


def _loading(shape: Shape, work: Work, held: int) -> int:
    """The peak while weights are read one by one, over the workspace."""
    if work.holds_nf4 or work.device == "cuda" or work.full:
        return held
    changed = work.weight_bytes if work.method == "qlora" or work.weight_bytes == HALF_BYTES else 0
    holes = 0 if work.compact else int(LOADING_HOLES * shape.linear_parameters * changed)
    return shape.parameters * FLOAT_BYTES + holes


def free_bytes(device: str) -> int:
    """Memory that training may take on this device now."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    import psutil

    return int(psutil.virtual_memory().available)


def measure_flops(seconds: float = 0.5, device: str = "cpu", dtype: str = "float32") -> float:
    """This machine's matrix-product rate, in operations a second."""
    import torch

    size = 1024 if device == "cpu" else 8192
    a, b = (torch.randn(size, size, device=device, dtype=getattr(torch, dtype)) for _ in range(2))
    a @ b
    _wait(device)
    start, products = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        a @ b
        products += 1
        _wait(device)
    return 2 * size**3 * products / (time.monotonic() - start)


def _wait(device: str) -> None:
    if device == "cuda":
        import torch

        torch.cuda.synchronize()
