"""Energy counters as the kernel shows them, in a folder of the same form."""

from __future__ import annotations

from pathlib import Path

from nichetune.core.energy import EnergyMeter


def write_zone(root: Path, zone: str, name: str, count: int) -> Path:
    folder = root / zone
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text("1000000000\n")
    (folder / "energy_uj").write_text(f"{count}\n")
    return folder / "energy_uj"


def test_packages_and_their_memory_count_once_each(tmp_path):
    package = write_zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    core = write_zone(tmp_path, "intel-rapl:0:0", "core", 1_000_000)
    memory = write_zone(tmp_path, "intel-rapl:0:1", "dram", 2_000_000)
    platform = write_zone(tmp_path, "intel-rapl:1", "psys", 9_000_000)
    meter = EnergyMeter(tmp_path)
    for count, file in ((8_000_000, package), (3_000_000, core), (2_500_000, memory), (99_000_000, platform)):
        file.write_text(str(count))
    assert meter.joules() == 3.5


def test_a_counter_that_went_round_is_made_good(tmp_path):
    count = write_zone(tmp_path, "intel-rapl:0", "package-0", 999_000_000)
    meter = EnergyMeter(tmp_path)
    count.write_text("2000000")
    assert meter.joules() == 3.0


def test_without_counters_nothing_is_told(tmp_path):
    assert EnergyMeter(tmp_path).joules() is None
    assert EnergyMeter(tmp_path / "none").joules() is None


def test_a_counter_that_cannot_be_read_tells_nothing(tmp_path):
    write_zone(tmp_path, "intel-rapl:0", "package-0", 1).write_text("")
    assert EnergyMeter(tmp_path).joules() is None
