"""The plan that a training picks for the memory that there is, what it says of it, and what it refuses."""

from __future__ import annotations

import json

import pytest

from nichetune.core.errors import UserError
from nichetune.core.settings import TrainSettings
from nichetune.train.fit import Fit, choose_fit, list_ways, need_bytes

GIB = 2**30
CONFIG = {  # SmolLM2-135M's
    "hidden_size": 576, "num_hidden_layers": 30, "intermediate_size": 1536, "num_attention_heads": 9,
    "num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": True,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return tmp_path


def need(folder, way: Fit, method: str = "qlora", longest: int = 512, **train) -> int:
    from nichetune.models.shapes import read_shape

    return need_bytes(read_shape(folder), TrainSettings(**train), method, way, "cpu", longest)


def choose(folder, free: float, method: str = "qlora", longest: int = 512, **train) -> Fit:
    return choose_fit(TrainSettings(**train), method, folder, "float32", "cpu", longest, int(free * GIB))


def test_the_quickest_way_that_fits_is_chosen_at_every_size_of_memory(folder):
    ways = list_ways(TrainSettings(), "qlora", "float32", "cpu")
    assert ways[0] == Fit(False, False, "float32") and len(ways) == 2 * 2 * 3 + 3
    costs = []
    for way in ways:  # given just what a way needs, no slower one is taken
        chosen = choose(folder, need(folder, way) / 0.9 / GIB + 0.001)
        assert chosen.cost <= way.cost
        costs.append(chosen.cost)
    assert len(set(costs)) > 3  # the plan does adapt


def test_less_memory_never_makes_it_quicker_and_always_fits(folder):
    previous = 0.0
    for free in (16, 4, 2.5, 2, 1.6, 1.3):
        chosen = choose(folder, free)
        assert chosen.cost >= previous and need(folder, chosen) <= 0.9 * free * GIB
        previous = chosen.cost
    assert previous > 1


def test_a_budget_in_gib_is_kept_whatever_is_free(folder, capsys):
    chosen = choose(folder, 64, memory=1.5)
    assert need(folder, chosen) <= 1.5 * GIB and chosen != Fit(False, False, "float32")
    assert "of train.memory 1.5 GiB" in capsys.readouterr().err


def test_one_line_always_says_what_was_chosen_and_why(folder, capsys):
    choose(folder, 16)
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "16.0 GiB free" in line and "activations kept, weights dequantised once" in line
    choose(folder, 1.4, "lora")
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "since the quickest way would need" in line


def test_what_cannot_fit_is_refused_before_anything_is_loaded_with_what_would(folder):
    with pytest.raises(UserError) as caught:
        choose(folder, 1.2, "full")
    line = str(caught.value)
    assert "\n" not in line and "train.method qlora" in line and "1.08 may be used" in line
    with pytest.raises(UserError, match=r"examples of at most \d+ tokens .* instead of 4096"):
        choose(folder, 1.2, longest=4096)
    with pytest.raises(UserError, match=r"train\.checkpointing and train\.dequantise on auto"):
        choose(folder, 1.3, checkpointing="off", dequantise="on", batch_size=1, longest=900)
    with pytest.raises(UserError, match=r"only a smaller base\.model"):
        choose(folder, 0.2)


def test_what_would_fit_does_fit(folder):
    with pytest.raises(UserError) as caught:
        choose(folder, 1.2, longest=4096)
    length = int(str(caught.value).split("at most ")[1].split()[0])
    choose(folder, 1.2, longest=length)
    assert length > 512


def test_settings_that_say_how_are_followed(folder):
    assert choose(folder, 1.6, checkpointing="on", dequantise="off", batch_size=1) == Fit(
        True, True, "float32", compact=True
    )
    assert choose(folder, 16, checkpointing="on") == Fit(False, True, "float32", compact=True)
    assert choose(folder, 16, "lora", dequantise="off") == Fit(False, False, "float32")  # nothing to pack


def test_a_batch_is_split_only_into_equal_parts(folder):
    assert {way.splits for way in list_ways(TrainSettings(batch_size=6), "lora", "float32", "cuda")} == {1, 2, 3, 6}


def test_a_fit_kept_by_an_older_checkpoint_is_still_read():
    assert Fit(packed=False, checkpointing=True, dtype="float32").splits == 1
