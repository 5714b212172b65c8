"""Experiment trackers, through the trainer's own `report_to`: numbers and settings, never a text of the user's.

    ["tensorboard"] -> tracking/tensorboard/<method>/events.out.…

They write into the run's `tracking/`, outside every stage's folder and so outside every digest, unless the tracker's
own environment variable names another place. None asks for the network unless that was set so: Weights & Biases stays
offline, Trackio writes a local database.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import netrc
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from nichetune.core.errors import UserError
from nichetune.core.progress import say

FOLDER = "tracking"
# Beside numbers a run of Weights & Biases would hold the diff of the folder's git repository, the calling script and
# what the terminal showed, and would report its own crashes.
_WANDB_NUMBERS_ONLY = {
    "WANDB_DISABLE_CODE": "true", "WANDB_DISABLE_GIT": "true", "WANDB_CONSOLE": "off", "WANDB_SILENT": "true",
    "WANDB_ERROR_REPORTING": "false",
}  # fmt: skip


def check_trackers(trackers: Sequence[str], folder: Path, project: str, method: str) -> None:
    """Looks whether their packages are there and whole, before anything is loaded.

    Raises:
        UserError: one is not (the extra that brings it is named), or one is to send its log and has no key.
    """
    # Trackio binds its folder when it is imported.
    with _environment(_wanted(trackers, folder, project, method)):
        for tracker in trackers:
            try:
                importlib.import_module(tracker)
            except ImportError as error:
                lacks = "is not installed" if error.name == tracker else f"cannot be used here, it lacks {error.name}"
                raise UserError(f"train.trackers: {tracker} {lacks}: `pip install 'nichetune[{tracker}]'`") from None
    if "wandb" in trackers and is_wandb_online() and not has_wandb_key():
        raise UserError(
            "train.trackers: wandb is online by WANDB_MODE and has no key: set WANDB_API_KEY, or leave WANDB_MODE out "
            f"and find the log in {folder / 'wandb'}"
        )


def is_wandb_online() -> bool:
    """Whether the user's environment asks Weights & Biases to send what it logs; by itself it does not."""
    return os.environ.get("WANDB_MODE", "offline") in ("online", "run", "shared")


def has_wandb_key() -> bool:
    """Whether Weights & Biases can log in without asking: by its variables, or by what `wandb login` wrote."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host or "") is not None
    except (OSError, netrc.NetrcParseError):
        return False


@contextlib.contextmanager
def track_in(trackers: Sequence[str], folder: Path, project: str, method: str) -> Iterator[None]:
    """Tells the trackers where to write while the block runs; what the user's environment says goes first."""
    for name in trackers:
        (folder / name).mkdir(parents=True, exist_ok=True)
    with _environment(_wanted(trackers, folder, project, method)):
        _rebind_trackio(trackers)
        _say_where(trackers)
        # Trackio greets on standard output, which is the results' own.
        quiet = contextlib.redirect_stdout(io.StringIO()) if "trackio" in trackers else contextlib.nullcontext()
        try:
            with quiet:
                yield
        finally:
            _finish(trackers)


def _wanted(trackers: Sequence[str], folder: Path, project: str, method: str) -> dict[str, str]:
    wanted: dict[str, str] = {}
    if "tensorboard" in trackers:
        wanted["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard" / method)
    if "mlflow" in trackers:
        wanted |= {
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow' / 'mlflow.db'}",
            "MLFLOW_EXPERIMENT_NAME": project,
        }
    if "wandb" in trackers:
        wanted |= {"WANDB_DIR": str(folder / "wandb"), "WANDB_PROJECT": project, "WANDB_MODE": "offline"}
        wanted |= _WANDB_NUMBERS_ONLY
    if "trackio" in trackers:
        wanted["TRACKIO_DIR"] = str(folder / "trackio")
    return wanted


@contextlib.contextmanager
def _environment(wanted: dict[str, str]) -> Iterator[None]:
    own = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            os.environ.pop(name, None)


def _rebind_trackio(trackers: Sequence[str]) -> None:
    """An earlier run in this process has bound Trackio to its own folder."""
    if "trackio" not in trackers:
        return
    wanted = Path(os.environ["TRACKIO_DIR"])
    places = {"TRACKIO_DIR": wanted, "MEDIA_DIR": wanted / "media", "ARTIFACTS_DIR": wanted / "artifacts"}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "trackio":
            for place in places.keys() & vars(module).keys():
                setattr(module, place, places[place])


def _say_where(trackers: Sequence[str]) -> None:
    if "wandb" in trackers and not is_wandb_online():
        say(f"  wandb: offline, no key is needed: the log lies in {os.environ['WANDB_DIR']}; `wandb sync` sends it")
    if "trackio" in trackers:
        say(f"  trackio: the log lies in {os.environ['TRACKIO_DIR']}")


def _finish(trackers: Sequence[str]) -> None:
    """Ends the runs of those trackers that the trainer leaves open, or the next training would log into them."""
    if "wandb" in trackers:
        import wandb

        if wandb.run is not None:
            wandb.finish()
    if "trackio" in trackers:
        import trackio
        from trackio import context_vars

        if context_vars.current_run.get() is not None:
            trackio.finish()
