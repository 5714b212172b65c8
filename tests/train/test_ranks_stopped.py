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
from pathlib import Path

import pytest
import torch
from ranks_tools import make_inputs, make_settings, make_tiny_base

from nichetune.core.errors import SystemFailure
from nichetune.core.files import write_json
from nichetune.core.settings import Settings
from nichetune.train import guards, rank, rank_trainer, spread, trainer
from nichetune.train.trainer import is_whole

RANKS, PATIENCE_S = 2, 120.0


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, tokenizer):
    return make_tiny_base(tmp_path_factory.mktemp("tiny") / "base", tokenizer)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, tiny):
    return make_inputs(tmp_path_factory.mktemp("inputs"), make_settings(tiny))


def fork_ranks(
    settings: Settings,
    inputs: dict[str, Path],
    out: Path,
    method: str,
    spoil: Callable[[int], None] = lambda rank: None,
) -> dict[int, int]:
    """Both ranks' exit statuses; `spoil` is called in each before it begins."""
    order = {"settings": settings.model_dump(mode="json", by_alias=True), "method": method, "out": str(out),
             "inputs": {name: str(path) for name, path in inputs.items()}, "cuda": False, "quiet": False,
             "here": str(Path.cwd())}  # fmt: skip
    (out / rank.FOLDER).mkdir(parents=True)
    write_json(out / rank.FOLDER / rank.ORDER, order)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sys.stdout.flush()
    sys.stderr.flush()
    children = [_fork(order, number, port, spoil) for number in range(RANKS)]
    deadline, ended = time.monotonic() + PATIENCE_S, {}
    while len(ended) < RANKS and time.monotonic() < deadline:
        for number, child in enumerate(children):
            if number not in ended and (told := os.waitpid(child, os.WNOHANG))[0]:
                ended[number] = os.waitstatus_to_exitcode(told[1])
        time.sleep(0.02)
    for number in set(range(RANKS)) - set(ended):
        os.kill(children[number], signal.SIGKILL)
        os.waitpid(children[number], 0)
    return ended


def _fork(order: dict, number: int, port: int, spoil: Callable[[int], None]) -> int:
    if child := os.fork():
        return child
    status = 70
    try:
        torch.set_num_threads(1)  # threads do not survive a fork
        place = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": RANKS, "LOCAL_WORLD_SIZE": RANKS}
        os.environ |= {name: str(value) for name, value in place.items()}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        spoil(number)
        status = rank.carry_out(order, number, RANKS)
    except BaseException:  # a child must never go on as a second pytest
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def what_stopped(out: Path, ended: dict[int, int]) -> str:
    """The one line, once every rank has ended with a failure."""
    assert set(ended) == set(range(RANKS)) and all(ended.values()), ended
    with pytest.raises(SystemFailure) as told:
        spread._collect(out / rank.FOLDER, ended)
    assert "\n" not in str(told.value)
    return str(told.value)


def know_everything(_: int) -> None:
    """The guard's own threshold, where any model is below it."""
    guards._KNOWN = 100.0


@pytest.mark.parametrize(
    ("words", "how", "spoil"),
    [
        ("the loss is not a number at step", {"learning_rate": 1e30, "optimiser": "sgd", "epochs": 6}, None),
        ("the loss is flat: the first step's examples still cost", {"learning_rate": 1e-7, "epochs": 19}, None),
        ("the loss is lower than it can rightly be", {}, know_everything),
    ],
)
def test_a_guard_stops_every_rank_at_the_same_step(tiny, inputs, tmp_path, capfd, words, how, spoil):
    settings = make_settings(tiny, processes=2, max_grad_norm=1e30, **how)
    ended = fork_ranks(settings, inputs, tmp_path / "out", "full", spoil or (lambda _: None))
    assert what_stopped(tmp_path / "out", ended).startswith(words)
    assert ended == {0: 3, 1: 3} and len(list((tmp_path / "out" / rank.FOLDER).glob("error-*.json"))) == RANKS
    assert "error" not in capfd.readouterr().err  # the launcher alone says it


def test_memory_that_runs_out_in_one_rank_ends_both_with_what_would_fit(tiny, inputs, tmp_path):
    def spoil(number: int) -> None:
        own = rank_trainer.RankTrainer.compute_loss

        def compute(self, *given, **named):
            if number == 1 and self.state.global_step == 2:
                torch.empty(1 << 55, dtype=torch.uint8)
            return own(self, *given, **named)

        rank_trainer.RankTrainer.compute_loss = compute

    ended = fork_ranks(make_settings(tiny, processes=2, epochs=6), inputs, tmp_path / "out", "lora", spoil)
    assert what_stopped(tmp_path / "out", ended).startswith("out of memory: ")


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
    told = what_stopped(tmp_path / "out", fork_ranks(settings, inputs, tmp_path / "out", "lora", spoil))
    assert told.startswith("the disk is full: step 3 could not be kept") and "(there is checkpoint 2)" in told
    kept = [path for path in (tmp_path / "out/checkpoints").glob("checkpoint-*") if is_whole(path)]
    assert max(path.name for path in kept) == "checkpoint-2"
    assert all((path / f"rng_state_{number}.pth").is_file() for path in kept for number in range(RANKS))
