"""Where trials run: one after another in this process, or several at once over Ray.

with open_workers(sweep, data) as submit:
    future = submit(run_trial, job)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.settings import DataSettings, SweepSettings
from nichetune.corpus.engine import connect_ray

Submit = Callable[..., "Future[Any]"]


@contextmanager
def open_workers(sweep: SweepSettings, data: DataSettings) -> Iterator[Submit]:
    """What runs a function somewhere and gives its future.

    Raises:
        UserError: Ray is not installed, or several machines are to share an SQLite file.
        SystemFailure: the cluster does not answer.
    """
    if sweep.parallel == 1:
        yield _run_here
        return
    if data.address and not sweep.storage:
        raise UserError(
            "sweep.storage: a cluster cannot share the run's SQLite file: give the URL of a database that all of its "
            "machines reach, such as postgresql+psycopg://…"
        )
    connected = connect_ray(data.address, "sweep.parallel is more than 1", "data.address")
    import ray

    share = _share_of_machine(ray, sweep.parallel)

    def submit(work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = ray.remote(work).options(**share).remote(*arguments).future()
        return future

    try:
        yield submit
    finally:
        if connected:
            ray.shutdown()


def _run_here(work: Callable[..., Any], *arguments: Any) -> Future[Any]:
    future: Future[Any] = Future()
    try:
        future.set_result(work(*arguments))
    except Exception as error:  # noqa: BLE001 - as another process would hand it over; a stop goes through
        future.set_exception(error)
    return future


def _share_of_machine(ray: Any, parallel: int) -> dict[str, Any]:
    """What each trial gets, so that so many run at once and none is larger than a machine."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cores = int(sum(m.get("CPU", 0) for m in machines)) // parallel
    most = int(max(m.get("CPU", 1) for m in machines))
    gpus = sum(m.get("GPU", 0) for m in machines)
    # A trial that dies is told of, not begun again behind our back: its successor would find it half done.
    return {"num_cpus": max(1, min(cores, most)), "num_gpus": 1 if gpus else 0, "max_retries": 0}
