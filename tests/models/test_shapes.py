"""A base's sizes from its config, wherever that stands, and one line where none does."""

from __future__ import annotations

import json

import pytest

from nichetune.core.errors import UserError
from nichetune.models.machines import find_machine
from nichetune.models.shapes import find_shape

CONFIG = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "vocab_size": 100,
}


def test_sizes_are_read_from_a_folder_and_from_a_config_file(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    shape = find_shape(str(tmp_path))
    assert shape == find_shape(str(tmp_path / "config.json"))
    assert (shape.kv_heads, shape.head_width, shape.tied) == (4, 16, False)
    assert shape.linear_parameters == 2 * (4 * 64 * 64 + 3 * 64 * 96) and shape.parameters == 82_432


def test_the_text_part_of_a_config_of_several_kinds_counts(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"text_config": CONFIG, "vision_config": {}}))
    assert find_shape(str(tmp_path)).width == 64


def test_the_weights_and_an_adapters_are_counted_as_torch_counts_them(tmp_path):
    from transformers import LlamaConfig, LlamaForCausalLM

    from nichetune.core.settings import TrainSettings
    from nichetune.models.adapters import attach_adapter
    from nichetune.models.loading import LoadedModel

    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"num_key_value_heads": 2}))
    shape = find_shape(str(tmp_path))
    model = LlamaForCausalLM(LlamaConfig(**CONFIG, num_key_value_heads=2))
    norms = sum(p.numel() for name, p in model.named_parameters() if "norm" in name)
    assert sum(p.numel() for p in model.parameters()) == shape.parameters + norms
    loaded = LoadedModel(model, None, tmp_path, "", "none", "cpu")
    adapted = attach_adapter(loaded, TrainSettings(rank=4), seed=1)
    assert sum(p.numel() for p in adapted.parameters() if p.requires_grad) == shape.adapter_parameters(4)


@pytest.mark.parametrize("name", ["no-such-model", "nobody/none-such", "/nowhere/at/all"])
def test_an_unknown_base_is_one_line_with_the_known_names(name):
    with pytest.raises(UserError, match=r"no shape .* config\.json.* llama-3\.2-1b") as caught:
        find_shape(name)
    assert "\n" not in str(caught.value)


def test_a_config_that_is_no_decoders_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"hidden_size": 64}')
    with pytest.raises(UserError, match="not a decoder's config"):
        find_shape(str(tmp_path))


def test_an_unknown_machine_is_one_line_with_the_known_names():
    with pytest.raises(UserError, match=r"no machine 'b300'.* t4.* h100-80"):
        find_machine("b300")
