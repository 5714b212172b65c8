"""What an adapter costs when it serves: tokens a second and seconds of a reply of the base, of the adapter beside it,
merged into it, and of a model that was tuned in full; and bytes a tenant.

Reads a finished run (untouched) -> a table, and with --json FILE its figures:

    python bench/serving.py --run runs/icd10-eye-ear [--rung qlora] [--items 10] [--turns 4] [--json FILE]

All sides are asked the rung's own prompts by the engine that serves them here, and write as many tokens as the tuned
rung's own reply has, so that they differ by the weights' form alone: the untuned base would ramble on. They take
turns, each turn in another order: every item alone, as the server answers, then all of them as one batch. A ratio is
the geometric mean over the turns, with the 95% interval of a t-distribution on its logarithm.

Only `make ladder` trains in full. Without its `train/full` a copy of the base, written in full, stands for it: speed
and size depend on the shape of the weights alone. The output says which it was.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainers.tables import Figure, say, spread
from training import machine

from nichetune.core.files import list_files, read_json, read_records, write_json
from nichetune.core.records import Candidate, Example
from nichetune.core.settings import BaseSettings
from nichetune.evaluate.replay import choose_items
from nichetune.evaluate.runner import CandidateRunner
from nichetune.generate.engine import Request, TransformersEngine
from nichetune.models.adapters import load_with_adapter
from nichetune.models.loading import LoadedModel, load_base
from nichetune.models.merge import merge_weights, save_weights
from nichetune.models.packaged import resolve_model

TENANTS = 100
Turn = dict[str, list[float]]  # by side: seconds of each reply, and last of the batch


class Steady(TransformersEngine):
    """The engine, going on past an end of turn: a reply is as long as it was asked for."""

    def __init__(self, loaded: LoadedModel, batch_size: int) -> None:
        super().__init__(loaded, batch_size)
        self._ends = frozenset()


@dataclass(frozen=True)
class Served:
    """Models in the order of the table, the bytes of each one's files, and what `full` is."""

    engines: dict[str, Steady]
    stored_bytes: dict[str, int]
    full_is: str


def main() -> None:
    """Loads, measures, prints and writes."""
    given = parse_options()
    described = given.run / "evaluate" / given.rung / "candidate.json"
    if not described.is_file():
        sys.exit(f"error: {given.run} has no evaluated {given.rung}: run `make demo` first, or give --run and --rung")
    candidate = Candidate.model_validate(read_json(described))
    items = choose_items(read_records(given.run / "benchmark/items.jsonl", Example), given.items)
    with tempfile.TemporaryDirectory() as work:
        served = open_sides(given.run, candidate, Path(work), len(items))
        requests = measure_replies(given.run, candidate, items, served.engines["adapter"])
        turns = [take_turn(served.engines, requests, turn) for turn in range(-1, given.turns)][1:]  # the first warms
        unmerged, merged = (write(served.engines[side], requests) for side in ("adapter", "merged"))
    same = sum(a == b for a, b in zip(unmerged, merged, strict=True))
    found = count_figures(turns, requests) | {
        "machine": machine(), "rung": given.rung, "dtype": candidate.dtype, "quantisation": candidate.quantisation,
        "items": len(items), "tokens": count_tokens(requests), "full_is": served.full_is,
        "merged_replies_as_unmerged": same, "stored_bytes": served.stored_bytes,
    }  # fmt: skip
    print_tables(found)
    if given.json:
        write_json(given.json, found)


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--rung", default="qlora")
    parser.add_argument("--items", type=int, default=10)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def open_sides(run: Path, candidate: Candidate, work: Path, batch_size: int) -> Served:
    """Loads all four as they would be served; what is merged, or tuned in full, from files of its own."""
    base = BaseSettings(model=candidate.base_model, revision=candidate.base_revision, dtype=candidate.dtype)
    adapter, full = run / candidate.adapter, run / "train/full/adapter"
    merged = merge_weights(base, candidate.quantisation, candidate.dtype, adapter)
    save_weights(merged, work / "merged", "f32")
    full_is = "tuned in full"
    if not full.is_dir():
        full, full_is = work / "full", "a copy of the base, written in full"
        save_weights(load_base(base.model_copy(update={"dtype": "float32"})), full, "f32")
    loaded = {
        "base": load_base(base),
        "adapter": load_with_adapter(base, candidate.quantisation, adapter),
        "merged": load_base(base.model_copy(update={"model": str(work / "merged"), "revision": ""})),
        "full": load_base(base.model_copy(update={"model": str(full), "revision": ""})),
    }
    folders = {"base": resolve_model(base.model, base.revision), "adapter": adapter, "merged": work / "merged",
               "full": full}  # fmt: skip
    stored = {side: sum(path.stat().st_size for path in list_files(folder)) for side, folder in folders.items()}
    return Served({side: Steady(own, batch_size) for side, own in loaded.items()}, stored, full_is)


