"""Training on some of the examples: each task's share, the smaller set within the larger, and never in silence."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from train_tools import example

from nichetune.core.errors import UserError
from nichetune.core.records import Source
from nichetune.corpus.canaries import SOURCE
from nichetune.train import classical, sft
from nichetune.train.chosen import choose_examples

MANY = [example(n, "note").model_copy(update={"task": "side" if n < 90 else "rare"}) for n in range(120)]


def names(count: int, salt: str = "salt") -> list[str]:
    return [one.id for one in choose_examples(MANY, count, salt).examples]


def test_a_smaller_set_is_part_of_every_larger_one():
    sets = [set(names(count)) for count in range(1, 121)]
    assert [len(held) for held in sets] == list(range(1, 121))
    assert all(small < large for small, large in itertools.pairwise(sets))
    assert names(60) != names(60, "another salt")


def test_each_task_has_its_share_and_the_order_is_the_files():
    for count in (4, 7, 40, 101):
        chosen = choose_examples(MANY, count, "salt")
        assert chosen.left_out == 120 - count
        assert abs(Counter(one.task for one in chosen.examples)["rare"] - count / 4) <= 1
        assert [one.id for one in chosen.examples] == [one.id for one in MANY if one in chosen.examples]


def test_all_and_none_left_out_by_default():
    assert (names(0), choose_examples(MANY, 0, "salt").dropped) == ([one.id for one in MANY], {})


def test_canaries_come_on_top():
    planted = [example(n, "canary").model_copy(update={"source": Source(file=SOURCE)}) for n in range(3)]
    chosen = choose_examples([*planted, *MANY], 8, "salt")
    assert [one.id for one in chosen.examples[:3]] == ["canary-0", "canary-1", "canary-2"]
    assert (len(chosen.examples), chosen.left_out) == (11, 112)


def test_more_than_there_are_is_refused(job):
    with pytest.raises(UserError, match=r"train\.examples is 25, and 24 training examples are there: lower it"):
        sft.check_before(job.settings(examples=25), job.inputs(), "lora")


def test_both_kinds_of_training_learn_from_them_and_count_the_rest(job, tmp_path):
    settings, inputs = job.settings(examples=8), job.inputs()
    tuned = sft.run(settings, inputs, tmp_path / "lora", "lora")
    counted = classical.run(settings, inputs, tmp_path / "classical")
    for report in (tuned, counted):
        assert (report.counts["in"], report.counts["out"]) == (24, 8)
        assert report.dropped == {"beyond train.examples": 16}
