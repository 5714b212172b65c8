"""Our training against stock TRL: the same examples, order, model, steps, batch, rank and rate, in one run.

Reads the demo's own split and benchmark (run `make demo` first) -> tables, and with --json FILE its figures:

    python bench/training.py [--parts speed memory quality] [--all] [--full-peer] [--json FILE]

Stock is `SFTTrainer` with its defaults but bf16=False, PEFT's own adapter and float32 weights (4-bit ones for QLoRA),
with its gradient checkpointing (the base of all ratios) and without; where this CPU multiplies bfloat16 faster, stock
with bf16=True and no checkpointing, the fastest that it can be set to, stands beside them. Every run is a process of
its own. Speeds take turns (ours, ours with shared prefixes, stock, ours, …), three times. A ratio is the geometric
mean over the turns, with the 95% interval of a t-distribution on its logarithm. With --full-peer a whole peer
(`bench/peer.py`) takes its turns behind stock LoRA, on the same rows. How long each part took is said at the end:
without flags the whole ends within 45 minutes on two cores, 24 of them the trainings of equal time.

The share of the ceiling: operations on computed tokens over what this machine's float32 products reach, for training
in float32 without shared prefixes (`trainers/speed.py` counts them).

Equal time: exact form on sealed items after 2, 4 and 8 minutes of LoRA, ours against stock, and after 8 minutes of the
textbook recipe (batch 1, accumulation 8, packing, checkpointing, rate 2e-5).

A run during which the machine's own products ran at less than 0.6 of their usual rate is done again, ours or stock.

Exit 3: stock LoRA is in its best turn slower than 0.9 of what it reached elsewhere (127 tokens a second on short rows,
where products reached 145e9 a second): something handicaps it here, and its ratios would flatter ours.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trainers import peers, speed, tables

from nichetune.core.machine import describe_machine

BENCH = Path(__file__).parent
METHODS = ("lora", "qlora", "full")
TURN = ("ours", "prefix", "stock")
PARTS = ("speed", "memory", "quality")
KNOWN_TOKENS_PER_S, KNOWN_FLOPS = 127.0, 145e9  # stock LoRA on two cores, batch 4, descriptions without notes around
STALLED = 0.6  # of the usual product rate: a neighbour on the host took this run's time
LONGER_ROWS = 0.92  # of that speed on the demo's rows: 112 tokens a second where 45 tokens a row gave 121


def main() -> None:
    """Runs the parts asked for, prints their tables, writes the figures."""
    options = parse_options()
    for part in ("split/train.jsonl", "benchmark/items.jsonl", "index"):
        if not (peers.RUN / part).exists():
            sys.exit(f"error: the demo's {part} is missing: run `make demo` first")
    if options.full_peer and "speed" not in options.parts:
        sys.exit("error: --full-peer is measured among the speeds: add speed to --parts")
    runs: dict[str, list[dict[str, Any]]] = {}
    quality: dict[str, list[Any]] = {}
    minutes: dict[str, float] = {}
    measures = {"speed": measure_speed, "memory": measure_memory, "quality": measure_quality}
    for part in PARTS:
        if part in options.parts:
            with timed(part, minutes):
                quality |= measures[part](options, runs)
    print(f"\n{machine()}; batch 4, rank 16, {options.steps} steps a run behind {speed.WARM_UP} that warm up")
    tables.print_all(runs, quality)
    took = ", ".join(f"{part} {spent:.1f}" for part, spent in minutes.items())
    print(f"\nminutes that this took: {sum(minutes.values()):.1f} ({took})")
    if options.json:
        found = {"machine": machine(), **tables.figures(runs, quality), "minutes": minutes, "runs": runs,
                 "quality": quality}  # fmt: skip
        options.json.write_text(json.dumps(found, indent=2) + "\n")


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--steps", type=int, default=4, help="timed optimiser steps of batch 4")
    parser.add_argument("--turns", type=int, default=3, help="times that the trainers take turns")
    parser.add_argument("--minutes", type=float, nargs="+", default=[2, 4, 8], help="marks of equal time")
    parser.add_argument("--items", type=int, default=100, help="sealed items for exact form")
    parser.add_argument("--all", action="store_true", help="equal time and the textbook recipe three times, too")
    parser.add_argument("--full-peer", action="store_true", help="a whole peer among the speeds, in its environment")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


@contextmanager
def timed(part: str, minutes: dict[str, float]) -> Iterator[None]:
    """Notes how long the block took."""
    start = time.monotonic()
    yield
    minutes[part] = (time.monotonic() - start) / 60


def measure_speed(options: argparse.Namespace, runs: dict[str, list[dict[str, Any]]]) -> dict[str, list[Any]]:
    """All trainers in turn, then the side figures."""
    rates: list[float] = []
    for _ in range(options.turns):
        for method in METHODS:
            for who in (*TURN, *(("float32",) if method != "qlora" else ())):
                runs.setdefault(f"{who}/{method}", []).append(run_unstalled(f"{who}/{method}", options.steps, rates))
            if options.full_peer and method == "lora":
                runs.setdefault(tables.FULL_PEER, []).append(run_full_peer(options.steps))
    refuse_handicapped(runs["stock/lora"])
    from nichetune.models.compute import pick_dtype

    for kind in ("plain", *(("bf16",) if pick_dtype("auto", "cpu") == "bfloat16" else ())):
        for method in METHODS:
            runs[f"{kind}/{method}"] = [run_speed(f"{kind}/{method}", options.steps)]
    return {}


def measure_memory(options: argparse.Namespace, runs: dict[str, list[dict[str, Any]]]) -> dict[str, list[Any]]:
    """The frugal way, and stock LoRA unless its peak is known already: on the same batches, the longest decides."""
    for peer in ("frugal/qlora", "stock/lora"):
        if peer not in runs:
            runs[peer] = [run_speed(peer, options.steps) for _ in range(options.turns)]
    return {}


def measure_quality(options: argparse.Namespace, runs: dict[str, list[dict[str, Any]]]) -> dict[str, list[Any]]:
    """Exact form at equal time by peer; the schedules are planned by the speeds measured in this run."""
    marks = [f"{m:g}" for m in options.minutes]
    wanted = {"prefix/lora": marks, "stock/lora": marks, "textbook/lora": marks[-1:]}
    found: dict[str, list[Any]] = {}
    for _ in range(3 if options.all else 1):
        for peer, at in wanted.items():
            speed = tables.middle(runs, peer if peer in runs else "stock/lora", "tokens_per_s")
            if speed is None:
                speed = run_speed(peer, options.steps)["tokens_per_s"]
            given = ["--minutes", *at, "--items", str(options.items), "--tokens-per-s", f"{speed:.1f}"]
            found.setdefault(peer, []).append(run("trainers.quality", [peer, *given]))
    return found


def refuse_handicapped(stock: list[dict[str, Any]]) -> None:
    """Exit 3 where stock is slower than this machine's products explain; faster products alone promise no more."""
    run = max(stock, key=lambda r: r["tokens_per_s"])
    expected = KNOWN_TOKENS_PER_S * LONGER_ROWS * min(1.0, run["product_flops"] / KNOWN_FLOPS)
    if run["tokens_per_s"] < 0.9 * expected:
        print(
            f"error: stock LoRA trains {run['tokens_per_s']:.0f} tokens/s, and {expected:.0f} were to be expected at "
            f"{run['product_flops'] / 1e9:.0f} GFLOP/s: is something else running here?",
            file=sys.stderr,
        )
        sys.exit(3)


