"""The stage that trains: in this process, or spread over ranks on this machine or workers of a Ray cluster.

settings, the stage's inputs and folder -> <out>/ranks/order.json, carried out by `train/rank.py` in every process;
what rank 0 wrote stands in `out`, as if one process had run.
"""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from nichetune.core import errors, progress
from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.files import read_json, write_json
from nichetune.core.progress import say
from nichetune.core.settings import Method, Settings
from nichetune.core.stages import Report
from nichetune.train import sft
from nichetune.train.local_ranks import Machine
from nichetune.train.rank import FOLDER, ORDER, REPORT
from nichetune.train.ranks import is_launched


def run(settings: Settings, inputs: dict[str, Path], out: Path, method: Method) -> Report:
    """Trains one method, in as many processes as the settings ask for; the result is the same.

    Raises:
        As `sft.run` and `spread_training` do.
    """
    if not is_spread(settings):
        return sft.run(settings, inputs, out, method)
    sft.check_before(settings, inputs, method)  # before any process is started
    return spread_training(settings, inputs, out, method)


def is_spread(settings: Settings) -> bool:
    """Whether these settings ask for other processes than this one, and this is not one of them already."""
    train = settings.train
    if is_launched() or (train.engine == "local" and train.sharding == "none" and train.processes == 1):
        return False
    if train.engine == "local" and train.sharding == "none" and train.processes == "auto":
        from nichetune.train.local_ranks import look_around

        return look_around(settings).gpus > 1
    return True


def spread_training(settings: Settings, inputs: dict[str, Path], out: Path, method: Method) -> Report:
    """Trains in several processes; the report is rank 0's.

    Raises:
        UserError: the batch does not divide by the ranks, sharding without GPUs or DeepSpeed, or a rank's own.
        SystemFailure: a rank was killed, the cluster does not answer, or a rank's own.
    """
    if settings.train.engine == "ray":
        from nichetune.train import ray_ranks as engine
    else:
        from nichetune.train import local_ranks as engine  # type: ignore[no-redef]
    machine = engine.look_around(settings)
    ranks = machine.gpus or 1 if settings.train.processes == "auto" else settings.train.processes
    _refuse_impossible(settings, ranks, machine)
    folder = out / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    order = {
        "settings": settings.model_dump(mode="json", by_alias=True), "method": method, "out": str(out.absolute()),
        "inputs": {name: str(path.absolute()) for name, path in inputs.items()},
        "cuda": machine.cuda, "quiet": progress.is_silent(), "here": str(Path.cwd()),
    }  # fmt: skip
    write_json(folder / ORDER, order)
    say(f"  {method}: {ranks} ranks, {settings.train.engine}, on {'GPUs' if machine.cuda else 'processors'}")
    codes = engine.run_ranks(settings, folder / ORDER, ranks, machine.cuda)
    report = _collect(folder, codes)
    shutil.rmtree(folder, ignore_errors=True)
    return report


def _refuse_impossible(settings: Settings, ranks: int, machine: Machine) -> None:
    train = settings.train
    if machine.most is not None and ranks > machine.most:
        kind = "GPUs" if machine.cuda else "cores"
        raise UserError(f"train.processes is {ranks}, and {machine.most} {kind} are there: set it to {machine.most}")
    if train.batch_size % ranks:
        raise UserError(
            f"train.batch_size {train.batch_size} does not divide by {ranks} GPUs (train.processes: auto), which "
            f"share each step: set it to {-(-train.batch_size // ranks) * ranks}"
        )
    if train.sharding != "none" and not machine.cuda:
        raise UserError(f"train.sharding: {train.sharding} needs CUDA GPUs, and none is used here: set it to none")
    if train.sharding == "deepspeed":
        from importlib.util import find_spec

        if find_spec("deepspeed") is None:
            raise UserError("train.sharding is deepspeed, which is not installed: pip install deepspeed, or set fsdp2")


def _collect(folder: Path, codes: dict[int, int]) -> Report:
    """Rank 0's report, or the error that came first: the others only missed the rank that had it."""
    found = [read_json(path) for path in folder.glob("error-*.json")]
    if found:
        first = min(found, key=lambda e: (not e["known"], e["time"]))
        raise getattr(errors, first["kind"], SystemFailure)(first["message"])
    if not (folder / REPORT).is_file() or any(codes.values()):
        raise SystemFailure(_explain_death(codes))
    return Report(**read_json(folder / REPORT))


def _explain_death(codes: dict[int, int]) -> str:
    killed = {rank: code for rank, code in codes.items() if code < 0}
    rank, code = min((killed or codes or {0: 1}).items(), key=lambda item: (item[1] == -signal.SIGTERM, item[0]))
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    why = " (out of memory?)" if code == -signal.SIGKILL else ""
    return f"rank {rank} of training {how}{why}: the same command goes on from the last checkpoint"
