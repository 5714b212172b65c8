"""Ranks as workers of a Ray cluster, by Ray Train: several machines, or this one.

The run's folder and the base model must stand where every node sees them; each worker carries out the same order as a
local rank does.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nichetune.core.progress import say
from nichetune.core.settings import Settings
from nichetune.corpus.engine import connect_ray
from nichetune.train.local_ranks import Machine

_PROGRESS = "progress.txt"


def look_around(settings: Settings) -> Machine:
    """Connects to the cluster; what it has for ranks.

    Raises:
        UserError: Ray is not installed, or the address is none.
        SystemFailure: the cluster does not answer.
    """
    os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")
    connect_ray(settings.train.ray_address, "train.engine is ray", "train.ray_address")
    import ray

    has = ray.cluster_resources()
    gpus = int(has.get("GPU", 0))
    cuda = gpus > 0 and settings.base.device != "cpu"
    return Machine(cuda, gpus, gpus if cuda else int(has.get("CPU", 1)))


def run_ranks(settings: Settings, order: Path, ranks: int, cuda: bool) -> dict[int, int]:
    """Runs the order in `ranks` workers; returns {0: 1} where one of them failed."""
    from ray.exceptions import RayError
    from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
    from ray.train.torch import TorchTrainer

    with tempfile.TemporaryDirectory() as folder:
        trainer = TorchTrainer(
            _work, train_loop_config={"order": str(order)},
            scaling_config=ScalingConfig(num_workers=ranks, use_gpu=cuda),
            run_config=RunConfig(storage_path=folder, failure_config=FailureConfig(max_failures=0)),
        )  # fmt: skip
        try:
            with _follow(order.parent / _PROGRESS):
                trainer.fit()
        except (RayError, TrainingFailedError):
            return {0: 1}
    return {}


def _work(given: dict[str, Any]) -> None:
    from ray import train

    from nichetune.core.files import read_json
    from nichetune.train.rank import carry_out

    context = train.get_context()
    order = Path(given["order"])
    if context.get_world_rank() == 0:  # a worker's own output stays on its node
        sys.stderr = (order.parent / _PROGRESS).open("a", buffering=1, encoding="utf-8")
    if carry_out(read_json(order), context.get_world_rank(), context.get_world_size()):
        raise RuntimeError("a rank failed; its error stands beside the order")


@contextmanager
def _follow(path: Path) -> Iterator[None]:
    """Says here what rank 0 says there."""
    path.touch()
    done = threading.Event()

    def tail() -> None:
        with path.open(encoding="utf-8") as lines:
            ended = False
            while not ended:
                ended = done.wait(0.5)
                for line in lines:
                    say(line.rstrip("\n"))

    thread = threading.Thread(target=tail, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
