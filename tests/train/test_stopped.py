"""A training that is interrupted, or runs out of disk or memory, in a process of its own: one line, and it goes on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nichetune.core.files import hash_folder
from nichetune.train.trainer import is_whole, newest_step

TOOLS = Path(__file__).with_name("train_tools.py")
LONG = ["epochs=40", "checkpoint_every_s=1"]  # 240 steps


def command(job, out: Path, *settings: str, method: str = "lora") -> list[str]:
    return [sys.executable, str(TOOLS), str(job.folder), job.base, str(out), method, *settings]


def start(job, out: Path) -> subprocess.Popen:
    """A long training, once it has kept a step of its own."""
    before = newest_step(out / "checkpoints")
    process = subprocess.Popen(command(job, out, *LONG), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while newest_step(out / "checkpoints") == before:
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
        time.sleep(0.02)
    return process


def errors(text: str) -> list[str]:
    assert "Traceback" not in text, text
    return [line for line in text.splitlines() if line.startswith("error: ")]


@pytest.mark.slow
def test_ctrl_c_once_keeps_the_step_and_twice_leaves_at_once_and_both_go_on_to_the_same_bits(job, tmp_path):
    job.inputs()
    once = start(job, tmp_path / "out")
    once.send_signal(signal.SIGINT)
    (line,) = errors(once.communicate(timeout=120)[1])
    assert once.returncode == 130
    kept = newest_step(tmp_path / "out/checkpoints")
    assert line.startswith(f"error: stopped behind step {kept} of 240, kept: the same command goes on")
    twice = start(job, tmp_path / "out")
    twice.send_signal(signal.SIGINT)
    time.sleep(0.001)
    twice.send_signal(signal.SIGINT)
    assert len(errors(twice.communicate(timeout=120)[1])) == 1 and twice.returncode == 130
    assert all(is_whole(p) for p in (tmp_path / "out/checkpoints").glob("checkpoint-*"))
    job.run(tmp_path / "out", epochs=40)
    job.run(tmp_path / "unbroken", epochs=40)
    assert hash_folder(tmp_path / "out") == hash_folder(tmp_path / "unbroken")


def in_small_disk(folder: Path, size: str, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a script in a mount namespace where `folder` is a disk of that size."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare: a small disk cannot be mounted")
    mount = f"mount -t tmpfs -o size={size} none {folder}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    return subprocess.run(["unshare", "-rm", "sh", "-c", f"{mount} && {script}"], capture_output=True, text=True,
                          check=False, timeout=300)  # fmt: skip


@pytest.mark.slow
def test_a_full_disk_ends_with_status_3_leaves_the_last_checkpoint_and_goes_on_when_there_is_room(job, tmp_path):
    job.inputs()
    disk = tmp_path / "disk"
    disk.mkdir()
    # Full tuning: 6 MB of weights and 13 MB of optimiser a checkpoint; two fit, a third does not.
    ask = " ".join(command(job, disk / "out", "checkpoint_every_s=1", "epochs=60", method="full"))
    look = f"echo status $?; ls {disk}/out/checkpoints; mount -o remount,size=500m {disk}; {ask}; echo status $?"
    done = in_small_disk(disk, "45m", f"{ask}; {look}")
    (line,) = errors(done.stderr)
    assert "the disk is full: step" in line and "(there is checkpoint" in line
    first, *listed, last = done.stdout.split("status ")[1].split() + done.stdout.split("status ")[2].split()
    assert first == "3" and last == "0", done.stderr
    assert "checkpoint-" in " ".join(listed) and "going on from step" in done.stderr


MEMORY = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {tools!r})
import torch
from nichetune.train import sft, trainer
own = trainer.SupervisedTrainer.train
def limited(self, *a, **k):
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20), -1))
    return own(self, *a, **k)
trainer.SupervisedTrainer.train = limited
import train_tools
train_tools.SIDES[:] = [f"{{side}} " * 300 for side in train_tools.SIDES]  # 12 rows of some 300 tokens
train_tools.main()
"""


@pytest.mark.slow
def test_memory_that_runs_out_ends_with_status_3_and_what_would_fit(job, tmp_path):
    job.folder = tmp_path / "long"
    arguments = command(job, tmp_path / "out", "batch_size=12", method="full")[2:]
    script = MEMORY.format(tools=str(TOOLS.parent))
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    (line,) = errors(done.stderr)
    assert done.returncode == 3 and "out of memory: " in line and "train.batch_size: 1" in line