def run_unstalled(peer: str, steps: int, rates: list[float]) -> dict[str, Any]:
    """One peer's speed, done again (twice at most) where the machine itself stood still, whoever trained.

    Args:
        rates: product rates of the runs so far; this one's is added.
    """
    for last in (False, False, True):
        found = run_speed(peer, steps)
        if last or not rates or found["product_flops"] >= STALLED * statistics.median(rates):
            break
        print(f"{peer}: the machine multiplied at less than {STALLED:g} of its usual rate: again", file=sys.stderr)
    rates.append(found["product_flops"])
    return found


def run_speed(peer: str, steps: int) -> dict[str, Any]:
    """One peer's speed and memory."""
    return run("trainers.speed", [peer, "--steps", str(steps)])


def run_full_peer(steps: int) -> dict[str, Any]:
    """The whole peer of `bench/peer.py`, in the environment that it makes for itself."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "peer.json"
        done = subprocess.run(
            [sys.executable, "peer.py", "--steps", str(steps), "--json", told], check=False, cwd=BENCH,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode != 0:
            sys.exit(done.returncode)
        found: dict[str, Any] = json.loads(told.read_text())
    print(f"{found['peer']}: {found}"[:400], file=sys.stderr, flush=True)
    return found | {"last_loss": statistics.fmean(found["losses"][-5:])}


def run(module: str, arguments: list[str]) -> dict[str, Any]:
    """A module of the bench in a fresh process; what it printed last."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False, cwd=BENCH
    )
    if done.returncode != 0:
        sys.exit(f"error: {module} {arguments[0]} failed: {done.stderr.strip().splitlines()[-1]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    print(f"{' '.join(arguments)}: {result}"[:400], file=sys.stderr, flush=True)
    return result


def machine() -> str:
    """What this was measured on."""
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in ("torch", "transformers", "trl", "peft"))
    return f"{describe_machine()}, Python {platform.python_version()}, {versions}"


if __name__ == "__main__":
    main()
