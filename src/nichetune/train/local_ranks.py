"""Ranks on this machine, by torch's own launcher: one a GPU (nccl), or several processes on the processor (gloo)."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nichetune.core.settings import Settings
from nichetune.models.loading import pick_device, quiet_libraries


@dataclass(frozen=True)
class Machine:
    """Whether ranks will use GPUs, how many there are, and how many ranks fit (None: any number)."""

    cuda: bool
    gpus: int
    most: int | None


def look_around(settings: Settings) -> Machine:
    """What this machine has for ranks."""
    import torch

    cuda = pick_device(settings.base.device) == "cuda"
    gpus = torch.cuda.device_count() if cuda else 0
    return Machine(cuda, gpus, gpus if cuda else None)


def run_ranks(settings: Settings, order: Path, ranks: int, cuda: bool) -> dict[int, int]:
    """Runs the order in `ranks` processes; returns exit codes by rank of those that failed, negative for signals."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)  # what went wrong, the ranks say in one line
    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=ranks, max_restarts=0, run_id=uuid.uuid4().hex, rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0", local_addr="127.0.0.1",
    )  # fmt: skip
    try:
        with quiet_libraries(), _signals_kept():
            elastic_launch(config, sys.executable)("-m", "nichetune.train.rank", str(order))
    except ChildFailedError as error:
        return {rank: failure.exitcode for rank, failure in error.failures.items()}
    except SignalException as error:
        if error.sigval == signal.SIGINT:
            raise KeyboardInterrupt from None
        raise SystemExit(128 + error.sigval) from None
    return {}


@contextmanager
def _signals_kept() -> Iterator[None]:
    """The launcher takes these signals for itself, and leaves them so."""
    names = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    kept = {name: signal.getsignal(name) for name in names}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for name, handler in kept.items():
                signal.signal(name, handler)
