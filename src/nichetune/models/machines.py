"""Machines that training is often put on: what they hold, how fast they multiply, what an hour costs.

t4 -> Machine(device="cuda", memory_bytes=15 GiB, flops=65e12, usd_per_hour=0.35)
"""

from __future__ import annotations

from dataclasses import dataclass

from nichetune.core.errors import UserError
from nichetune.models.memory import free_bytes, measure_flops
from nichetune.models.shapes import Shape

GIB = 2**30
THIS = "this"


@dataclass(frozen=True)
class Machine:
    """One machine.

    Attributes:
        memory_bytes: what a training can have of it.
        flops: matrix-product operations a second, in the format that it multiplies fastest.
        efficiency: share of `flops` that training reaches.
        usd_per_hour: 0 where nothing is rented.
    """

    name: str
    device: str
    memory_bytes: int
    flops: float
    efficiency: float
    usd_per_hour: float
    dtype: str = "bfloat16"


# Bytes: what the driver reports, not the name on the box (a 16 GB T4: 15.0 GiB), less 0.5 for the CUDA context.
# Rates: the makers' data sheets, dense 16-bit products; efficiency 0.4: what well-kept trainers reach on these shapes,
# to be replaced by what bench/gpu.py measures. Prices: on-demand list prices of large clouds, rounded, May 2026;
# they move, and differ fivefold between providers: `--usd-per-hour` replaces them.
# Laptops: what is free beside a desktop, and float32 rates of four and eight cores with AVX2.
_GPU_SHARE, _CPU_SHARE, _CONTEXT = 0.4, 0.75, 0.5
_KNOWN = [
    Machine(name, "cuda", int((gib - _CONTEXT) * GIB), tera * 1e12, _GPU_SHARE, usd, dtype)
    for name, gib, tera, usd, dtype in (
        ("t4", 15.0, 65, 0.35, "float16"),
        ("l4", 22.5, 121, 0.70, "bfloat16"),
        ("a10", 22.2, 125, 1.00, "bfloat16"),
        ("a6000-48", 47.5, 155, 0.80, "bfloat16"),
        ("a100-40", 39.4, 312, 1.30, "bfloat16"),
        ("a100-80", 79.2, 312, 1.80, "bfloat16"),
        ("h100-80", 79.1, 989, 3.00, "bfloat16"),
    )
] + [
    Machine("laptop-8", "cpu", 4 * GIB, 150e9, _CPU_SHARE, 0.0, "float32"),
    Machine("laptop-16", "cpu", 11 * GIB, 300e9, _CPU_SHARE, 0.0, "float32"),
    Machine("laptop-32", "cpu", 26 * GIB, 450e9, _CPU_SHARE, 0.0, "float32"),
]


def list_machines() -> list[str]:
    """Names that `find_machine` knows, this one first."""
    return [THIS, *(machine.name for machine in _KNOWN)]


def find_machine(name: str) -> Machine:
    """A known machine, or `this` one: its free memory and its measured rate.

    Raises:
        UserError: no such name.
    """
    if name == THIS:
        return measure_machine()
    for machine in _KNOWN:
        if machine.name == name.lower():
            return machine
    raise UserError(f"--machine: no machine {name!r}: take one of {', '.join(list_machines())}")


def measure_machine() -> Machine:
    """This machine as it stands: the GPU if there is one, else its processor."""
    import torch

    from nichetune.models.compute import pick_dtype

    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = pick_dtype("auto", device)
    share = _GPU_SHARE if device == "cuda" else _CPU_SHARE
    return Machine(THIS, device, free_bytes(device), measure_flops(0.5, device, dtype), share, 0.0, dtype)


def count_operations(shape: Shape, method: str, length: int, supervised_share: float, checkpointing: bool) -> float:
    """Operations that training on one token takes.

    2 a weight forward, 2 for the gradient of what goes in, 2 more where the weight itself is trained, and 2 again where
    the forward pass is done twice; the head only at supervised tokens; attention's two products over the whole row.
    """
    times = (6 if method == "full" else 4) + 2 * checkpointing
    head = shape.vocabulary * shape.width * supervised_share * (6 if method == "full" else 4)
    attention = shape.layers * shape.query_width * length * (12 + 4 * checkpointing)
    return times * shape.linear_parameters + head + attention


def forecast_seconds(
    shape: Shape, method: str, length: int, tokens: float, machine: Machine, supervised_share: float,
    checkpointing: bool,
) -> float:  # fmt: skip
    """Seconds that training on so many tokens takes on a machine."""
    work = tokens * count_operations(shape, method, length, supervised_share, checkpointing)
    return work / (machine.efficiency * machine.flops)
