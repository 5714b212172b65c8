"""Our runner against lm-evaluation-harness and inspect_ai: items a second, equal answers, equal scores, in one run.

Builds the demo's benchmark if it is missing -> a table, and with --json FILE its figures:

    python bench/evaluate.py [--items 40] [--turns 3] [--batch 128] [--sizes 4 8 16 40]
        [--peers lm-eval inspect] [--json FILE]

All three answer the same sealed forms of the demo with the same prompts, greedily, by the same model: SmolLM2-135M as
nichetune loads it, in float32, saved as a folder that transformers load. The harnesses run what `nichetune export --to
lm-eval` and `--to inspect` write, with their transformers back ends, in an environment of their own that is made at
the first call.

Each peer first tries every batch size of --sizes once. Then all take turns: ours, each peer at our batch size, each
peer at its best. In these runs the peers stop at a form's closing brace, as ours does. A second is one of items to
scores with the model in memory: imports and loading count for nobody. A ratio is the geometric mean over the turns,
with the 95% interval of a t-distribution on its logarithm.

Equal scores: each export is also run as written. Every metric that the harness reports is compared with nichetune's
own scorers on that harness's own answers. Exit 1 if one differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from evaluators.environment import HARNESSES, make_environment
from evaluators.items import Prepared, prepare, rescore
from trainers.tables import Figure, say, spread
from training import machine

BENCH = Path(__file__).parent
SCRIPTS = {"lm-eval": "ask_lm_eval.py", "inspect": "ask_inspect.py"}
Run = dict[str, Any]


def main() -> None:
    """Measures, prints, writes the figures."""
    options = parse_options()
    python = make_environment()
    with tempfile.TemporaryDirectory() as name:
        prepared = prepare(Path(name), options.items)
        as_written = {peer: ask_peer(python, prepared, peer, options.batch, stop=False) for peer in options.peers}
        tried = {
            peer: {size: ask_peer(python, prepared, peer, size)["seconds"] for size in options.sizes}
            for peer in options.peers
        }
        best = {peer: min(seconds, key=lambda size: seconds[size]) for peer, seconds in tried.items()}
        runs = take_turns(python, prepared, options, best)
        unequal = {peer: compare_scores(prepared, run) for peer, run in as_written.items()}
    found = count_figures(runs, options.items)
    found |= {"as_written_equal_answers": {peer: count_equal(runs["ours"][0], run) for peer, run in as_written.items()}}
    print_table(runs, found, options, best, tried, unequal)
    if options.json:
        told = {"machine": machine(), "harnesses": HARNESSES, "items": options.items, "batch": options.batch,
                "best_batch": best, "tried_s": tried, "unequal_scores": unequal, **found,
                "seconds": {who: [run["seconds"] for run in ran] for who, ran in runs.items()}}  # fmt: skip
        options.json.write_text(json.dumps(told, indent=2) + "\n")
    if any(unequal.values()):
        sys.exit(1)


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=40, help="sealed forms of the demo")
    parser.add_argument("--turns", type=int, default=3, help="times that all take turns")
    parser.add_argument("--batch", type=int, default=128, help="our batch size, as generate.batch_size has it")
    parser.add_argument("--sizes", type=int, nargs="+", default=[4, 8, 16, 40], help="batch sizes that peers try")
    parser.add_argument("--peers", nargs="+", choices=SCRIPTS, default=list(SCRIPTS))
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def take_turns(
    python: Path, prepared: Prepared, options: argparse.Namespace, best: dict[str, int]
) -> dict[str, list[Run]]:
    """All, one after another, several times."""
    runs: dict[str, list[Run]] = {}
    for _ in range(options.turns):
        given = ["-m", "evaluators.ours", str(prepared.folder), "--batch", str(options.batch)]
        runs.setdefault("ours", []).append(run([sys.executable, *given]))
        for peer in options.peers:
            runs.setdefault(peer, []).append(ask_peer(python, prepared, peer, options.batch))
            runs.setdefault(f"{peer} at its best", []).append(ask_peer(python, prepared, peer, best[peer]))
    return runs


def ask_peer(python: Path, prepared: Prepared, peer: str, batch: int, stop: bool = True) -> Run:
    """One run of a peer, in a process of its own."""
    script = BENCH / "evaluators" / SCRIPTS[peer]
    given = [str(prepared.exports[peer]), str(prepared.model), "--batch", str(batch), *(["--stop"] if stop else [])]
    return run([str(python), str(script), *given])


def run(command: list[str]) -> Run:
    """A process; what it printed last."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=BENCH)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no word why"])[-1]
        sys.exit(f"error: {Path(command[1]).name} failed: {last}")
    result: Run = json.loads(done.stdout.strip().splitlines()[-1])
    print(
        f"{' '.join(Path(part).name for part in command[1:])}: {result['seconds']:.1f} s", file=sys.stderr, flush=True
    )
    return result


def compare_scores(prepared: Prepared, run: Run) -> dict[str, list[float | None]]:
    """Metrics of which a harness's mean is not nichetune's on the same answers, each with both."""
    own = rescore(prepared, run["answers"])
    return {
        name: [run["scores"].get(name), value]
        for name, value in own.items()
        if name not in run["scores"] or abs(run["scores"][name] - value) > 1e-9
    }


def count_equal(ours: Run, run: Run) -> int:
    """Items that were answered with the same text, white space at its ends and from a form's last brace on aside:
    one harness cuts the brace off that it was told to stop at.
    """
    return sum(cut(run["answers"][item]) == cut(text) for item, text in ours["answers"].items())


def cut(text: str) -> str:
    """As all are compared."""
    from nichetune.core.tasks import cut_form

    return cut_form(text).strip().removesuffix("}")


def count_figures(runs: dict[str, list[Run]], items: int) -> dict[str, Any]:
    """Items a second, ratios and equal answers."""
    ratios: dict[str, Figure] = {}
    for who, ran in runs.items():
        if who != "ours":
            pairs = zip(ran, runs["ours"], strict=True)
            ratios[who] = spread([peer["seconds"] / ours["seconds"] for peer, ours in pairs])
    return {
        "items_per_s": {who: spread([items / run["seconds"] for run in ran]) for who, ran in runs.items()},
        "ratio": ratios,
        "equal_answers": {who: [count_equal(runs["ours"][0], run) for run in ran] for who, ran in runs.items()},
    }


def print_table(
    runs: dict[str, list[Run]], found: dict[str, Any], options: argparse.Namespace, best: dict[str, int],
    tried: dict[str, dict[int, float]], unequal: dict[str, Any],
) -> None:  # fmt: skip
    """Markdown."""
    print(f"\n{machine()}, {', '.join(f'{n} {v}' for n, v in HARNESSES.items())}; {options.items} items, float32\n")
    print("| who | batch | items/s | ours is quicker by | equal answers |\n|---|---|---|---|---|")
    for who in runs:
        batch = best[who.removesuffix(" at its best")] if who.endswith("best") else options.batch
        ratio = say(found["ratio"][who]) if who in found["ratio"] else ""
        equal = ", ".join(str(n) for n in found["equal_answers"][who])
        print(f"| {who} | {batch} | {say(found['items_per_s'][who])} | {ratio} | {equal} of {options.items} |")
    for peer, seconds in tried.items():
        print(f"{peer}, seconds by batch size: {', '.join(f'{size}: {s:.1f}' for size, s in seconds.items())}")
        differing = ", ".join(unequal[peer]) or "none"
        told = found["as_written_equal_answers"][peer]
        print(f"{peer}, export as written: {told} of {options.items} equal answers; scores that differ: {differing}")


if __name__ == "__main__":
    main()
