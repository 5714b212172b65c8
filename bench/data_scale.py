"""How time and memory grow with a corpus: ingest, mask, format, dedupe and split, each in its own process.

    python bench/data_scale.py [--records 10000 100000 1000000] [--mask-records 2000] [--stages mask …]
                               [--words 20 120] [--engine native|ray] [--json FILE]

The corpus is generated record by record: texts of 20 to 120 words of a made-up language, 5% exact and 10% near copies,
5% short texts and 10% letters of two templates, in eight files and in groups of three. Masking is measured on the first
2,000 records unless told otherwise (0: all), since it takes as long as all the rest; format gets what ingest wrote.
`split` seals about 2,000 records.

Memory is the sum over a stage's processes, sampled twenty times a second (pages that they share count more than once).
The exponents of a stage are those of time ~ records^e between the two largest corpora: by the clock, and by the
processor time of its processes, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from dedupe import describe_machine, look_at, make_vocabulary

ROOT = Path(__file__).parents[1]
STAGES = ("ingest", "mask", "format", "dedupe", "split")
ANSWERS = ("billing", "front desk", "workshop")
SEALED, FILES, RECENT = 2_000, 8, 5_000
MOST_EXPONENT, MOST_BYTES = 1.05, 4 << 30


def main() -> None:
    """Measures every size and prints the table."""
    options = parse_options()
    if options.stage:
        run_stage(options.stage, options.folder, options.count, options.engine)
        return
    results = {n: measure_size(n, options) for n in sorted(options.records)}
    growth = measure_growth(results, options)
    print_table(results, growth, options)
    if options.json:
        told = {"machine": describe_machine(), "engine": options.engine, "sizes": results, "growth": growth}
        options.json.write_text(json.dumps(told, indent=2) + "\n")


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--engine", choices=("native", "ray"), default="native")
    parser.add_argument("--mask-records", type=int, default=2_000, help="so many of them are masked; 0: all")
    parser.add_argument("--stages", choices=STAGES, nargs="+", default=STAGES, help="ingest always runs")
    parser.add_argument("--words", type=int, nargs=2, default=(20, 120), help="of an ordinary text, least and most")
    parser.add_argument("--json", type=Path)
    for name, kind in (("--stage", str), ("--folder", Path), ("--count", int)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    return parser.parse_args()


# --- the corpus ---------------------------------------------------------------------------------------------------


def write_corpus(folder: Path, count: int, words: tuple[int, int]) -> None:
    """Writes the corpus' files; no more than the last few thousand texts are held."""
    folder.mkdir(parents=True)
    handles = [(folder / f"part{n}.jsonl").open("w") for n in range(FILES)]
    for n, (text, answer) in enumerate(make_records(count, words)):
        record = {"id": f"r{n}", "group": f"g{n // 3}", "text": text, "answer": ANSWERS[answer]}
        handles[n * FILES // count].write(json.dumps(record) + "\n")
    for handle in handles:
        handle.close()


def make_records(count: int, length: tuple[int, int], seed: int = 7) -> Iterator[tuple[str, int]]:
    """Texts with the numbers of their answers; a copy has its original's."""
    draw = Random(seed)
    vocabulary = make_vocabulary(draw)
    weights = list(itertools.accumulate(1 / (rank + 5) for rank in range(len(vocabulary))))
    templates = [draw.choices(vocabulary, cum_weights=weights, k=40) for _ in range(2)]
    recent: deque[tuple[list[str], int]] = deque(maxlen=RECENT)
    for n in range(count):
        kind, answer = draw.random(), n % len(ANSWERS)
        if kind < 0.15 and recent:
            words, answer = recent[draw.randrange(len(recent))]
            if kind < 0.10:
                words = list(words)
                words[draw.randrange(len(words))] = draw.choice(vocabulary)
        elif kind < 0.20:
            words = draw.choices(vocabulary, cum_weights=weights, k=draw.randint(2, 4))
        elif kind < 0.30:
            own = draw.choices(vocabulary, cum_weights=weights, k=12)
            words = [*templates[n % 2][:20], *own, *templates[n % 2][20:]]
        else:
            words = draw.choices(vocabulary, cum_weights=weights, k=draw.randint(*length))
            recent.append((words, answer))
        yield " ".join(words), answer


# --- one stage ----------------------------------------------------------------------------------------------------


def make_settings(count: int, engine: str) -> Any:
    """A project of one task."""
    from nichetune.core.settings import Settings

    return Settings.model_validate(
        {
            "project": "scale",
            "sources": [{"path": "corpus/*.jsonl", "task": "route"}],
            "tasks": {"route": {"kind": "choice", "values": list(ANSWERS)}},
            "split": {"holdout": min(0.25, SEALED / count), "dev": min(0.06, SEALED / count)},
            "data": {"engine": engine},
        }
    )


def run_stage(stage: str, folder: Path, count: int, engine: str) -> None:
    """Runs one stage as the flow does, and says how many records it took."""
    import importlib

    module = importlib.import_module(f"nichetune.corpus.{stage}")
    settings = make_settings(count, engine)
    out = folder / stage
    out.mkdir()
    inputs = {"project": folder, **{name: folder / name for name in STAGES}}
    if stage == "mask":
        inputs["ingest"] = folder / "sample"
    if stage == "format":  # masking is measured on a sample: these texts name nobody
        inputs["mask"] = folder / "ingest"
    if stage == "split":
        inputs = {"dedupe": folder / "dedupe"}
    report = module.run(settings, inputs, out)
    (folder / f"{stage}.json").write_text(json.dumps({"counts": report.counts, "dropped": report.dropped}))


def make_sample(folder: Path, count: int) -> None:
    """The first records that ingest wrote, for masking; all of them if `count` is 0."""
    sample = folder / "sample"
    sample.mkdir()
    with (folder / "ingest/examples.jsonl").open() as lines, (sample / "examples.jsonl").open("w") as handle:
        handle.writelines(itertools.islice(lines, count or None))
    for name in ("documents.jsonl", "quarantine.jsonl"):
        (sample / name).write_text("")
    (sample / "published.json").write_text("[]")


# --- measuring ----------------------------------------------------------------------------------------------------


def measure_size(count: int, options: argparse.Namespace) -> dict[str, Any]:
    """All stages on one corpus."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_corpus(folder / "corpus", count, options.words)
        size = sum(path.stat().st_size for path in (folder / "corpus").iterdir())
        done: dict[str, Any] = {"corpus_mib": round(size / 2**20)}
        for stage in list_stages(options):
            if stage == "mask":
                make_sample(folder, options.mask_records)
            done[stage] = measure_stage(stage, folder, count, options.engine)
            print(f"{count:>9,} {stage:<8}", json.dumps(done[stage]), file=sys.stderr, flush=True)
    return done


def list_stages(options: argparse.Namespace) -> list[str]:
    """The stages that are measured; the others read what ingest writes."""
    return [stage for stage in STAGES if stage == "ingest" or stage in options.stages]


def measure_stage(stage: str, folder: Path, count: int, engine: str) -> dict[str, Any]:
    """One stage in a fresh process tree."""
    import psutil

    command = [sys.executable, __file__, "--stage", stage, "--folder", str(folder), "--count", str(count),
               "--engine", engine]  # fmt: skip
    start, peak, used = time.monotonic(), 0, dict[int, float]()
    log, environment = folder / f"{stage}.log", os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with log.open("w") as handle:
        process = psutil.Popen(command, stdout=handle, stderr=handle, env=environment)
        while process.poll() is None:
            peak = max(peak, look_at(process, used))
            time.sleep(0.05)
    seconds, cpu_s = time.monotonic() - start, sum(used.values())
    if process.returncode != 0:
        sys.exit(f"{stage} of {count} records failed:\n{log.read_text()[-2000:]}")
    told = json.loads((folder / f"{stage}.json").read_text())
    taken = told["counts"]["in"]
    speed = {"seconds": round(seconds, 2), "cpu_s": round(cpu_s, 2), "records": taken,
             "records_per_s": round(taken / seconds)}  # fmt: skip
    return speed | {"peak_mib": round(peak / 2**20)} | told


def measure_growth(results: dict[int, dict[str, Any]], options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The exponents of each stage that read the whole corpus: of the clock, and of processor time."""
    if len(results) < 2:
        return {}
    low, high = sorted(results)[-2:]
    return {
        stage: {
            what: round(math.log(results[high][stage][what] / results[low][stage][what]) / math.log(high / low), 3)
            for what in ("seconds", "cpu_s")
        }
        for stage in list_stages(options)
        if stage != "mask" or not options.mask_records
    }


def print_table(
    results: dict[int, dict[str, Any]], growth: dict[str, dict[str, float]], options: argparse.Namespace
) -> None:
    """Markdown, and whether the aims are met."""
    print(f"{describe_machine()}, engine {options.engine}\n")
    sizes = sorted(results)
    print("| stage | " + " | ".join(f"{n:,}: s (processor s), records/s, peak MiB" for n in sizes) + " | exponents |")
    print("|---|" + "---|" * (len(sizes) + 1))
    for stage in list_stages(options):
        cells = [results[n][stage] for n in sizes]
        told = [f"{c['seconds']:.1f} ({c['cpu_s']:.1f}), {c['records_per_s']:,}, {c['peak_mib']:,}" for c in cells]
        grown = " ".join(f"{value:.2f}" for value in growth.get(stage, {}).values())
        name = f"{stage} (sample)" if stage == "mask" and options.mask_records else stage
        print(f"| {name} | {' | '.join(told)} | {grown} |")
    peak = max(results[n][stage]["peak_mib"] for n in sizes for stage in list_stages(options))
    worst = max((value for one in growth.values() for value in one.values()), default=0.0)
    print(f"\nlargest exponent {worst} (aim {MOST_EXPONENT}), largest peak {peak:,} MiB (aim {MOST_BYTES >> 20:,})")


if __name__ == "__main__":
    main()
