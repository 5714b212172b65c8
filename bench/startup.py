"""Seconds from `nichetune train` to the first step, on a warm disk: the stages before it stand, conversions are cached.

Needs no run and no data (a small project is made in a temporary folder) -> a table, and with --json FILE its figures:

    python bench/startup.py [--methods lora qlora] [--turns 3] [--other DIR] [--json FILE]

With --other, the `src` folder of another version, both take turns (this, other, this, …). The clock begins when the
process does and is read when the trainer is handed the model (`ready`), and when the first step's loss is logged
(`stepped`). Exit status 1 if this version's mean of `ready` is above ten seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ALLOWED_S = 10.0
SETTINGS = """\
project: startup
rungs: [lora, qlora]
sources:
  - {path: data/*.csv, task: kind, map: {text: name, answer: kind}}
tasks:
  kind: {kind: exact, prompt: Say what kind of character has this name., max_new_tokens: 8}
mask: {enabled: false, because: names of Unicode characters}
split: {max_train: {kind: 48}}
"""
# The clock is read by the progress counter, which is imported long before anything heavy.
CHILD = """
import os, sys, time
ticks = int(open("/proc/self/stat").read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
def age(): return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks
from nichetune.core import progress
class Clock(progress.Tick):
    def __init__(self, label, total, unit):
        super().__init__(label, total, unit)
        if label.startswith("training "): print("ready", age(), flush=True)
    def __call__(self, units=1, note=""):
        if "loss" in note:
            print("stepped", age(), flush=True)
            os._exit(0)
        super().__call__(units, note)
progress.Tick = Clock
from nichetune.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def make_project(folder: Path) -> Path:
    """Settings and the starter's CSV, in an empty folder."""
    subprocess.run([sys.executable, ROOT / "examples/starter/build_corpus.py", "--out", folder / "data"], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    (folder / "nichetune.yaml").write_text(SETTINGS)
    return folder


def measure(source: Path, project: Path, run_dir: Path, method: str) -> dict[str, float]:
    """One process's seconds, by what was reached."""
    arguments = ["train", method, "--project", str(project), "--run-dir", str(run_dir)]
    environment = os.environ | {"PYTHONPATH": str(source)}
    done = subprocess.run([sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=False,
                          env=environment)  # fmt: skip
    told = dict(line.split() for line in done.stdout.splitlines() if line.startswith(("ready", "stepped")))
    if "stepped" not in told:
        raise SystemExit(f"no first step:\n{done.stderr[-2000:]}")
    return {name: float(seconds) for name, seconds in told.items()}


def summarise(values: list[float]) -> dict[str, Any]:
    """Mean and range."""
    return {"value": statistics.mean(values), "low": min(values), "high": max(values), "n": len(values)}


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=["lora", "qlora"])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--other", type=Path, help="src folder of another version, measured in turn")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    sources = {"this": ROOT / "src"} | ({"other": given.other.resolve()} if given.other else {})
    found: dict[tuple[str, str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        project = make_project(Path(name) / "project")
        for turn in range(-1, given.turns):  # the first makes the stages before training, and warms the disk
            for method in given.methods:
                for side, source in sources.items():
                    seconds = measure(source, project, Path(name) / side, method)
                    for reached, value in seconds.items() if turn >= 0 else ():
                        found.setdefault((side, method, reached), []).append(value)
    figures = {"startup_s." + ".".join(key): summarise(values) for key, values in found.items()}
    for key, one in figures.items():
        print(f"{key:32} {one['value']:6.2f} s  ({one['low']:.2f} to {one['high']:.2f}, n = {one['n']})")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")
    slow = [
        key for key, one in figures.items() if ".this." in key and key.endswith("ready") and one["value"] > ALLOWED_S
    ]
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
