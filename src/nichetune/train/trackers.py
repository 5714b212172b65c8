"""Experiment trackers, through the trainer's own `report_to`: numbers and settings, never a text of the user's.

    ["tensorboard"] -> tracking/tensorboard/<method>/events.out.…

They write into the run's `tracking/`, outside every stage's folder and so outside every digest, unless the tracker's
own environment variable names another place.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from nichetune.core.errors import UserError

FOLDER = "tracking"


def check_trackers(trackers: Sequence[str]) -> None:
    """Looks whether their packages are there and whole, before anything is loaded.

    Raises:
        UserError: one is not; the extra that brings it is named.
    """
    for tracker in trackers:
        try:
            importlib.import_module(tracker)
        except ImportError as error:
            lacks = "is not installed" if error.name == tracker else f"cannot be used here, it lacks {error.name}"
            raise UserError(f"train.trackers: {tracker} {lacks}: `pip install 'nichetune[{tracker}]'`") from None


@contextlib.contextmanager
def track_in(folder: Path, project: str, method: str, trackers: Sequence[str]) -> Iterator[None]:
    """Tells the trackers where to write while the block runs; what the user's environment says goes first."""
    places = {name: folder / name for name in trackers}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    wanted: dict[str, str] = {}
    if "tensorboard" in places:
        wanted["TENSORBOARD_LOGGING_DIR"] = str(places["tensorboard"] / method)
    if "mlflow" in places:
        wanted |= {
            "MLFLOW_TRACKING_URI": f"sqlite:///{places['mlflow'] / 'mlflow.db'}",
            "MLFLOW_EXPERIMENT_NAME": project,
        }
    if "wandb" in places:
        wanted |= {"WANDB_DIR": str(places["wandb"]), "WANDB_PROJECT": project, "WANDB_MODE": "offline"}
    if "trackio" in places:
        wanted["TRACKIO_DIR"] = str(places["trackio"])
    own = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            os.environ.pop(name, None)
