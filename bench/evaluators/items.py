"""What all three answer: sealed forms of the demo, the model as a folder, and the two exports.

Reads runs/icd10-eye-ear/benchmark, which it makes from the demo's corpus if it is missing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nichetune.benchmark.seal import load_benchmark
from nichetune.core.files import iter_jsonl, read_json, write_record
from nichetune.core.records import Candidate, Example, Prediction
from nichetune.core.settings import PRIMARY_METRICS, BaseSettings
from nichetune.core.settings_file import load_settings
from nichetune.evaluate.candidates import describe_candidate
from nichetune.evaluate.replay import choose_items
from nichetune.evaluate.runner import read_answer
from nichetune.evaluate.scoring import score_item
from nichetune.models.loading import load_base
from nichetune.models.merge import save_weights
from nichetune.pipeline.export_formats import Source
from nichetune.pipeline.export_harness import HARNESSES, write_harness

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "icd10-eye-ear"
RUN = ROOT / "runs" / "icd10-eye-ear"
TASK = "triage"


@dataclass(frozen=True)
class Prepared:
    """Folders of this run of the bench.

    Attributes:
        folder: candidate.json and items.jsonl, for our own side.
        model: weights, tokenizer and template in transformers' form.
        exports: by harness.
    """

    folder: Path
    model: Path
    exports: dict[str, Path]


def prepare(work: Path, count: int) -> Prepared:
    """Writes them.

    Args:
        count: how many items, the same ones every time.
    """
    _make_benchmark()
    settings = load_settings(EXAMPLE)
    settings.base = BaseSettings(model=_save_model(work / "model"), dtype="float32", device="cpu")
    whole = describe_candidate(settings, "base", None, None)
    candidate = whole.model_copy(update={"tasks": {TASK: settings.tasks[TASK]}})
    items = choose_items([i for i in load_benchmark(RUN / "benchmark").items if i.task == TASK], count)
    source = Source(candidate, None, None, "bench", "cpu", 1, {})
    exports = {harness: work / harness for harness in HARNESSES}
    for harness, folder in exports.items():
        folder.mkdir()
        write_harness(source, harness, items, RUN, folder)
    folder = exports["lm-eval"]
    write_record(folder / "candidate.json", candidate)
    return Prepared(folder, work / "model", exports)


def _make_benchmark() -> None:
    if (RUN / "benchmark" / "items.jsonl").is_file():
        return
    commands = [
        [sys.executable, str(EXAMPLE / "build_corpus.py")],
        [sys.executable, "-m", "nichetune", "run", "--project", str(EXAMPLE), "--run-dir", str(RUN),
         "--until", "benchmark"],
    ]  # fmt: skip
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _save_model(folder: Path) -> str:
    save_weights(load_base(BaseSettings(dtype="float32", device="cpu")), folder, "f32")
    return str(folder)


def rescore(prepared: Prepared, answers: Mapping[str, str]) -> dict[str, float]:
    """Means of nichetune's own metrics on a harness's answers."""
    candidate = Candidate.model_validate(read_json(prepared.folder / "candidate.json"))
    task, found = candidate.tasks[TASK], []
    for line in iter_jsonl(prepared.folder / "items.jsonl"):
        item = Example.model_validate(line["item"])
        text = answers[item.id]
        scores = score_item(task, item, Prediction(item=item.id, text=text, answer=read_answer(task, text)))
        found.append(scores | {"success": scores[PRIMARY_METRICS[task.kind]]})
    names = dict.fromkeys(name for scores in found for name in scores)
    return {f"{TASK}.{name}": _mean([scores[name] for scores in found if name in scores]) for name in names}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