def measure_replies(run: Path, candidate: Candidate, items: Sequence[Example], tuned: Steady) -> list[Request]:
    """The rung's prompts, each with as many tokens as its own reply has."""
    index = run / "index" if candidate.retrieval else None
    runner = CandidateRunner(candidate, run / candidate.adapter, index)
    own = TransformersEngine(tuned.loaded, len(items))
    tasks = [candidate.tasks[item.task] for item in items]
    asked = [
        Request(runner.prompt_ids(item), task.max_new_tokens, task.kind == "form")
        for item, task in zip(items, tasks, strict=True)
    ]
    return [Request(r.ids, max(1, said.new_tokens)) for r, said in zip(asked, own.generate(asked), strict=True)]


def take_turn(engines: dict[str, Steady], requests: list[Request], turn: int) -> Turn:
    """Every side once, each turn beginning with another."""
    sides = list(engines)
    first = turn % len(sides)
    found = {side: time_replies(engines[side], requests) for side in sides[first:] + sides[:first]}
    return {side: found[side] for side in sides}


def time_replies(engine: Steady, requests: list[Request]) -> list[float]:
    """Seconds of each reply alone, and last of all as one batch."""
    seconds = []
    for asked in [*([request] for request in requests), requests]:
        clock = time.perf_counter()
        engine.generate(asked)
        seconds.append(time.perf_counter() - clock)
    return seconds


def write(engine: Steady, requests: list[Request]) -> list[str]:
    """What a side replies."""
    return [output.text for output in engine.generate(requests)]


def count_tokens(requests: list[Request]) -> int:
    """New tokens of all replies."""
    return sum(request.max_new_tokens for request in requests)


def count_figures(turns: list[Turn], requests: list[Request]) -> dict[str, dict[str, Figure]]:
    """By side: tokens a second and p50 alone, tokens a second in a batch, and both speeds over the base's."""
    tokens = count_tokens(requests)
    alone = {side: [tokens / sum(turn[side][:-1]) for turn in turns] for side in turns[0]}
    batched = {side: [tokens / turn[side][-1] for turn in turns] for side in turns[0]}
    return {
        "tokens_per_s": {side: spread(values) for side, values in alone.items()},
        "reply_p50_s": {side: spread([statistics.median(turn[side][:-1]) for turn in turns]) for side in turns[0]},
        "batch_tokens_per_s": {side: spread(values) for side, values in batched.items()},
        "speed_over_base": {side: compare(values, alone["base"]) for side, values in alone.items()},
        "batch_speed_over_base": {side: compare(values, batched["base"]) for side, values in batched.items()},
    }


def compare(own: list[float], base: list[float]) -> Figure:
    """The ratio, turn by turn."""
    return spread([a / b for a, b in zip(own, base, strict=True)])


def print_tables(found: dict[str, Any]) -> None:
    """Markdown."""
    what = f"{found['rung']} in {found['dtype']}, {found['items']} prompts, {found['tokens']} tokens"
    print(f"{found['machine']}; {what}\n")
    print("| side | tokens/s, one by one | of the base's | p50 of a reply, s | tokens/s, one batch | of the base's |")
    print("|---|---|---|---|---|---|")
    shown = ("tokens_per_s", "speed_over_base", "reply_p50_s", "batch_tokens_per_s", "batch_speed_over_base")
    for side in found["stored_bytes"]:
        print(f"| {side} | {' | '.join(say(found[name][side]) for name in shown)} |")
    print(f"\nfull is {found['full_is']}; merged replies as the unmerged adapter does: "
          f"{found['merged_replies_as_unmerged']} of {found['items']}\n")  # fmt: skip
    base, adapter, full = (found["stored_bytes"][side] / 1e6 for side in ("base", "adapter", "full"))
    print(f"| storage | MB a tenant | MB of {TENANTS} tenants |\n|---|---|---|")
    print(f"| adapters on one base | {adapter:,.1f} (and {base:,.1f} once) | {base + TENANTS * adapter:,.0f} |")
    print(f"| a full model each | {full:,.1f} | {TENANTS * full:,.0f} |")


if __name__ == "__main__":
    main()
