"""One trial: trains by the project's own path with other values, looked at on the way, and judged when it ends.

Reads what `train/<method>` reads, and split/dev.jsonl -> `Outcome`; its folder is the sweep's to delete

A killed trial goes on inside its folder from its checkpoint, as any stage does.
"""

from __future__ import annotations

import gc
import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from nichetune.core.files import read_json, write_json
from nichetune.core.progress import silence_progress
from nichetune.core.records import Estimate, Example
from nichetune.core.settings import Method, Settings
from nichetune.core.stages import Report, Stage, run_stage
from nichetune.sweep.dev import DevLoss, DevSet, read_dev, score_answers
from nichetune.sweep.objective import LOSS, is_minimised
from nichetune.sweep.storage import Watched, open_storage
from nichetune.train import sft

_JUDGED = "dev_loss.json"


@dataclass(frozen=True)
class TrialJob:
    """What a worker needs, on whatever machine it runs.

    Attributes:
        settings: the project's, with the trial's values in them.
        inputs: folders of mask, split, benchmark (which training checks against), and index where there is one.
        trial_id: its number in the storage; `number` is its number in the study.
    """

    settings: Settings
    method: Method
    inputs: dict[str, Path]
    folder: Path
    storage: str
    study: str
    trial_id: int
    number: int
    quiet: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: pruned, or with the objective's figure on the development set."""

    pruned: bool = False
    figure: Estimate | None = None
    seconds: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


class Pruned(Exception):
    """The trial falls behind the others: enough of it."""


def run_trial(job: TrialJob) -> Outcome:
    """Trains and judges one trial.

    Raises:
        NichetuneError: as training does.
    """
    if job.quiet:
        silence_progress()
    settings = job.settings
    items = read_dev(settings, job.inputs["split"])
    try:
        done = run_stage(_describe(job), job.folder, lambda out: _train(job, items, out))
    except Pruned:
        return Outcome(pruned=True)
    finally:
        _free_memory()
    if settings.sweep.objective == LOSS:
        figure = DevLoss(**read_json(job.folder / _JUDGED)).estimate(settings.benchmark.alpha)
    else:
        own = {name: path for name, path in job.inputs.items() if name in ("mask", "index")}
        figure = score_answers(settings, job.method, job.folder, items, own)
    return Outcome(figure=figure, seconds=round(done.seconds, 1))


def _describe(job: TrialJob) -> Stage:
    """As the train stage is described in `pipeline/flow.py`: the same content goes on, any other starts anew."""
    whole = job.settings.model_dump(mode="json", by_alias=True)
    sections = {name: whole[name] for name in ("base", "train", "tasks", "index", "split")}
    inputs = {"train": job.inputs["split"] / "train.jsonl", "dev": job.inputs["split"] / "dev.jsonl"}
    inputs |= {name: job.inputs[name] for name in ("benchmark", "index") if name in job.inputs}
    packages = ("torch", "transformers", "trl", "peft", "bitsandbytes")
    return Stage(
        f"trial {job.number + 1}", ("train", "generate", "models"), inputs, sections | {"study": job.study}, packages,
        job.settings.seed,
    )  # fmt: skip


def _train(job: TrialJob, items: list[Example], out: Path) -> Report:
    settings = job.settings
    dev = DevSet(settings, items, job.inputs.get("index"))
    watch = DevWatch(dev, settings.sweep.looks, _reporter(job))
    report = sft.run(settings, job.inputs, out, job.method, [watch])
    if watch.last is None:
        raise RuntimeError("training ended without its last look at the development set")
    write_json(out / _JUDGED, vars(watch.last))
    return report


def _reporter(job: TrialJob) -> Any:
    """Tells the storage of a look; says whether the trial is worth going on with."""
    watched = Watched(open_storage(job.storage), job.study, job.trial_id, job.settings.sweep)
    sign = 1.0 if is_minimised(job.settings.sweep.objective) else -1.0

    def report(look: int, loss: float, last: bool) -> bool:
        watched.report(look, sign * loss)
        return not last and watched.should_prune()

    return report


class DevWatch(TrainerCallback):
    """Looks at the development loss after equal shares of training, the last time when it has ended.

    Args:
        report: gets the look's number from 0, the loss and whether it is the last; True ends the training.
    """

    def __init__(self, dev: DevSet, looks: int, report: Any) -> None:
        self._dev, self._looks, self._report = dev, looks, report
        self.last: DevLoss | None = None

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Called by the trainer after each optimiser step."""
        due = [math.ceil(state.max_steps * n / self._looks) for n in range(1, self._looks)]
        if state.global_step < state.max_steps and state.global_step in due:
            self._look(due.index(state.global_step), model, last=False)

    def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Called by the trainer when it has ended, also where a checkpoint left nothing to do."""
        self.last = self._look(self._looks - 1, model, last=True)

    def _look(self, look: int, model: Any, last: bool) -> DevLoss:
        loss = self._dev.measure_loss(model)
        if self._report(look, loss.mean, last):
            raise Pruned
        return loss


def _free_memory() -> None:
    """A trainer holds itself in circles, which only the collector undoes."""
    gc.collect()
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def clear_trial(folder: Path) -> None:
    """Deletes a trial's weights, finished or not: only its figures are kept."""
    for path in (folder, folder.parent / f".{folder.name}.work"):
        shutil.rmtree(path, ignore_errors=True)
