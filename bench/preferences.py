"""What preferences move on a finished run: pairs from its own training failures, then every metric before and after.

Reads a project and its finished run (both untouched) -> OUT/project, OUT/run, and with --json FILE the figures:

    python bench/preferences.py --project examples/icd10-eye-ear --run runs/icd10-eye-ear --out /tmp/moved [--loss dpo]

1. The tuned rung (`qlora+rag` where there is an index, else `qlora`) is asked every training and development example;
   no sealed item is opened. Where it is wrong, the right answer is chosen over what it wrote.
2. The pairs become a source of a copy of the project (`as: preferences`), and its run goes on from a copy of the run:
   stages that do not depend on the pairs are reused.
3. `nichetune run` with the rungs before and after; both are evaluated on the sealed benchmark, and each metric stands
   in the table with its 95% interval, whichever way it went.

Needs what the project's own run needs. With another version than the run's, training is done anew.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from nichetune.core.files import read_json, read_records, write_json, write_jsonl
from nichetune.core.records import Example, Prediction
from nichetune.core.settings import Settings
from nichetune.core.settings_file import load_settings
from nichetune.evaluate.candidates import describe_candidate
from nichetune.evaluate.failures import name_failure
from nichetune.evaluate.run import score_predictions
from nichetune.evaluate.runner import CandidateRunner

SFT = "qlora"


def find_failures(settings: Settings, run: Path, limit: int) -> list[tuple[Example, Prediction, str]]:
    """Examples that the tuned rung gets wrong, what it wrote, and the kind of the mistake."""
    examples = [e for part in ("dev", "train") for e in read_records(run / f"split/{part}.jsonl", Example)]
    examples = examples[: limit or None]
    index = run / "index" if (run / "index").is_dir() else None
    rung = f"{SFT}+rag" if index else SFT
    candidate = describe_candidate(settings, rung, run / "train" / SFT, index)
    runner = CandidateRunner(candidate, run / "train" / SFT / "adapter", index, settings.base.device,
                             settings.generate.batch_size)  # fmt: skip
    predictions = runner.answer(examples, done=lambda n: print(".", end="", file=sys.stderr, flush=True))
    scores = score_predictions(settings, examples, predictions, run / "mask")
    kinds = [
        name_failure(settings.tasks[e.task], e, p, s.scores)
        for e, p, s in zip(examples, predictions, scores, strict=True)
    ]
    return [(e, p, kind) for e, p, kind in zip(examples, predictions, kinds, strict=True) if kind and p.text.strip()]


def write_pair(example: Example, prediction: Prediction) -> dict[str, str]:
    """One row of the source: what was asked, the right answer as training reads it, and what is rejected."""
    return {"id": f"pair-{example.id}", "group": example.group, "prompt": example.messages[0].content,
            "chosen": example.messages[-1].content, "rejected": prediction.text}  # fmt: skip


def add_sources(project: Path, pairs: dict[str, list[dict[str, str]]]) -> None:
    """Writes the pairs beside the corpus, and names them in the settings."""
    path = project / "nichetune.yaml"
    raw = yaml.safe_load(path.read_text())
    for task, rows in pairs.items():
        write_jsonl(project / f"pairs/{task}.jsonl", rows)
        raw["sources"].append({"path": f"pairs/{task}.jsonl", "as": "preferences", "task": task})
    path.write_text(yaml.safe_dump(raw, sort_keys=False, allow_unicode=True))


def compare(run: Path, before: str, after: str) -> list[dict[str, Any]]:
    """Every metric of both rungs."""
    sides = [read_json(run / "evaluate" / rung / "metrics.json") for rung in (before, after)]
    names = dict.fromkeys([*sides[0], *sides[1]])
    return [{"metric": name, "before": sides[0].get(name), "after": sides[1].get(name)} for name in names]


def show(figure: dict[str, Any] | None) -> str:
    """A value with its interval and n."""
    if figure is None or figure["value"] is None:
        return "–"
    within = f" ({figure['low']:.3f} to {figure['high']:.3f})" if figure["low"] is not None else ""
    return f"{figure['value']:.3f}{within}, n {figure['n']}"


def main() -> None:
    """Finds failures, trains on them, evaluates, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--loss", default="dpo", choices=["dpo", "orpo", "kto"])
    parser.add_argument("--limit", type=int, default=0, help="ask only so many examples")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    project, run = given.out / "project", given.out / "run"
    if not run.is_dir():
        shutil.copytree(given.project, project, ignore=shutil.ignore_patterns("runs"))
        settings = load_settings(project)
        failures = find_failures(settings, given.run, given.limit)
        print(f"\n{len(failures)} failures: {dict(Counter(kind for _, _, kind in failures))}", flush=True)
        pairs: dict[str, list[dict[str, str]]] = {}
        for example, prediction, _ in failures:
            pairs.setdefault(example.task, []).append(write_pair(example, prediction))
        add_sources(project, pairs)
        shutil.copytree(given.run, run)
    moved = f"{SFT}+{given.loss}"
    rags = ["+rag"] if (run / "index").is_dir() else []
    rungs = [rung + rag for rag in ["", *rags] for rung in (SFT, moved)]
    command = [sys.executable, "-m", "nichetune", "run", "--project", str(project), "--run-dir", str(run),
               "--set", f"rungs={json.dumps(rungs)}"]  # fmt: skip
    subprocess.run(command, check=True)
    told = read_json(run / "train" / moved / "preferences.json")
    table = {rag or "alone": compare(run, SFT + rag, moved + rag) for rag in ["", *rags]}
    print(json.dumps(told))
    for side, rows in table.items():
        print(f"\n{side}: {SFT} before, {moved} after")
        for row in rows:
            print(f"  {row['metric']:32} {show(row['before']):38} {show(row['after'])}")
    if given.json:
        write_json(given.json, {"held_out": told, "metrics": table})


if __name__ == "__main__":
    main()
