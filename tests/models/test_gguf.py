"""GGUF: llama.cpp computes from the file what transformers computes from the model."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.tiny_models import save_adapter, save_tiny

from nichetune.core.errors import UserError
from nichetune.core.settings import BaseSettings
from nichetune.models import gguf_file
from nichetune.models.gguf_file import check_family, write_gguf
from nichetune.models.gguf_vocab import find_cutting_rule
from nichetune.models.loading import load_base
from nichetune.models.merge import merge_weights

pytest.importorskip("xllamacpp")
from nichetune.generate.llamacpp import LlamaCppEngine

TEXTS = [
    "<|im_start|>user\nLattice corneal dystrophy, OD. Mother had glaucoma.<|im_end|>\n<|im_start|>assistant\n",
    "Ohr  links, 12 Tage;\n\n\tkein Fieber (38.5)! Größe: 1,234",
    "The quick brown fox reads the record " * 8,
]
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}  # fmt: skip
FAMILIES = [
    ("llama", {"tie_word_embeddings": True}),
    ("llama", {"tie_word_embeddings": False, "rope_parameters": LLAMA3}),
    ("qwen2", {"tie_word_embeddings": False}),
    ("qwen3", {"tie_word_embeddings": True, "head_dim": 32}),
]


def write_greedily(model, ids: list[int], count: int, tie: float) -> list[int]:
    """The tokens that a model writes, up to where its best two stand too close for two ways of rounding to agree."""
    with torch.inference_mode():
        written = model.generate(
            input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=count,
            do_sample=False, pad_token_id=2, output_logits=True, return_dict_in_generate=True,
        )  # fmt: skip
    best = torch.stack(written.logits)[:, 0].float().topk(2).values  # [tokens, 2]
    close = (best[:, 0] - best[:, 1] < tie).tolist()
    return written.sequences[0, len(ids) :].tolist()[: [*close, True].index(True)]


def agree(loaded, path, count: int, tie: float = 0.01) -> list[bool]:
    """Text by text, whether both write the same tokens; llama.cpp reads the ids first and then the text itself."""
    engine = LlamaCppEngine(path, 512)
    same, compared = [], 0
    for text in TEXTS:
        ids = loaded.tokenizer(text)["input_ids"]
        wanted = [i for i in write_greedily(loaded.model, ids, count, tie) if i != loaded.tokenizer.eos_token_id]
        compared += len(wanted)
        found = engine.complete(ids, count).tokens
        same.append(found[: len(wanted)] == wanted and engine.complete(text, 1).prompt_tokens == len(ids))
    assert compared > count  # of three times `count`
    return same


def test_the_embedded_model_with_an_adapter_writes_the_same_tokens(tmp_path, tokenizer):
    base = BaseSettings(dtype="float32")
    adapter = save_adapter(tmp_path / "adapter", load_base(base).model, tokenizer, size=0.005)
    merged = merge_weights(base, "nf4", "bfloat16", adapter)
    write_gguf(merged, tmp_path / "model.gguf", "f16", "tuned")
    merged.model.half().float()  # the values that the file holds
    assert all(agree(merged, tmp_path / "model.gguf", 16, tie=0.1))


@pytest.mark.parametrize(("family", "changed"), FAMILIES, ids=["llama", "llama3 rope", "qwen2", "qwen3"])
def test_each_family_writes_the_same_tokens(tmp_path, tokenizer, family, changed):
    folder = save_tiny(tmp_path / "tiny", tokenizer, family, **changed)
    loaded = load_base(BaseSettings(model=str(folder), dtype="float32"))
    write_gguf(loaded, tmp_path / "model.gguf", "f32", "tiny")
    assert all(agree(loaded, tmp_path / "model.gguf", 8))


def test_rows_in_the_wrong_order_would_be_seen(tmp_path, tokenizer, monkeypatch):
    folder = save_tiny(tmp_path / "tiny", tokenizer)
    loaded = load_base(BaseSettings(model=str(folder), dtype="float32"))
    monkeypatch.setattr(gguf_file, "_order_rows", lambda config, name, weight: weight)
    write_gguf(loaded, tmp_path / "model.gguf", "f32", "tiny")
    assert not any(agree(loaded, tmp_path / "model.gguf", 8))


@pytest.mark.parametrize("quantise", ["bf16", "q8_0", "q5_1", "q4_0"])
def test_quantised_files_are_smaller_and_can_be_run(tmp_path, tokenizer, quantise):
    folder = save_tiny(tmp_path / "tiny", tokenizer)
    loaded = load_base(BaseSettings(model=str(folder), dtype="float32"))
    for kind in ("f32", quantise):
        write_gguf(loaded, tmp_path / f"{kind}.gguf", kind, "tiny")
    small, whole = ((tmp_path / f"{kind}.gguf").stat().st_size for kind in (quantise, "f32"))
    assert small < 0.6 * whole
    assert len(LlamaCppEngine(tmp_path / f"{quantise}.gguf", 256).complete(TEXTS[0], 4).tokens) == 4


def test_what_llama_cpp_would_compute_otherwise_is_refused(base, tokenizer):
    config = copy.deepcopy(base.model.config)
    config.model_type = "gemma2"
    with pytest.raises(UserError, match="gemma2"):
        check_family(config)
    config.model_type, config.rope_parameters = "llama", {"rope_type": "yarn", "rope_theta": 1.0}
    with pytest.raises(UserError, match="yarn"):
        check_family(config)
    with pytest.raises(UserError, match="cut text"):
        find_cutting_rule({"type": "Metaspace"})
