"""Daft, imported so that it sends nothing home and draws no bars of its own, and the one way this layer uses it.

a job + the places of records -> one Parquet file a part, by this machine's cores or by a Ray cluster

    write_parts("reading", job, places, folder) -> [<folder>/000000.parquet, <folder>/000001.parquet, …]

Daft reports each import to an analytics service unless the environment says otherwise before it is imported. A tool
for private corpora makes no such call. Everything here that uses Daft imports it from this file.

A part is written by the worker that made it, whole or not at all, and one that is there is not made again: a killed
run goes on with the parts that are done. What a worker needs it reads from the run's folder, by place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DAFT_ANALYTICS_ENABLED", "0")
os.environ.setdefault("DAFT_PROGRESS_BAR", "0")

import daft
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from daft import DataType, Series, col

from nichetune.core.errors import NichetuneError, SystemFailure, UserError, explain_os_error
from nichetune.core.progress import track
from nichetune.corpus.processes import Pool

__all__ = ["PART", "DataType", "Series", "col", "daft", "is_on_ray", "tell_losses", "write_parts"]

PART = 20_000  # records: some MB of text, and a second or two of work
Job = Callable[[int, np.ndarray], pa.Table]


def write_parts(
    label: str, job: Job, places: np.ndarray, folder: Path, size: int = 0, pool: Pool | None = None
) -> list[Path]:
    """Runs `job` on every `PART` places and writes what it returns; the files in the order of the places.

    Args:
        label: what people see while it runs.
        job: gets the number of the first of some `places`, and these, in their order; it travels to the workers.
        size: places of a part, if not `PART`.
        pool: does the work on this machine, in place of Daft's own processes.

    Raises:
        UserError: a job says so.
        SystemFailure: a disk is full, or a worker was lost.
    """
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "places.npy", places)
    size = size or PART
    files = [folder / f"{n:06}.parquet" for n in range(-(-len(places) // size))]
    missing = [n for n, file in enumerate(files) if not file.is_file()]
    if pool is not None and not is_on_ray():
        with track(label, len(missing), "parts") as tick:
            for problem in pool.map(partial(write_part, job, folder, size=size), missing):
                _raise_again(problem)
                tick()
    elif len(missing) == 1 and not is_on_ray():
        _raise_again(write_part(job, folder, missing[0], size))
    elif missing:
        _write_beside(label, job, folder, missing, size)
    return files


def _write_beside(label: str, job: Job, folder: Path, missing: list[int], size: int) -> None:
    """Writes parts in processes beside this one, or on the cluster."""
    work = _make_worker(min(len(missing), count_cores()))(job, str(folder), size)
    frame = daft.from_pydict({"part": missing})
    if is_on_ray():
        frame = frame.into_partitions(len(missing))
    frame = frame.select(work.write(col("part")).alias("problem"))
    with track(label, len(missing), "parts") as tick, tell_losses():
        for row in frame.iter_rows():
            _raise_again(row["problem"])
            tick()


def _make_worker(processes: int) -> Any:
    """The class that Daft makes workers of."""

    @daft.cls(use_process=True, max_concurrency=processes)
    class Worker:
        def __init__(self, job: Job, folder: str, size: int) -> None:
            self.job, self.folder, self.size = job, Path(folder), size

        @daft.method.batch(return_dtype=DataType.string(), batch_size=1)
        def write(self, parts: Series) -> list[str]:
            return [write_part(self.job, self.folder, part, self.size) for part in parts.to_pylist()]

    return Worker


def write_part(job: Job, folder: Path, part: int, size: int) -> str:
    """Writes one part; returns what went wrong, since errors lose their kind on the way from a worker."""
    file = folder / f"{part:06}.parquet"
    unfinished = file.with_name(f".{file.name}.{uuid4().hex}.part")  # a lost worker may still be writing its own
    try:
        places = np.load(folder / "places.npy", mmap_mode="r")[part * size : (part + 1) * size]
        pq.write_table(job(part * size, np.asarray(places)), unfinished)
        os.replace(unfinished, file)
    except (NichetuneError, OSError) as error:
        unfinished.unlink(missing_ok=True)
        told = explain_os_error(error) if isinstance(error, OSError) else error
        return f"{told.exit_status} {told}"
    return ""


def _raise_again(problem: str) -> None:
    if problem:
        status, _, text = problem.partition(" ")
        raise (UserError if status == str(UserError.exit_status) else SystemFailure)(text)


@contextmanager
def tell_losses() -> Iterator[None]:
    """Around whatever makes Daft compute.

    Raises:
        SystemFailure: a worker was lost: killed, or out of memory.
    """
    try:
        yield
    except _list_failures() as error:
        raise SystemFailure(  # what Daft says may quote a record
            f"a worker of data.engine was lost ({type(error).__name__}; out of memory?): free some memory, then run "
            "the same command again"
        ) from error


def _list_failures() -> tuple[type[Exception], ...]:
    """What Daft and Ray raise where a worker is lost."""
    own = (RuntimeError, ValueError, OSError, EOFError)
    if not is_on_ray():
        return own
    import ray

    return (*own, ray.exceptions.RayError)


def count_cores() -> int:
    """Cores of this machine, or of the cluster that runs Daft's programs."""
    if is_on_ray():
        import ray

        return max(1, int(ray.cluster_resources().get("CPU", 1)))
    return os.cpu_count() or 1


def is_on_ray() -> bool:
    """Whether Daft's programs run on a Ray cluster."""
    return daft.runners.get_or_infer_runner_type() == "ray"
