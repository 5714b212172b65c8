"""Several processes train as one does: the same loss curve, the same weights, one line where one of them fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from ranks_tools import differ, make_inputs, make_settings, make_tiny_base, train

from nichetune.core.errors import UserError
from nichetune.train.ranks import IDLE, Place, deal_order

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, sys
from pathlib import Path
from nichetune.core.settings import Settings
from nichetune.train import spread
settings, inputs, out = json.loads(sys.argv[1])
spread.run(Settings.model_validate(settings), {k: Path(v) for k, v in inputs.items()}, Path(out), "lora")
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, tokenizer):
    return make_tiny_base(tmp_path_factory.mktemp("tiny") / "base", tokenizer)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, tiny):
    return make_inputs(tmp_path_factory.mktemp("inputs"), make_settings(tiny))


@pytest.fixture(scope="module")
def alone(tmp_path_factory, tiny, inputs):
    """One process's report, losses and weights, by method."""
    folder = tmp_path_factory.mktemp("alone")
    return {method: train(make_settings(tiny), inputs, folder / method, method) for method in ("lora", "full")}


def test_rows_are_dealt_so_that_every_step_holds_the_same_ones_and_no_rank_is_without():
    order = [5, 2, 9, 1, 7, 3, 8, 4, 6]
    dealt = [deal_order(order, 4, Place(rank, 2)) for rank in range(2)]
    assert dealt == [[5, 9, 7, 8, 6], [2, 1, 3, 4, IDLE]]
    assert deal_order(order, 4, Place()) == order


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "full"])
def test_two_processes_give_the_losses_and_weights_of_one(tiny, inputs, alone, tmp_path, method):
    report, losses, weights = train(make_settings(tiny, processes=2), inputs, tmp_path / "out", method)
    expected_report, expected, expected_weights = alone[method]
    assert len(losses) == 3 and losses == pytest.approx(expected, abs=1e-5)
    assert losses[0] != pytest.approx(losses[2], abs=1e-3)  # something was learnt
    assert differ(weights, expected_weights) < 1e-4
    assert report == expected_report
    assert not (tmp_path / "out" / "ranks").exists() and not (tmp_path / "out" / "checkpoints").exists()


@pytest.mark.slow
def test_two_ray_workers_give_the_losses_and_weights_of_one(tiny, inputs, alone, tmp_path):
    ray = pytest.importorskip("ray")
    try:
        settings = make_settings(tiny, processes=2, engine="ray")
        report, losses, weights = train(settings, inputs, tmp_path / "out", "lora")
    finally:
        ray.shutdown()
    expected_report, expected, expected_weights = alone["lora"]
    assert losses == pytest.approx(expected, abs=1e-5)
    assert differ(weights, expected_weights) < 1e-4
    assert report == expected_report


@pytest.mark.slow
def test_what_goes_wrong_in_a_rank_is_one_line_here(tiny, inputs, tmp_path):
    wrong = make_settings(tiny, processes=2).model_copy(deep=True)
    wrong.base.max_length = 64
    for path in (tmp_path / "split", tmp_path / "out"):
        path.mkdir()
    long = (inputs["split"] / "train.jsonl").read_text().replace("train note 3", "word " * 90)
    (tmp_path / "split" / "train.jsonl").write_text(long)
    with pytest.raises(UserError, match=r"^example train-3 has \d+ tokens, base.max_length is 64"):
        train(wrong, inputs | {"split": tmp_path / "split"}, tmp_path / "out", "lora")


def test_what_ranks_cannot_share_is_refused_before_any_starts(tiny, inputs, tmp_path):
    with pytest.raises(ValidationError, match=r"batch_size 4 does not divide by processes 3, .* set batch_size to 6"):
        make_settings(tiny, processes=3)
    with pytest.raises(UserError, match=r"train\.sharding: fsdp2 needs CUDA GPUs"):
        train(make_settings(tiny, sharding="fsdp2"), inputs, tmp_path / "out", "lora")


@pytest.mark.slow
def test_a_killed_launcher_leaves_no_rank_and_its_training_goes_on_to_the_same_bits(tiny, inputs, tmp_path):
    settings = make_settings(tiny, processes=2, epochs=24, checkpoint_every_s=1)
    _, losses, weights = train(settings, inputs, tmp_path / "unbroken", "lora")
    out = tmp_path / "killed"
    out.mkdir()
    given = [settings.model_dump(mode="json", by_alias=True), {k: str(v) for k, v in inputs.items()}, str(out)]
    command = [sys.executable, "-c", SCRIPT, json.dumps(given)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, env=environment) as process:
        while not list(out.glob("checkpoints/checkpoint-*/trainer_state.json")) and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not (out / "loss.jsonl").exists()
    wait_until(lambda: not list_ranks(out))
    _, resumed, ends = train(settings, inputs, out, "lora", resume=True)
    assert resumed == losses
    assert all(torch.equal(ends[name], weights[name]) for name in weights)


def list_ranks(out):
    """Processes that carry out the order of this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if b"nichetune.train.rank" in words and str(out).encode() in words:
            found.append(path)
    return found


def wait_until(true, seconds=30.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)
