"""What this machine is, in words, so that a measured figure can be read."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path


@functools.cache
def describe_machine() -> str:
    """Cores, processor and the unit by which it multiplies bfloat16: `2 cores, AMD EPYC avx512_bf16`."""
    file = Path("/proc/cpuinfo")
    facts = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    told = [line.partition(":") for line in facts.splitlines()]
    names = {key.strip(): value.strip() for key, _, value in told}
    units = [unit for unit in ("amx_bf16", "avx512_bf16") if unit in names.get("flags", "").split()]
    return " ".join([f"{os.cpu_count()} cores,", names.get("model name") or platform.machine(), *units[:1]])
