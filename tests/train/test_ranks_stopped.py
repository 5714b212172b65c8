"""Two ranks of which training goes wrong: all of them end, one line says why once, and the last checkpoint is whole.

The ranks are forked from this process, which has the libraries in memory; what they do is `train/rank.py`'s own work.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft  # noqa: F401 - and the trainer below: in memory once, for all ranks
import pytest
import torch
from ranks_tools import make_inputs, make_settings
from tests.tiny_models import save_tiny

from nichetune.core.errors import SystemFailure
from nichetune.core.files import read_json, write_json
from nichetune.core.settings import Settings
from nichetune.train import guards, rank, rank_trainer, spread, trainer
from nichetune.train.trainer import is_whole

RANKS, PATIENCE_S = 2, 120.0


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, tokenizer):
    """With weights so large that examples differ in their loss."""
    return save_tiny(tmp_path_factory.mktemp("tiny") / "base", tokenizer)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, tiny):
    return make_inputs(tmp_path_factory.mktemp("inputs"), make_settings(tiny))


@dataclass(frozen=True)
class Wrong:
    """A training that goes wrong; `spoil` is called in each rank before it begins."""

    settings: Settings
    out: Path
    method: str = "full"
    spoil: Callable[[int], None] = lambda _: None

    def order(self, inputs: dict[str, Path]) -> dict[str, Any]:
        """What `train/spread.py` writes for the ranks."""
        (self.out / rank.FOLDER).mkdir(parents=True)
        return {
            "settings": self.settings.model_dump(mode="json", by_alias=True), "method": self.method,
            "out": str(self.out), "inputs": {name: str(path) for name, path in inputs.items()}, "cuda": False,
            "quiet": False, "here": str(Path.cwd()),
        }  # fmt: skip


def fork_ranks(inputs: dict[str, Path], *trainings: Wrong) -> list[str]:
    """Both ranks carry out these trainings, one after another; the one line that stopped each."""
    orders = [training.order(inputs) for training in trainings]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sys.stdout.flush()
    sys.stderr.flush()
    children = [_fork(trainings, orders, number, port) for number in range(RANKS)]
    statuses = [_await(child) for child in children]
    assert statuses == [0] * RANKS
    return [what_stopped(training.out) for training in trainings]


def _fork(trainings: tuple[Wrong, ...], orders: list[dict[str, Any]], number: int, port: int) -> int:
    if child := os.fork():
        return child
    status = 70
    try:
        torch.set_num_threads(1)  # threads do not survive a fork
        place = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": RANKS, "LOCAL_WORLD_SIZE": RANKS}
        os.environ |= {name: str(value) for name, value in place.items()}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        for training, order in zip(trainings, orders, strict=True):
            training.spoil(number)
            write_json(training.out / f"status-{number}.json", rank.carry_out(order, number, RANKS))
        status = 0
    except BaseException:  # a child must never go on as a second pytest
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _await(child: int) -> int:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("a rank waits for ever")


def what_stopped(out: Path) -> str:
    """The one line that the launcher says; every rank failed."""
    codes = {number: read_json(out / f"status-{number}.json") for number in range(RANKS)}
    assert all(codes.values())
    with pytest.raises(SystemFailure) as told:
        spread._collect(out / rank.FOLDER, codes)
    assert "\n" not in str(told.value)
    return str(told.value)


def know_everything(_: int) -> None:
    """The guard's own threshold, where any model is below it."""
    guards._KNOWN = 100.0


def test_guards_stop_every_rank_at_the_same_step(tiny, inputs, tmp_path, capfd):
    def make(name: str, spoil=lambda _: None, **how) -> Wrong:
        settings = make_settings(tiny, processes=2, max_grad_norm=1e30, **how)
        return Wrong(settings, tmp_path / name, spoil=spoil)

    explodes, flat, low = fork_ranks(
        inputs, make("explodes", learning_rate=1e30, optimiser="sgd", epochs=6),
        make("flat", learning_rate=1e-7, epochs=19), make("low", know_everything),
    )  # fmt: skip
    assert explodes.startswith("the loss is not a number at step")
    assert flat.startswith("the loss is flat: the first step's examples still cost")
    assert low.startswith("the loss is lower than it can rightly be")
    for name in ("explodes", "flat", "low"):  # each rank by itself: none was left waiting for another
        told = [read_json(path) for path in (tmp_path / name / rank.FOLDER).glob("error-*.json")]
        assert len(told) == RANKS and len({one["message"] for one in told}) == 1
    assert "error" not in capfd.readouterr().err  # the launcher alone says it


def test_memory_that_runs_out_in_one_rank_ends_both_with_what_would_fit(tiny, inputs, tmp_path):
    def spoil(number: int) -> None:
        own = rank_trainer.RankTrainer.compute_loss

        def compute(self, *given, **named):
            if number == 1 and self.state.global_step == 2:
                torch.empty(1 << 55, dtype=torch.uint8)
            return own(self, *given, **named)

        rank_trainer.RankTrainer.compute_loss = compute

    (told,) = fork_ranks(inputs, Wrong(make_settings(tiny, processes=2, epochs=6), tmp_path / "out", spoil=spoil))
    assert told.startswith("out of memory: ")


@pytest.mark.parametrize("full", [0, 1])
def test_a_disk_that_one_rank_finds_full_ends_both_and_leaves_the_last_checkpoint_whole(tiny, inputs, tmp_path, full):
    def spoil(number: int) -> None:
        own = rank_trainer.RankTrainer._save_checkpoint

        def save(self, *given, **named):
            if number == full and self.state.global_step > 2:  # no file may grow past a thousand bytes any more
                resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
            try:
                own(self, *given, **named)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

        rank_trainer.RankTrainer._save_checkpoint = save
        trainer.TimedCheckpoints.on_step_end = lambda self, args, state, control, **_: setattr(
            control, "should_save", True
        )

    settings = make_settings(tiny, processes=2, epochs=6)
    (told,) = fork_ranks(inputs, Wrong(settings, tmp_path / "out", "lora", spoil))
    assert told.startswith("the disk is full: step 3 could not be kept") and "(there is checkpoint 2)" in told
    kept = [path for path in (tmp_path / "out/checkpoints").glob("checkpoint-*") if is_whole(path)]
    assert max(path.name for path in kept) == "checkpoint-2"
    assert all((path / f"rng_state_{number}.pth").is_file() for path in kept for number in range(RANKS))
