"""A training that cannot be right is stopped, with its likely cause; each runs on when its guard is taken out."""

from __future__ import annotations

import math
from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from train_tools import SECRET, SIDES, example, save_tiny

from nichetune.core.errors import SystemFailure, UserError
from nichetune.train import batches, guards, trainer
from nichetune.train.data import EncodedExample, EncodedSet
from nichetune.train.guards import entropy_floor, explain_low, sum_weights


def stops(job, tmp_path, words: str, method: str = "lora", **train) -> str:
    with pytest.raises(SystemFailure, match=words) as stopped:
        job.run(tmp_path / "out", method, **train)
    text = str(stopped.value)
    assert "\n" not in text and SECRET not in text
    return text


def test_a_rate_that_explodes_the_loss_is_named(job, tmp_path):
    text = stops(job, tmp_path, "not a number at step", "full", learning_rate=1e30, max_grad_norm=1e30, optimiser="sgd")
    assert "learning rate of 1e+30 is too high" in text and "1e+29" in text


def test_broken_weights_of_the_base_are_told_apart_from_a_rate(job, tmp_path):
    from safetensors.torch import load_file, save_file

    save_tiny(tmp_path / "broken")
    path = tmp_path / "broken/model.safetensors"
    weights = load_file(path)
    weights["model.norm.weight"][0] = float("nan")
    save_file(weights, path, metadata={"format": "pt"})
    job.base = str(tmp_path / "broken")
    stops(job, tmp_path, "not a number at step 1: .* base model's own weights are broken")


def test_a_training_in_which_no_gradient_arrives_is_stopped(job, tmp_path, monkeypatch):
    own = trainer.predicting_states
    monkeypatch.setattr(trainer, "predicting_states", lambda *a: (s := own(*a)).detach() + 0 * s)
    stops(job, tmp_path, "no gradient reached a trained weight in 5 steps")


def test_a_rate_that_rounding_swallows_is_stopped(job, tmp_path):
    stops(job, tmp_path, "no trained weight moved in 5 steps: a rate of 1e-30", "full", learning_rate=1e-30)


def test_a_run_that_is_all_warm_up_is_stopped(job, tmp_path):
    job.examples = job.examples[:4]
    stops(job, tmp_path, "all steps are warm-up")


def test_a_rate_too_small_to_learn_by_is_stopped(job, tmp_path):
    stops(job, tmp_path, "the loss is flat: .* after 20 steps: a learning rate of 1e-07", learning_rate=1e-7, epochs=4)


def test_a_sane_run_of_the_same_length_is_not_stopped(job, tmp_path):
    job.run(tmp_path / "out", epochs=4)
    assert (tmp_path / "out/adapter").is_dir()


def leak(rows):
    """Batches in which each prediction is made where its own token already stands."""
    batch = batches.collate_padded(rows)
    batch["ids"] = torch.cat([batch["ids"], batch["ids"][:, :1]], dim=1)
    batch["padded"] = torch.cat([batch["padded"][:, :1], batch["padded"]], dim=1)
    return batch


def test_a_model_that_sees_its_answers_is_stopped_by_what_entropy_allows(job, tmp_path, monkeypatch):
    job.examples = [example(n, "train", f"{SECRET} again.", SIDES[n // 2 % 4]) for n in range(24)]
    monkeypatch.setattr(trainer, "use_token_tree", lambda model: False)
    monkeypatch.setattr(trainer, "collate_padded", leak)
    text = stops(job, tmp_path, "lower than it can rightly be, .* over a whole pass", "full", epochs=80, batch_size=24,
                 learning_rate=1e-2)  # fmt: skip
    assert "sees the answer" in text


def test_without_the_leak_the_same_examples_train_to_their_end(job, tmp_path):
    job.examples = [example(n, "train", f"{SECRET} again.", SIDES[n // 2 % 4]) for n in range(24)]
    job.run(tmp_path / "out", "full", epochs=80, batch_size=24, learning_rate=1e-2)
    assert (tmp_path / "out/adapter").is_dir()


def test_examples_that_the_base_knows_by_heart_are_stopped_at_the_first_step(job, tmp_path):
    job.run(tmp_path / "once", "full", epochs=40, learning_rate=1e-2)
    job.base = str(tmp_path / "once/adapter")
    stops(job, tmp_path, "at the first step, .* already trained on these examples", "lora")


def coded(*rows: tuple[list[int], list[int]]) -> EncodedSet:
    made = [EncodedExample(str(n), p + a, [-100] * len(p) + a) for n, (p, a) in enumerate(rows)]
    return EncodedSet(made, Counter())


def test_the_floor_is_the_entropy_of_answers_to_one_prompt():
    assert entropy_floor(coded(([5, 6], [1, 2]), ([5, 7], [3, 2]))) == 0
    two = coded(([5, 6], [1, 2]), ([5, 6], [3, 2]))
    assert entropy_floor(two) == pytest.approx(2 * math.log(2) / 4)
    assert entropy_floor(coded(([5], [1, 2]), ([5], [1, 2]), ([5], [3, 2]), ([9], [4, 4]))) == pytest.approx(
        (2 * math.log(1.5) + math.log(3)) / 8
    )


def test_the_cause_of_a_low_loss_is_looked_for_in_the_examples():
    assert "the very same answer" in explain_low(coded(([5, 6], [1, 2]), ([5, 7], [1, 2])))
    copied = explain_low(coded(([5, 1, 8, 6], [1, 8, 2]), ([5, 3, 7, 7], [3, 7, 2])))
    assert "in 2 of 2 examples the answer stands in the prompt" in copied
    assert "already trained" in explain_low(coded(([5, 6], [1, 2]), ([5, 7], [3, 2])))


def test_guards_change_no_bit_of_a_training(job, tmp_path, monkeypatch):
    guarded = job.run(tmp_path / "guarded", dropout=0.1, epochs=4)
    for name in ("on_train_begin", "on_log"):
        monkeypatch.setattr(guards.LossGuard, name, lambda *_, **__: None)
    assert job.run(tmp_path / "bare", dropout=0.1, epochs=4) == guarded


def test_weights_are_summed_so_that_any_step_shows():
    layer = torch.nn.Linear(3, 2)
    before = sum_weights(layer)
    with torch.no_grad():
        layer.bias[1] += 1e-6
    assert sum_weights(layer) != before


def test_early_stopping_without_a_development_set_is_a_mistake_told(job, tmp_path):
    job.dev = []
    with pytest.raises(UserError, match="this split has none: set"):
        job.run(tmp_path / "out", early_stopping=2)


def test_the_loss_over_a_pass_counts_each_step_by_its_tokens():
    steps = [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.0}, {"step": 3, "loss": 0.0}]
    expected = guards.Expectation(0.8, 3, [80, 10, 10], 1e-3, "float32", lambda: "a leak")
    guards.LossGuard(expected, lambda: 0.0)._refuse_impossible(SimpleNamespace(log_history=steps))  # 0.8, though 1/3
    steps[0]["loss"] = 0.4
    with pytest.raises(SystemFailure, match="a leak"):
        guards.LossGuard(expected, lambda: 0.0)._refuse_impossible(SimpleNamespace(log_history=steps))
    assert guards.tokens_by_step(coded(([5], [1, 2]), ([5], [1, 2, 3]), ([9], [4])), [2, 0, 1], 2) == [3, 3]
