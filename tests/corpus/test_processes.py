"""A pool keeps the order of its work, takes no more of it than it needs, and says when a worker was killed."""

from __future__ import annotations

import os
import signal
import time

import pytest

from nichetune.core.errors import SystemFailure
from nichetune.corpus.processes import Pool


def work_long_if_even(n):
    time.sleep(0.02 * (n % 2 == 0))
    return n, os.getpid()


def die_at_three(n):
    if n == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def test_results_come_in_order_from_processes_that_are_started_once():
    taken, warmed, ahead = [], [], []

    def items(count):
        for n in range(count):
            taken.append(n)
            yield n

    with Pool(2, lambda: warmed.append(1)) as pool:
        first = []
        for result in pool.map(work_long_if_even, items(40)):
            first.append(result)
            ahead.append(len(taken) - len(first))
        second = list(pool.map(work_long_if_even, range(10)))
    assert [n for n, _ in first] == list(range(40)) and [n for n, _ in second] == list(range(10))
    workers = {pid for _, pid in [*first, *second]}
    assert len(workers) <= 2 and os.getpid() not in workers and warmed == [1]
    assert max(ahead) < 8  # not the whole corpus


@pytest.mark.parametrize(("processes", "count"), [(1, 5), (2, 1)])
def test_work_for_one_is_done_here(processes, count):
    with Pool(processes, lambda: pytest.fail("no worker is started")) as pool:
        assert {pid for _, pid in pool.map(work_long_if_even, range(count))} == {os.getpid()}


def test_a_killed_worker_is_one_line():
    with Pool(2, lambda: None) as pool, pytest.raises(SystemFailure, match=r"was killed.*mask\.processes=1"):
        list(pool.map(die_at_three, range(8)))
