"""Our near-duplicate search against datatrove, text-dedup and rensa: one corpus, one run, the same runs of words.

    python bench/dedupe.py [--records 50000] [--repeats 3] [--tools ours rensa] [--peer-python PYTHON] [--json FILE]

Peers are looked for in `--peer-python` (by default this interpreter):

    pip install rensa spacy "datatrove[io,processing]" datasets click "click-option-group<0.6" bitarray ftfy regex
    pip install --no-deps text-dedup

(of text-dedup only its MinHash command is run, which needs no more). One that is missing is said to be so. All compare
runs of 3 words at a threshold of 0.8; the peers get 32 bands of 4 hashes, P(found | 0.8) > 0.9999.

The corpus holds texts of 15 to 120 words with planted copies: exact ones (case and spaces changed), near ones (words
changed as far as the Jaccard similarity of their runs stays at 0.8 or above, measured), short texts with copies of the
same words, and templated letters that each say something of their own and must all stay. Every tool reads the same file
in a process of its own and writes which texts stay; the tools take turns, `--repeats` times.

Measured: recall on planted copies by kind, other texts wrongly removed; processor seconds by os.times of the process
and of those that it waited for (of other workers as sampled), the whole and what comes after the interpreter has
started and the library is loaded; peak memory of the process tree, and what the process held when all was loaded.
Speeds are medians, with the least and the most of the repeats.

What each does not do: rensa verifies no pair by its texts and folds no punctuation; its *rho* pipeline, which it calls
its fastest, moreover flags every member of a cluster, so that no text stays for its copies. datatrove and text-dedup
verify nothing and join whatever shares a band. None sets templates apart or compares short texts in a way of their own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
TOOLS = ("ours", "rensa", "rensa rho", "datatrove", "text-dedup")
Loaded = Callable[[], None]  # is called when all imports are done
KINDS = ("exact", "near", "short")
_EVERY_S = 0.05
_PIECE = 1_000


@dataclass(frozen=True)
class Record:
    """One text of the corpus: what it is a planted copy of, and of which kind."""

    id: str
    text: str
    kind: str
    original: str


def main() -> None:
    """Runs every tool in its own process and prints the table."""
    options = parse_options()
    if options.tool:
        run_tool(options.tool, options.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        records = write_corpus(Path(folder), options.records, options.seed)
        runs = [{tool: measure(tool, Path(folder), records, options) for tool in options.tools}
                for _ in range(options.repeats)]  # fmt: skip
        results = {tool: sum_up([one[tool] for one in runs], len(records)) for tool in options.tools}
    print_table(results, options.records)
    if options.json:
        told = {"records": options.records, "repeats": options.repeats, "machine": describe_machine(), "tools": results}
        options.json.write_text(json.dumps(told, indent=2) + "\n")


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=TOOLS)
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tool", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


# --- the corpus ---------------------------------------------------------------------------------------------------


def write_corpus(folder: Path, count: int, seed: int) -> list[Record]:
    """Writes corpus.jsonl, and the same in two parts for the tool that wants one a worker."""
    records = make_corpus(count, seed)
    lines = [json.dumps({"id": one.id, "text": one.text}) + "\n" for one in records]
    (folder / "corpus.jsonl").write_text("".join(lines))
    (folder / "parts").mkdir()
    half = len(lines) // 2
    (folder / "parts" / "0.jsonl").write_text("".join(lines[:half]))
    (folder / "parts" / "1.jsonl").write_text("".join(lines[half:]))
    return records


def make_corpus(count: int, seed: int) -> list[Record]:
    """55% texts of their own, 10% near and 5% exact copies, 10% short texts and 5% copies of them, 15% letters."""
    draw = random.Random(seed)
    vocabulary = make_vocabulary(draw)
    weights = [1 / (rank + 5) for rank in range(len(vocabulary))]

    def words(least: int, most: int) -> list[str]:
        return draw.choices(vocabulary, weights, k=draw.randint(least, most))

    plain = [words(15, 120) for _ in range(count * 55 // 100)]
    short = [[*words(2, 5), f"{vocabulary[n % len(vocabulary)]}{'abcdefgh'[n % 8]}"] for n in range(count // 10)]
    records = [Record(f"p{n}", " ".join(text), "own", f"p{n}") for n, text in enumerate(plain)]
    records += [Record(f"s{n}", " ".join(text), "own", f"s{n}") for n, text in enumerate(short)]
    letters = make_letters(words, count * 15 // 100)
    records += [Record(f"l{n}", letter, "own", f"l{n}") for n, letter in enumerate(letters)]
    for n in range(count // 10):
        of = draw.randrange(len(plain))
        records.append(Record(f"n{n}", change_words(draw, plain[of], words), "near", f"p{of}"))
    for n in range(count // 20):
        of = draw.randrange(len(plain))
        records.append(Record(f"e{n}", "  ".join(plain[of]).upper() + ".", "exact", f"p{of}"))
    for n in range(count // 20):
        of = draw.randrange(len(short))
        records.append(Record(f"d{n}", " ".join(short[of]).capitalize() + "!", "short", f"s{of}"))
    draw.shuffle(records)
    return records


def make_vocabulary(draw: random.Random, size: int = 8_000) -> list[str]:
    """Words that can be spoken and that nobody uses."""
    found: dict[str, None] = {}
    while len(found) < size:
        found["".join(draw.choice("bcdfghklmnprstvz") + draw.choice("aeiou") for _ in range(draw.randint(1, 4)))] = None
    return list(found)


def make_letters(words: Any, count: int) -> list[str]:
    """Letters of three templates of 40 words, with eight words of one's own in two places."""
    templates = [words(40, 40) for _ in range(3)]
    letters = []
    for n in range(count):
        text = list(templates[n % 3])
        text[10:10] = words(4, 4)
        text[30:30] = words(4, 4)
        letters.append(" ".join(text))
    return letters


