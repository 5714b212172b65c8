"""A base that cannot be tuned to write is one line: an encoder, half a model, a file of another kind."""

from __future__ import annotations

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, LlamaConfig, LlamaForCausalLM

from nichetune.core.errors import UserError
from nichetune.core.files import read_json, write_json
from nichetune.core.settings import BaseSettings
from nichetune.models import packaged
from nichetune.models.loading import load_base
from nichetune.models.packaged import resolve_model

SIZES = {"vocab_size": 49152, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
         "num_attention_heads": 4}  # fmt: skip
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


@pytest.fixture
def whole(tmp_path):
    """A small model that is as it should be."""
    folder = tmp_path / "whole"
    LlamaForCausalLM(LlamaConfig(**SIZES, tie_word_embeddings=False)).save_pretrained(folder)
    give_tokenizer(folder)
    return folder


def give_tokenizer(folder) -> None:
    own = resolve_model("smollm2-135m")
    for name in TOKENIZER:
        if (own / name).is_file():
            shutil.copyfile(own / name, folder / name)


def refused(folder) -> str:
    with pytest.raises(UserError) as told:
        load_base(BaseSettings(model=str(folder), dtype="float32"))
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_whole_one_loads(whole):
    assert load_base(BaseSettings(model=str(whole), dtype="float32")).model.config.model_type == "llama"


def test_an_encoder_is_refused_though_it_loads(tmp_path):
    folder = tmp_path / "encoder"
    BertForMaskedLM(BertConfig(**SIZES)).save_pretrained(folder)
    give_tokenizer(folder)
    assert "reads ahead (an encoder)" in refused(folder)


@pytest.mark.parametrize("config", [{"model_type": "t5", "is_encoder_decoder": True}, {"model_type": "vit"}])
def test_a_model_of_another_kind_is_refused_by_its_config(whole, config):
    write_json(whole / "config.json", config)
    assert f"a model of type {config['model_type']} is no causal language model" in refused(whole)


def test_a_config_of_something_else_is_refused(whole):
    write_json(whole / "config.json", {"layers": 3})
    assert "names no model_type" in refused(whole)


def test_missing_weights_are_not_drawn_at_random(whole):
    weights = load_file(whole / "model.safetensors")
    del weights["lm_head.weight"], weights["model.layers.0.mlp.up_proj.weight"]
    save_file(weights, whole / "model.safetensors", metadata={"format": "pt"})
    assert "lack weights of a causal language model (lm_head.weight and 1 more)" in refused(whole)


def test_a_file_cut_short_is_refused(whole):
    path = whole / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
    assert "no causal language model can be loaded" in refused(whole)


def test_another_models_tokenizer_is_refused(whole):
    small = LlamaForCausalLM(LlamaConfig(**(SIZES | {"vocab_size": 1000})))
    small.save_pretrained(whole)
    assert "it is another model's tokenizer" in refused(whole)


def test_a_folder_without_config_tokenizer_or_template_is_refused(whole, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no config.json" in refused(tmp_path / "empty")
    (tmp_path / "empty/adapter_config.json").write_text("{}")
    assert "an adapter, not a base model" in refused(tmp_path / "empty")
    settings = read_json(whole / "tokenizer_config.json")
    write_json(whole / "tokenizer_config.json", {k: v for k, v in settings.items() if k != "chat_template"})
    (whole / "chat_template.jinja").unlink(missing_ok=True)
    assert "no chat template" in refused(whole)
    for name in TOKENIZER:
        (whole / name).unlink(missing_ok=True)
    assert "no tokenizer can be loaded" in refused(whole)


def write_gguf(path, model: LlamaForCausalLM, tokenizer) -> None:
    """The model as llama.cpp's files hold one: float32 tensors, the tokenizer's words and merges, the template."""
    import gguf
    from transformers.integrations.ggml import GGUF_CONFIG_MAPPING

    assert "llama" in GGUF_CONFIG_MAPPING
    config, own = model.config, tokenizer.backend_tokenizer
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    words = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    import json

    merges = [" ".join(m) if isinstance(m, list) else m for m in json.loads(own.to_str())["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_chat_template(tokenizer.chat_template)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, tensor in model.state_dict().items():
        values = tensor.detach()
        part = next((p for p in heads if p in name), "")
        if part:  # llama.cpp turns pairs of neighbours where transformers turns halves
            values = values.view(heads[part], 2, -1, values.shape[1]).transpose(1, 2).reshape(values.shape)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), values.contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_an_own_gguf_file_becomes_the_model_that_it_holds(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(packaged, "cache_dir", lambda: tmp_path / "cache")
    model = LlamaForCausalLM.from_pretrained(whole)
    tokenizer = AutoTokenizer.from_pretrained(whole)
    (tmp_path / "own").mkdir()
    path = tmp_path / "own/mine.gguf"
    write_gguf(path, model, tokenizer)
    loaded = load_base(BaseSettings(model=str(path), dtype="float32"))
    ids = torch.tensor([tokenizer("Which side, left or right?")["input_ids"]])
    with torch.no_grad():
        assert torch.allclose(loaded.model(input_ids=ids).logits, model(input_ids=ids).logits, atol=1e-4)
    assert loaded.tokenizer("Which side, left?")["input_ids"] == tokenizer("Which side, left?")["input_ids"]
    assert resolve_model(str(tmp_path / "own")) == resolve_model(str(path)) == loaded.folder
    shutil.copyfile(path, tmp_path / "own/other.gguf")
    with pytest.raises(UserError, match="2 GGUF files: name one of them"):
        resolve_model(str(tmp_path / "own"))


def test_a_gguf_file_that_is_none_or_cut_short_is_refused(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(packaged, "cache_dir", lambda: tmp_path / "cache")
    path = tmp_path / "mine.gguf"
    path.write_text("hello")
    assert "no GGUF file" in refused(path)
    path.write_bytes(b"GGUF" + bytes(200))
    assert "cut short, or of an architecture" in refused(path)
    assert not [p for p in (tmp_path / "cache/models").iterdir() if p.is_dir()]
