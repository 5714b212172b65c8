"""A model as one GGUF file: llama.cpp's tensor names and metadata, 16 bits or quantised block by block.

Reads a float32 model with its tokenizer -> writes `model.gguf`, tensor by tensor.

Written with the `gguf` library: llama.cpp's own converter is a script that no package brings. Families whose layers
llama.cpp computes as transformers does are written, the others refused; what is written is replayed (see
`evaluate/replay`), for a file with wrongly ordered rows loads as well as a right one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nichetune.core.errors import UserError
from nichetune.models.gguf_vocab import add_vocabulary
from nichetune.models.loading import LoadedModel
from nichetune.models.merge import refuse_overflow

QUANTISATIONS = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
_SMALL = frozenset(("q5_1", "q5_0", "q4_1", "q4_0"))  # too coarse for the embedding and the head: these get 8 bits


@dataclass(frozen=True)
class _Family:
    """What llama.cpp does otherwise than transformers.

    Attributes:
        pairs: rotary pairs stand side by side (rows 0 1, 2 3, …) and not half a head apart.
        frequencies: takes a file's own rotary frequencies.
    """

    pairs: bool
    frequencies: bool


_FAMILIES = {"llama": _Family(True, True), "qwen2": _Family(False, False), "qwen3": _Family(False, False)}


def write_gguf(loaded: LoadedModel, path: Path, quantise: str, name: str) -> None:
    """Writes the file.

    Args:
        quantise: one of `QUANTISATIONS`.

    Raises:
        UserError: a family, a tokenizer or a rotary embedding that cannot be written as llama.cpp would compute it.
    """
    import gguf

    config = loaded.model.config
    check_family(config)
    if quantise == "f16":
        refuse_overflow(loaded.model)
    writer = gguf.GGUFWriter(path, config.model_type)
    try:
        _add_shape(writer, loaded.model, name, quantise)
        add_vocabulary(writer, loaded.tokenizer, config.vocab_size)
        _write_tensors(writer, _name_tensors(loaded.model), quantise)
    finally:
        writer.close()


def check_family(config: Any) -> None:
    """Refuses what llama.cpp would compute otherwise than transformers, before anything is written.

    Raises:
        UserError: such a family, rotary embedding or activation.
    """
    family = _FAMILIES.get(config.model_type)
    known = ", ".join(_FAMILIES)
    if family is None:
        raise UserError(f"GGUF: the family {config.model_type} is not written, only {known}: use --to merged")
    rope = _rope(config)
    ropes = ("default", "linear", "llama3") if family.frequencies else ("default",)
    if rope.get("rope_type", "default") not in ropes or rope.get("partial_rotary_factor", 1.0) != 1.0:
        raise UserError(f"GGUF: a rotary embedding of type {rope.get('rope_type')} is not written: use --to merged")
    if config.hidden_act != "silu" or getattr(config, "use_sliding_window", False):
        raise UserError("GGUF: another activation than silu, or a sliding window, is not written: use --to merged")


def _rope(config: Any) -> dict[str, Any]:
    return dict(config.rope_parameters)


def _head_size(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _add_shape(writer: Any, model: Any, name: str, quantise: str) -> None:
    import gguf

    config = model.config
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType["ALL_F32" if quantise == "f32" else f"MOSTLY_{quantise.upper()}"])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(_head_size(config))
    writer.add_value_length(_head_size(config))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(_rope(config)["rope_theta"])
    writer.add_rope_dimension_count(_head_size(config))


def _name_tensors(model: Any) -> dict[str, Any]:
    """Every tensor by llama.cpp's name, its rows in llama.cpp's order."""
    import gguf

    config = model.config
    arch = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}[config.model_type]
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    tied = bool(config.tie_word_embeddings)
    tensors: dict[str, Any] = {}
    for key, weight in model.state_dict().items():
        if tied and key == "lm_head.weight":
            continue
        known = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if known is None:
            raise UserError(f"GGUF: llama.cpp has no place for the tensor {key}: use --to merged")
        tensors[known] = _order_rows(config, known, weight)
    if _rope(config).get("rope_type", "default") != "default":
        tensors["rope_freqs.weight"] = _frequency_divisors(model)
    return tensors


def _order_rows(config: Any, name: str, weight: Any) -> Any:
    """Rows of queries and keys, [heads x size, …]: each rotary pair side by side where the family wants that."""
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    part = name.split(".")[-2]
    if part not in heads or not _FAMILIES[config.model_type].pairs:
        return weight
    halves = weight.reshape(heads[part], 2, -1, *weight.shape[1:])  # [heads, half, pair, …]
    return halves.transpose(1, 2).reshape(weight.shape)


def _frequency_divisors(model: Any) -> Any:
    """What llama.cpp divides its rotary frequencies by to get this model's, [head size / 2]."""
    import torch

    size = _head_size(model.config)
    own = model.get_decoder().rotary_emb.inv_freq.float()
    plain = _rope(model.config)["rope_theta"] ** (-torch.arange(0, size, 2).float() / size)
    return plain / own


def _write_tensors(writer: Any, tensors: dict[str, Any], quantise: str) -> None:
    import gguf

    kinds = {name: _choose_kind(name, tuple(weight.shape), quantise) for name, weight in tensors.items()}
    for name, weight in tensors.items():
        shape = gguf.quant_shape_to_byte_shape(tuple(weight.shape), kinds[name])
        writer.add_tensor_info(name, shape, np.dtype(np.uint8), int(np.prod(shape)), kinds[name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, weight in tensors.items():
        values = np.ascontiguousarray(weight.detach().float().numpy())
        writer.write_tensor_data(gguf.quantize(values, kinds[name]))


def _choose_kind(name: str, shape: tuple[int, ...], quantise: str) -> Any:
    """Vectors stay in float32, as llama.cpp wants them; rows that no block divides stay in 16 bits."""
    import gguf

    if len(shape) == 1:
        return gguf.GGMLQuantizationType.F32
    outer = name in ("token_embd.weight", "output.weight")
    kind = gguf.GGMLQuantizationType["Q8_0" if outer and quantise in _SMALL else quantise.upper()]
    fits = shape[-1] % gguf.GGML_QUANT_SIZES[kind][0] == 0
    return kind if fits else gguf.GGMLQuantizationType.F16