def change_words(draw: random.Random, text: list[str], words: Any) -> str:
    """Changes words one by one as long as four fifths of all runs are shared."""
    runs = shingle(text)
    changed = list(text)
    for _ in range(draw.randint(1, 6)):
        tried = list(changed)
        tried[draw.randrange(len(tried))] = words(1, 1)[0]
        other = shingle(tried)
        if len(runs & other) >= 0.8 * len(runs | other):
            changed = tried
    return " ".join(changed)


def shingle(words: list[str]) -> set[tuple[str, ...]]:
    """Runs of three words."""
    return {tuple(words[at : at + 3]) for at in range(len(words) - 2)}


# --- measuring ----------------------------------------------------------------------------------------------------


def measure(tool: str, folder: Path, records: list[Record], options: argparse.Namespace) -> dict[str, Any]:
    """One tool in a fresh process tree, with nothing left of its last run."""
    import psutil

    for name in ("datatrove", "text-dedup", "cache"):
        shutil.rmtree(folder / name, ignore_errors=True)
    python = sys.executable if tool == "ours" else options.peer_python
    command = [python, __file__, "--tool", tool, "--folder", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")} if tool == "ours" else dict(os.environ)
    start, peak, used = time.monotonic(), 0, dict[int, float]()
    with (folder / f"{tool}.log").open("w") as log:
        process = psutil.Popen(command, stdout=log, stderr=log, env=environment)
        while process.poll() is None:
            peak = max(peak, look_at(process, used))
            time.sleep(_EVERY_S)
    seconds = time.monotonic() - start
    if process.returncode != 0:
        last = (folder / f"{tool}.log").read_text().strip().splitlines()[-1:]
        return {"failed": last[0] if last else f"exit {process.returncode}"}
    told = json.loads((folder / f"{tool}.told").read_text())
    kept = set((folder / f"{tool}.kept").read_text().split())
    # A process alone tells all by itself; workers of datatrove are nobody's that it waits for, and are sampled.
    whole = {"peak_mib": max(peak >> 20, told["peak_mib"]), "cpu_s": max(sum(used.values()), told["cpu_s"])}
    return told | whole | {"seconds": seconds} | judge(records, kept)


def sum_up(runs: list[dict[str, Any]], records: int) -> dict[str, Any]:
    """Medians of the speeds, with the least and the most; all else is the same in every run."""
    failed = [one for one in runs if "failed" in one]
    if failed:
        return failed[0]
    work = [one["cpu_s"] - one["start_cpu_s"] for one in runs]
    speeds = {
        "records_per_s": [records / one["seconds"] for one in runs],
        "records_per_cpu_s": [records / one["cpu_s"] for one in runs],
        "records_per_cpu_s_loaded": [records / one for one in work],
    }
    told = {name: [round(f(some)) for f in (median, min, max)] for name, some in speeds.items()}
    memory = {name: round(median(one[name] for one in runs)) for name in ("peak_mib", "start_mib")}
    return runs[0] | told | memory | {"cpu_s": [round(one["cpu_s"], 2) for one in runs]}


def look_at(process: Any, used: dict[int, float]) -> int:
    """Resident memory of a process and all below it; notes the processor time of each in `used`."""
    import psutil

    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss
            used[one.pid] = sum(one.cpu_times()[:2])
        except psutil.Error:
            continue
    return total


def judge(records: list[Record], kept: set[str]) -> dict[str, Any]:
    """Recall by kind: of a text and its copies one may stay, whichever. All else must stay."""
    clusters: dict[str, list[Record]] = defaultdict(list)
    for one in records:
        clusters[one.original].append(one)
    planted, found = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
    wrong = letters = 0
    for original, members in clusters.items():
        copies = [one for one in members if one.id != original]
        stay = [one for one in members if one.id in kept]
        if not stay:
            wrong += 1
            letters += original.startswith("l")
        for one in copies:
            planted[one.kind] += 1
            found[one.kind] += one.id not in kept or (len(stay) == 1)
    recall = {kind: round(found[kind] / planted[kind], 4) for kind in KINDS if planted[kind]}
    overall = round(sum(found.values()) / max(1, sum(planted.values())), 4)
    total = sum(one.id.startswith("l") for one in records)
    return {"recall": recall | {"all": overall}, "planted": planted, "texts_lost": wrong, "letters_lost": letters,
            "letters": total, "kept": len(kept)}  # fmt: skip


def describe_machine() -> str:
    """Cores and processor."""
    told = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    name = next((line.split(":")[1].strip() for line in told if line.startswith("model name")), platform.processor())
    return f"{os.cpu_count()} cores, {name}, Python {platform.python_version()}"


def print_table(results: dict[str, dict[str, Any]], records: int) -> None:
    """Markdown."""
    print(f"{records:,} records, {describe_machine()}\n")
    print("| tool | recall: all | exact | near | short | texts lost | of them letters | records/s | records/CPU s "
          "| the same once loaded | peak MiB | of them loaded |")  # fmt: skip
    print("|" + "---|" * 12)
    for tool, one in results.items():
        if "failed" in one:
            print(f"| {tool} | {one['failed']} |" + " |" * 10)
            continue
        recall = " | ".join(f"{one['recall'].get(kind, 0):.4f}" for kind in ("all", *KINDS))
        names = ("records_per_s", "records_per_cpu_s", "records_per_cpu_s_loaded")
        speeds = " | ".join("{:,} ({:,} to {:,})".format(*one[name]) for name in names)
        print(f"| {tool} | {recall} | {one['texts_lost']:,} | {one['letters_lost']:,} of {one['letters']:,} "
              f"| {speeds} | {one['peak_mib']:,} | {one['start_mib']:,} |")  # fmt: skip


# --- the tools ----------------------------------------------------------------------------------------------------


def run_tool(tool: str, folder: Path) -> None:
    """Dedupes corpus.jsonl with one tool; writes the ids that stay, and what it took."""
    runs = {"ours": run_ours, "datatrove": run_datatrove, "text-dedup": run_text_dedup, "rensa": run_rensa,
            "rensa rho": run_rensa_rho}  # fmt: skip
    marks: list[tuple[float, int]] = []
    kept = runs[tool](folder, lambda: marks.append(tell_use()))
    (start_cpu_s, start_mib), (cpu_s, peak_mib) = marks[0], tell_use()
    told = {"start_cpu_s": start_cpu_s, "start_mib": start_mib, "cpu_s": cpu_s, "peak_mib": peak_mib}
    (folder / f"{tool}.told").write_text(json.dumps(told))
    (folder / f"{tool}.kept").write_text("\n".join(kept))


def tell_use() -> tuple[float, int]:
    """Processor seconds of this process and those it waited for; the most MiB that it held."""
    most = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return sum(os.times()[:4]), int(most.split()[1]) >> 10  # ru_maxrss would begin at what the parent held


def run_ours(folder: Path, loaded: Loaded) -> list[str]:
    """As `nichetune dedupe corpus.jsonl out.jsonl` does."""
    from nichetune.corpus.dedupe_file import dedupe_file

    loaded()
    dedupe_file(folder / "corpus.jsonl", folder / "ours.jsonl")
    return [json.loads(line)["id"] for line in (folder / "ours.jsonl").open()]


def run_datatrove(folder: Path, loaded: Loaded) -> list[str]:
    """Its four steps with its local executor, one worker a core for signatures and the filter."""
    try:
        from datatrove.executor.local import LocalPipelineExecutor
        from datatrove.pipeline.dedup import MinhashDedupSignature
        from datatrove.pipeline.dedup.minhash import (
            MinhashConfig,
            MinhashDedupBuckets,
            MinhashDedupCluster,
            MinhashDedupFilter,
        )
        from datatrove.pipeline.readers import JsonlReader
        from datatrove.pipeline.writers.jsonl import JsonlWriter
    except ImportError:
        sys.exit("not installed: pip install datatrove[io,processing] spacy")
    loaded()
    config = MinhashConfig(n_grams=3, num_buckets=32, hashes_per_bucket=4)
    work, cores = folder / "datatrove", os.cpu_count() or 1
    step = {name: str(work / name) for name in ("signatures", "buckets", "remove", "out")}
    reader = JsonlReader(str(folder / "parts"))
    stages: list[tuple[list[Any], int]] = [
        ([reader, MinhashDedupSignature(step["signatures"], config)], 2),
        ([MinhashDedupBuckets(step["signatures"], step["buckets"], config=config)], config.num_buckets),
        ([MinhashDedupCluster(step["buckets"], step["remove"], config=config)], 1),
        ([reader, MinhashDedupFilter(step["remove"]), JsonlWriter(step["out"], compression=None)], 2),
    ]
    for n, (pipeline, tasks) in enumerate(stages):
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=cores, logging_dir=str(work / f"logs{n}")).run()
    return [json.loads(line)["id"] for path in (work / "out").iterdir() for line in path.open()]


