"""How much data does it take? The same rung after 75, 150, 300, 600 examples, on the same sealed items.

Reads a project -> OUT/data, OUT/<size>, and with --json FILE the figures:

    python bench/curve.py [--project examples/icd10-eye-ear] [--out runs/icd10-eye-ear-curve] [--sizes 75 150 300 600]
        [--rungs classical qlora] [--metric triage.exact_form] [--set KEY=VALUE ...] [--json FILE]

The benchmark is sealed and locked first. Each size is then a run of its own that goes on from a copy of the sealed
one, with `train.examples` (decision 0027): it may be stopped and goes on, `nichetune compare` takes its folders, and
its log counts one look a rung. Nothing is chosen or shipped by it. All sizes make as many passes (`train.epochs`), so
that a smaller one also has fewer steps: --set train.epochs=16 in another OUT shows what more passes would do.

Each difference is that of a size and the size before it, paired by item, with the interval of `nichetune compare`.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from nichetune.core.files import read_json, write_json
from nichetune.core.stages import MANIFEST, TIMING
from nichetune.decide.compare import compare_scores
from nichetune.evaluate.candidates import trained_folder

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Seals, trains and evaluates each size, prints and writes."""
    given = parse_options()
    given.out.mkdir(parents=True, exist_ok=True)
    settings = [f"rungs={json.dumps(given.rungs)}", *given.set]
    run_nichetune(given, ["benchmark", "seal"], given.out / "data", settings)
    found: dict[str, list[dict[str, Any]]] = {rung: [] for rung in given.rungs}
    for size in sorted(given.sizes):
        folder = given.out / str(size)
        if not folder.is_dir():
            copy_whole(given.out / "data", folder)
        for rung in given.rungs:
            run_nichetune(given, ["evaluate", rung], folder, [*settings, f"train.examples={size}"])
            before = found[rung][-1]["folder"] if found[rung] else None
            found[rung].append(read_point(folder, rung, size, given.metric, before))
    print_table(found, given.metric)
    if given.json:
        write_json(given.json, {"metric": given.metric, "rungs": found})


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=ROOT / "examples/icd10-eye-ear")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/icd10-eye-ear-curve")
    parser.add_argument("--sizes", type=int, nargs="+", default=[75, 150, 300, 600])
    parser.add_argument("--rungs", nargs="+", default=["classical", "qlora"])
    parser.add_argument("--metric", default="triage.exact_form")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="settings of all sizes")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def run_nichetune(given: argparse.Namespace, verb: list[str], run_dir: Path, settings: list[str]) -> None:
    """One command, as a user would give it; its own line is the error."""
    chosen = [word for one in settings for word in ("--set", one)]
    command = [sys.executable, "-m", "nichetune", *verb, "--project", str(given.project), "--run-dir", str(run_dir)]
    done = subprocess.run([*command, *chosen], check=False, stdout=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(done.returncode)


def copy_whole(source: Path, target: Path) -> None:
    """A copy that stands whole or not at all."""
    work = target.parent / f".{target.name}.work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(source, work)
    work.rename(target)


def read_point(folder: Path, rung: str, size: int, metric: str, before: str | None) -> dict[str, Any]:
    """What a rung reached with so many examples, and its paired difference to the size before."""
    own = folder / "evaluate" / rung
    figure = read_json(own / "metrics.json").get(metric)
    if figure is None:
        known = ", ".join(read_json(own / "metrics.json"))
        sys.exit(f"error: {rung} has no {metric}; there are: {known}")
    point = {"examples": size, "folder": str(own), **figure}
    if before:
        point["gain"] = compare_scores(Path(before), own, metric=metric)
    stage = folder / trained_folder(rung)
    if trained_folder(rung) and (stage.parent / MANIFEST).is_file():
        point |= count_training(stage.parent, size)
    return point


def count_training(stage: Path, size: int) -> dict[str, Any]:
    """Optimiser steps, where there are any, and seconds on this machine."""
    train = read_json(stage / MANIFEST)["settings"].get("train")
    seconds = {"train_seconds": read_json(stage / TIMING)["seconds"]}
    if train is None:
        return seconds
    return seconds | {"steps": math.ceil(size * train["epochs"] / (train["batch_size"] * train["accumulation"]))}


def print_table(found: dict[str, list[dict[str, Any]]], metric: str) -> None:
    """Markdown."""
    print(f"| rung | examples | steps | {metric} (95% interval) | n | gain over the size before |")
    print("|---|---|---|---|---|---|")
    for rung, points in found.items():
        for point in points:
            print(f"| {rung} | {point['examples']} | {point.get('steps', '–')} | {say_figure(point)} | {point['n']} | "
                  f"{say_gain(point.get('gain'))} |")  # fmt: skip


def say_figure(figure: dict[str, Any]) -> str:
    """A value with its interval."""
    if figure["value"] is None:
        return "–"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def say_gain(gain: dict[str, Any] | None) -> str:
    """A difference in points."""
    if gain is None:
        return ""
    low, value, high = (100 * gain[name] for name in ("low", "difference", "high"))
    return f"{value:+.1f} points ({low:+.1f} to {high:+.1f}), {gain['decision']}"


if __name__ == "__main__":
    main()
