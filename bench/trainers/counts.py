"""What a training took: operations by tokens, and memory before it."""

from __future__ import annotations

from nichetune.models.shapes import Shape


def operations(shape: Shape, method: str, tokens: int, supervised: int, rank: int) -> float:
    """Of training on so many computed tokens: 4 a linear weight (6 if trained), 6 an adapter's, the head's by label."""
    times = 6 if method == "full" else 4
    adapter = 0 if method == "full" else shape.adapter_parameters(rank)
    head = shape.vocabulary * shape.width
    return tokens * (times * shape.linear_parameters + 6 * adapter) + supervised * times * head


def resident_bytes() -> int:
    """This process's resident memory now."""
    import psutil

    return int(psutil.Process().memory_info().rss)