def run_text_dedup(folder: Path, loaded: Loaded) -> list[str]:
    """Its MinHash command, on lower case since it takes Eye and eye for two words; shorter texts than a run go."""
    try:
        from datasets import load_from_disk
        from text_dedup import minhash  # noqa: F401  (whether it is there)
    except ImportError:
        sys.exit("not installed: pip install datasets; pip install --no-deps text-dedup")
    loaded()  # its command loads itself again
    with (folder / "lower.jsonl").open("w") as lower:
        for line in (folder / "corpus.jsonl").open():
            one = json.loads(line)
            lower.write(json.dumps(one | {"text": one["text"].lower()}) + "\n")
    options = {
        "path": "json", "data_files": folder / "lower.jsonl", "split": "train", "cache_dir": folder / "cache",
        "output": folder / "text-dedup", "column": "text", "ngram": 3, "min_length": 3, "num_perm": 128,
        "b": 32, "r": 4, "threshold": 0.8, "hash_func": "xxh3", "num_proc": os.cpu_count() or 1,
    }  # fmt: skip
    command = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    subprocess.run([sys.executable, "-m", "text_dedup.minhash", *command], check=True, cwd=folder)
    return [str(name) for name in load_from_disk(str(folder / "text-dedup"))["id"]]


def run_rensa(folder: Path, loaded: Loaded) -> list[str]:
    """Its deduplicator with its index, fed with runs of three words in pieces, as its guide does."""
    try:
        from rensa import RMinHashDeduplicator
    except ImportError:
        sys.exit("not installed: pip install rensa")
    loaded()
    index = RMinHashDeduplicator(threshold=0.8, num_perm=128, use_lsh=True, num_bands=32)
    kept: list[str] = []
    with (folder / "corpus.jsonl").open() as lines:
        while piece := [json.loads(line) for line in itertools.islice(lines, _PIECE)]:
            stays = index.add_pairs((one["id"], cut_runs(one["text"])) for one in piece)
            kept += [one["id"] for one, stay in zip(piece, stays, strict=True) if stay]
    return kept


def run_rensa_rho(folder: Path, loaded: Loaded) -> list[str]:
    """Its sampling sketches and its index over all of them at once: what is not flagged stays."""
    try:
        from rensa import RMinHash, RMinHashLSH
    except ImportError:
        sys.exit("not installed: pip install rensa")
    loaded()
    names: list[str] = []

    def cut() -> Iterator[list[str]]:
        with (folder / "corpus.jsonl").open() as lines:
            for line in lines:
                one = json.loads(line)
                names.append(one["id"])
                yield cut_runs(one["text"])

    sketches = RMinHash.digest_matrix_from_token_sets_rho(cut(), 128, 42)
    index = RMinHashLSH(threshold=0.8, num_perm=128, num_bands=32)
    flags = index.query_duplicate_flags_matrix_one_shot(sketches)
    return [name for name, flag in zip(names, flags, strict=True) if not flag]


def cut_runs(text: str) -> list[str]:
    """Runs of three words; of a shorter text the whole."""
    words = text.lower().split()
    return list(map(" ".join, zip(words, words[1:], words[2:], strict=False))) or [" ".join(words)]


if __name__ == "__main__":
    main()
