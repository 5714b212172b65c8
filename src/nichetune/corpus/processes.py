"""A pool of worker processes on this machine: started once, handed work as it comes, results in the order of the work.

    with Pool(processes=0, warm=load_models) as pool:
        for result in pool.map(work, items): ...

What `warm` loads is shared by all workers where a process can fork. A worker ends with the process that started it,
even where that one was killed.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import connection, get_context, parent_process
from types import TracebackType
from typing import Any, TypeVar

from nichetune.core.errors import SystemFailure

T = TypeVar("T")
R = TypeVar("R")
# Work that waits for each worker: enough that none is ever idle, few enough to hold.
_AHEAD = 4


class Pool:
    """Worker processes, started when there is work for more than one.

    Args:
        processes: 0 for one per core; with 1, the work is done in this process.
        warm: loads what every worker needs.
    """

    def __init__(self, processes: int, warm: Callable[[], object]) -> None:
        self.processes = processes or count_own_cores()
        self._warm = warm
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """The result of each item, in their order; no more than a few items a worker are ever held.

        Raises:
            SystemFailure: a worker process was killed.
        """
        rest = iter(items)
        first = list(islice(rest, 2))
        if self.processes == 1 or len(first) < 2:
            yield from map(work, chain(first, rest))
            return
        try:
            yield from self._map_beside(work, chain(first, rest))
        except BrokenProcessPool:
            raise SystemFailure(
                "a masking process was killed, most likely for want of memory: set mask.processes=1 and run again"
            ) from None

    def _map_beside(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        executor, waiting = self._start(), deque[Future[R]]()
        for item in items:
            waiting.append(executor.submit(work, item))
            if len(waiting) >= _AHEAD * self.processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _start(self) -> ProcessPoolExecutor:
        if self._executor is None:
            # A fork shares what is loaded; elsewhere each worker loads its own.
            method = "fork" if sys.platform == "linux" else "spawn"
            if method == "fork":
                self._warm()
            self._executor = ProcessPoolExecutor(self.processes, mp_context=get_context(method), initializer=_begin)
        return self._executor


def _begin() -> None:
    # What was loaded before the fork is never garbage: not looking at it again saves a twentieth of a worker's time.
    gc.freeze()
    _end_with_parent()


def _end_with_parent() -> None:
    """Without this, the workers of a killed process would wait for work for ever, and write beside its successor."""
    parent: Any = parent_process()

    def wait() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def count_own_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
