"""The stage that trains nothing: what a finished run trained is taken as it is, to meet new items or documents.

train/<method> of the run that `train.from_run` names (+ what it learnt from) -> the same files, under a manifest that
holds that stage's facts and its digest:

    {"method": "qlora", "base_digest": "4c…", "tokens_per_epoch": 48211, …, "taken_from": "9f…"}
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.benchmark.contamination import check_training
from nichetune.benchmark.seal import verify_benchmark
from nichetune.core.errors import UserError
from nichetune.core.files import iter_records, read_json
from nichetune.core.progress import say
from nichetune.core.records import Example
from nichetune.core.settings import Settings
from nichetune.core.stages import MANIFEST, Report, finished_stage, short
from nichetune.models.packaged import model_digest, resolve_model


@dataclass(frozen=True)
class Taken:
    """A finished run's training: its folder, and the files of examples that it learnt from."""

    folder: Path
    learnt_from: list[Path]

    def as_inputs(self) -> dict[str, Path]:
        """As the inputs of a stage, `taken` and `learnt_from/…`."""
        return {"taken": self.folder} | {
            f"learnt_from/{file.parent.name}/{file.name}": file for file in self.learnt_from
        }


def find_taken(run_dir: Path, stage: str) -> Taken:
    """A finished run's training.

    Args:
        run_dir: the finished run's folder.
        stage: such as `train/qlora`.

    Raises:
        UserError: no run stands there, it trained something else, or what it trained is not whole.
    """
    folder = run_dir / stage
    if not (folder / MANIFEST).is_file():
        found = sorted(p.parent.name for p in (run_dir / "train").glob(f"[!.]*/{MANIFEST}"))
        held = f"it trained {', '.join(found)}" if found else "no finished training stands there"
        raise UserError(f"train.from_run: {run_dir} has no {stage}: {held}")
    if finished_stage(folder) is None:
        raise UserError(f"train.from_run: {folder} was changed after its training: its files are not its manifest's")
    facts = read_json(folder / MANIFEST)["facts"]
    files = ["split/train.jsonl"]
    files += ["split/dev.jsonl"] * ("best_step" in facts)  # it chose when to stop
    files += ["preferences/train.jsonl"] * ("starts_from" in facts)
    for name in files:
        if not (run_dir / name).is_file():
            raise UserError(f"train.from_run: {run_dir} has lost {name}: nothing else tells what {stage} has seen")
    return Taken(folder, [run_dir / name for name in files])


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Copies what was trained, once nothing stands against it.

    Args:
        inputs: those of a `Taken`, and `benchmark`.

    Raises:
        UserError: it was trained on another base, or on what this benchmark holds.
    """
    manifest = read_json(inputs["taken"] / MANIFEST)
    facts: dict[str, Any] = manifest["facts"]
    _refuse_other_base(settings, facts)
    _refuse_seen(inputs)
    for name in manifest["outputs"]:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(inputs["taken"] / name, out / name)
    say(f"  taken from a finished run: training {short(manifest['digest'])}")
    return Report(manifest["counts"], manifest["dropped"], facts | {"taken_from": manifest["digest"]})


def _refuse_other_base(settings: Settings, facts: dict[str, Any]) -> None:
    if "base_digest" not in facts:  # the classical rung has none
        return
    own = model_digest(resolve_model(settings.base.model, settings.base.revision))
    if facts["base_digest"] != own:
        raise UserError(
            f"train.from_run: trained on base {facts['base_model']} ({short(facts['base_digest'])}), and base.model is "
            f"{settings.base.model} ({short(own)}): set base.model to that one, or train anew"
        )


def _refuse_seen(inputs: dict[str, Path]) -> None:
    files = [path for name, path in inputs.items() if name.startswith("learnt_from/")]
    learnt = (example for file in files for example in iter_records(file, Example))
    hits = check_training(learnt, verify_benchmark(inputs["benchmark"]))
    if hits:
        first = hits[0]
        raise UserError(
            f"train.from_run: {len(hits)} examples that it was trained on overlap this sealed benchmark, the first is "
            f"{first.example} ({first.reason} {first.item}): seal what is new to it (split.by: time), or train anew"
        )
