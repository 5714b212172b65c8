"""What a training keeps in its stage's folder: how it was made to fit, its checkpoints, and in the end its adapter.

<out>/checkpoints/{fit.json, checkpoint-120/} while it runs -> <out>/adapter/
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nichetune.core.files import read_json, write_json
from nichetune.core.progress import say
from nichetune.core.settings import Method, Settings
from nichetune.models.compute import pick_dtype
from nichetune.models.loading import LoadedModel, pick_device, quiet_libraries
from nichetune.train.data import EncodedSet
from nichetune.train.fit import Fit, choose_fit, describe_fit

CHECKPOINTS = "checkpoints"


def keep_fit(settings: Settings, method: Method, folder: Path, encoded: EncodedSet, out: Path) -> Fit:
    """A resumed training keeps the way that it began with, however much memory is free by now."""
    kept = out / CHECKPOINTS / "fit.json"
    if kept.is_file():
        fit = Fit(**read_json(kept))
        say(f"  memory: as this training began: {describe_fit(fit, settings.train, method)}")
        return fit
    device = pick_device(settings.base.device)
    longest = max(len(e.ids) for e in encoded.examples)
    fit = choose_fit(settings.train, method, folder, pick_dtype(settings.base.dtype, device), device, longest)
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_json(kept, asdict(fit))
    return fit


def last_checkpoint(out: Path) -> str | None:
    """The newest checkpoint that is whole; what a kill cut short is cleared away."""
    from nichetune.train.trainer import is_whole, newest_step

    folder = out / CHECKPOINTS
    for checkpoint in folder.glob("checkpoint-*"):
        if not is_whole(checkpoint):
            shutil.rmtree(checkpoint, ignore_errors=True)
    if not (step := newest_step(folder)):
        return None
    say(f"  going on from step {step}")
    return str(folder / f"checkpoint-{step}")


def read_history(logs: list[dict[str, float]]) -> list[dict[str, float]]:
    """Loss by step, and the development set's where it was measured, from the trainer's log."""
    judged = {int(log["step"]): log["eval_loss"] for log in logs if "eval_loss" in log}
    steps = [(int(log["step"]), log["loss"]) for log in logs if "loss" in log]
    return [{"step": n, "loss": loss} | ({"dev_loss": judged[n]} if n in judged else {}) for n, loss in steps]


def save_trained(base: LoadedModel, out: Path, weights: dict[str, Any] | None = None) -> None:
    """Writes adapter/: the trained weights (`weights` where no process holds all), the tokenizer with its template."""
    folder = out / "adapter"
    shutil.rmtree(folder, ignore_errors=True)
    with quiet_libraries():
        base.model.save_pretrained(folder, safe_serialization=True, state_dict=weights)
        base.tokenizer.save_pretrained(folder)
    _sort_targets(folder / "adapter_config.json")
    _forget_how_loaded(folder / "tokenizer_config.json")
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's card template: it names this machine's paths


def _sort_targets(path: Path) -> None:
    """PEFT writes the adapted layers from a set, in an order that differs from process to process."""
    if path.is_file():
        config = read_json(path)
        write_json(path, config | {"target_modules": sorted(config["target_modules"])})


def _forget_how_loaded(path: Path) -> None:
    """The tokenizer's file says whether it was loaded offline, which is no part of what it is."""
    config = read_json(path)
    write_json(path, {key: value for key, value in config.items() if key != "local_files_only"})
