"""Energy that the machine used, where it has counters that may be read.

Reads Linux's powercap tree (RAPL, Intel and AMD; kernel documentation, power/powercap) and NVIDIA's NVML, if the
package nvidia-ml-py is there -> joules, or None. The counters are the whole machine's: what else ran is in them.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
_PARTS = ("package", "dram")  # a package's own parts (core, uncore) are in it already, memory is not


class EnergyMeter:
    """Counts from its making on.

    Args:
        powercap: where the kernel shows its counters.
    """

    def __init__(self, powercap: Path = POWERCAP) -> None:
        self._zones = {zone: count for zone in _list_zones(powercap) if (count := _read_count(zone)) is not None}
        self._gpu_start = _read_gpus()

    def joules(self) -> float | None:
        """Energy since then; None where nothing can be read. A counter that went round once is made good."""
        spent = [self._spent(zone, start) for zone, start in self._zones.items()]
        gpus = _read_gpus() if self._gpu_start is not None else None
        if gpus is not None and self._gpu_start is not None:
            spent.append(gpus - self._gpu_start)
        known = [one for one in spent if one is not None]
        return round(sum(known), 3) if known else None

    def _spent(self, zone: Path, start: int) -> float | None:
        now = _read_count(zone)
        if now is None:
            return None
        if now < start:
            now += int((zone / "max_energy_range_uj").read_text())
        return (now - start) / 1e6


def _list_zones(powercap: Path) -> Iterator[Path]:
    """Packages and their memory; platform-wide zones (psys) would count the packages twice."""
    for zone in sorted(powercap.glob("*rapl:*")):
        name = zone / "name"
        if name.is_file() and name.read_text().strip().startswith(_PARTS):
            yield zone


def _read_count(zone: Path) -> int | None:
    """Microjoules; None where the kernel shows them to root alone."""
    try:
        return int((zone / "energy_uj").read_text())
    except (OSError, ValueError):
        return None


def _read_gpus() -> float | None:
    """Joules of all NVIDIA GPUs since their driver was loaded (Volta and newer count them)."""
    if importlib.util.find_spec("pynvml") is None:
        return None
    nvml = importlib.import_module("pynvml")
    try:
        nvml.nvmlInit()
        handles = [nvml.nvmlDeviceGetHandleByIndex(n) for n in range(nvml.nvmlDeviceGetCount())]
        return sum(nvml.nvmlDeviceGetTotalEnergyConsumption(handle) for handle in handles) / 1e3
    except nvml.NVMLError:
        return None
