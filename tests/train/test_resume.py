"""A training that is cut short anywhere ends as an unbroken one does, bit for bit; so does the same one again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nichetune.core.errors import SystemFailure
from nichetune.core.records import Expected
from nichetune.train import sft
from nichetune.train.early import evaluation_steps, is_over
from nichetune.train.trainer import SupervisedTrainer, TimedCheckpoints, is_whole, newest_step


def keep_each_step(monkeypatch) -> None:
    monkeypatch.setattr(TimedCheckpoints, "on_step_end", lambda self, a, s, c, **_: setattr(c, "should_save", True))


class Cut(Exception):
    """Stands for a kill."""


def cut_after(monkeypatch, step: int) -> None:
    own = SupervisedTrainer.training_step

    def stop(self, *arguments, **options):
        if self.state.global_step == step:
            raise Cut
        return own(self, *arguments, **options)

    monkeypatch.setattr(SupervisedTrainer, "training_step", stop)


@pytest.mark.parametrize(
    ("method", "train", "steps"),
    [  # the first is cut at every step, the others where an evaluation stands and between two
        ("lora", {"dropout": 0.1, "optimiser": "adafactor"}, range(1, 6)),
        ("lora", {"accumulation": 2, "batch_size": 2, "rslora": True}, (2, 5)),
        ("full", {"learning_rate": 5e-4, "optimiser": "adamw_8bit"}, (2, 5)),
        ("qlora", {"early_stopping": 2, "evaluations_per_epoch": 3}, (2, 5)),
    ],
    ids=["lora with dropout", "accumulation", "full", "early stopping"],
)
def test_a_run_cut_at_any_step_ends_with_the_bits_of_an_unbroken_one(job, tmp_path, monkeypatch, method, train, steps):
    unbroken = job.run(tmp_path / "unbroken", method, **train)
    keep_each_step(monkeypatch)
    for step in steps:
        with monkeypatch.context() as patch:
            cut_after(patch, step)
            with pytest.raises(Cut):
                job.run(tmp_path / f"cut{step}", method, **train)
        assert newest_step(tmp_path / f"cut{step}/checkpoints") == step
        assert job.run(tmp_path / f"cut{step}", method, **train) == unbroken


def test_the_same_seed_gives_the_same_digests_and_another_seed_others(job, tmp_path):
    first, again = job.run(tmp_path / "a"), job.run(tmp_path / "b")
    assert first == again
    other = job.settings().model_copy(update={"seed": 8})
    (tmp_path / "c").mkdir()
    sft.run(other, job.inputs(), tmp_path / "c", "lora")
    assert (tmp_path / "c/loss.jsonl").read_text() != (tmp_path / "a/loss.jsonl").read_text()


@pytest.fixture
def worsening(job):
    """A job whose development set wants words that training never teaches: soon every step makes it worse."""
    never = Expected(answer="purple zebras cross the wide river")
    job.dev = [one.model_copy(update={"expected": never}) for one in job.dev]
    job.train = {"early_stopping": 2, "evaluations_per_epoch": 6, "epochs": 20, "learning_rate": 1e-2}
    return job


def read_log(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "loss.jsonl").read_text().splitlines()]


def test_the_best_checkpoint_on_the_development_set_is_what_is_kept(worsening, tmp_path, monkeypatch):
    worsening.run(tmp_path / "early", "full")
    log = read_log(tmp_path / "early")
    judged = {int(point["step"]): point["dev_loss"] for point in log if "dev_loss" in point}
    best = min(judged, key=judged.__getitem__)
    assert log[-1]["step"] - best == 2 and log[-1]["step"] < 120
    keep_each_step(monkeypatch)
    cut_after(monkeypatch, best)
    with pytest.raises(Cut):
        worsening.run(tmp_path / "then", "full", early_stopping=0)
    kept = load_file(tmp_path / "early/adapter/model.safetensors")
    then = load_file(tmp_path / f"then/checkpoints/checkpoint-{best}/model.safetensors")
    assert all(torch.equal(kept[name], weight) for name, weight in then.items())


def test_a_run_killed_between_its_last_evaluation_and_its_end_takes_no_further_step(worsening, tmp_path, monkeypatch):
    unbroken = worsening.run(tmp_path / "unbroken", "full")
    assert len(read_log(tmp_path / "unbroken")) < 120

    def die(self, *_):
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(SupervisedTrainer, "_finalize_training", die)
        with pytest.raises(Cut):
            worsening.run(tmp_path / "cut", "full")
    assert worsening.run(tmp_path / "cut", "full") == unbroken


def test_patience_counts_evaluations_behind_the_best():
    assert not is_over([], 1) and not is_over([0.5], 1)
    assert is_over([0.5, 0.5], 1) and not is_over([0.5, 0.4], 1)
    assert is_over([0.9, 0.5, 0.6, 0.7], 2) and not is_over([0.9, 0.5, 0.6, 0.4, 0.5], 2)
    assert evaluation_steps(320, 2, 4) == 40 and evaluation_steps(3, 1, 4) == 1


def test_a_checkpoint_cut_in_its_last_file_is_not_gone_on_from(job, tmp_path, monkeypatch, capsys):
    unbroken = job.run(tmp_path / "unbroken")
    keep_each_step(monkeypatch)
    with monkeypatch.context() as patch:
        cut_after(patch, 3)
        with pytest.raises(Cut):
            job.run(tmp_path / "cut")
    state = tmp_path / "cut/checkpoints/checkpoint-3/trainer_state.json"
    state.write_text(state.read_text()[:100])
    assert not is_whole(state.parent)
    assert job.run(tmp_path / "cut") == unbroken
    assert "going on from step 2" in capsys.readouterr().err


def test_a_full_disk_ends_in_one_line_and_leaves_the_last_checkpoint_whole(job, tmp_path, monkeypatch):
    keep_each_step(monkeypatch)
    own = SupervisedTrainer._save_optimizer_and_scheduler

    def full(self, folder):
        if self.state.global_step == 3:
            raise OSError(28, "No space left on device")
        own(self, folder)

    with monkeypatch.context() as patch:
        patch.setattr(SupervisedTrainer, "_save_optimizer_and_scheduler", full)
        with pytest.raises(SystemFailure, match=r"the disk is full: step 3 could not be kept .*there is checkpoint 2"):
            job.run(tmp_path / "full")
    left = tmp_path / "full/checkpoints"
    assert newest_step(left) == 2 and not (left / "checkpoint-3").exists()
    assert job.run(tmp_path / "full") == job.run(tmp_path / "unbroken")
