"""Loads a base model, and an adapter on it, with the very weight values that training used.

Reads a model folder (safetensors) [+ an adapter folder] -> LoadedModel, ready to train or to generate.
"""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nichetune.core.errors import UserError
from nichetune.core.settings import BaseSettings
from nichetune.models.allocator import return_freed_pages
from nichetune.models.base_kind import (
    refuse_foreign_tokenizer,
    refuse_missing_weights,
    refuse_other_kinds,
    refuse_seeing_ahead,
)
from nichetune.models.bnb import import_bitsandbytes, keep_packed_values
from nichetune.models.compute import Dtype, hold_linears, multiply_in_bfloat16, pick_dtype
from nichetune.models.packaged import model_digest, resolve_model
from nichetune.models.quantise import quantisation_config, round_to_nf4
from nichetune.models.weights import read_model

Quantisation = Literal["none", "nf4"]


@dataclass
class LoadedModel:
    """A model in memory, its tokenizer, and the digest of the files that it came from."""

    model: Any
    tokenizer: Any
    folder: Path
    digest: str
    quantisation: Quantisation
    device: str
    dtype: Dtype = "float32"


def pick_device(wanted: str) -> str:
    """`cuda` if wanted or automatic and there, else `cpu`.

    Raises:
        UserError: a GPU was asked for and there is none.
    """
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise UserError("base.device: no CUDA GPU is visible here: set base.device to auto or cpu")
    return "cuda" if wanted in ("auto", "cuda") and torch.cuda.is_available() else "cpu"


def load_base(
    base: BaseSettings, quantisation: Quantisation = "none", packed: bool = False, frozen: bool = True
) -> LoadedModel:
    """Loads the base: on a GPU in its best format, on a CPU in float32 but for the linear weights (`models/compute`).

    Args:
        quantisation: `nf4` gives QLoRA's frozen values.
        packed: hold them in 4 bits and dequantise at every use; otherwise once, here.
        frozen: false for full tuning, whose weights stay in float32 however they are multiplied.

    Raises:
        UserError: the folder holds no causal language model, not all of one, or another model's tokenizer.
    """
    folder = resolve_model(base.model, base.revision)
    device = pick_device(base.device)
    if quantisation == "nf4":
        with quiet_libraries():
            import_bitsandbytes()
    held_packed = packed and quantisation == "nf4"  # whose products are in float32 on a CPU, see quantise.py
    dtype = "float32" if held_packed and device == "cpu" else pick_dtype(base.dtype, device)
    if device == "cuda" and dtype == "float16" and not frozen:
        dtype = "float32"  # float16 has too few digits for weights that move by small steps
    refuse_other_kinds(folder)
    tokenizer = load_tokenizer(folder)
    # Weights that are trained stay in float32: steps of 1e-5 of a weight are lost in bfloat16's 8 bits.
    kept = dtype if device == "cuda" and frozen else "float32"
    model = _load_weights(folder, device, kept, quantisation_config(device) if held_packed else None)
    keep_packed_values(model)
    refuse_seeing_ahead(model, folder)
    refuse_foreign_tokenizer(model, tokenizer, folder)
    if quantisation == "nf4" and not packed:
        round_to_nf4(model)
    if device == "cpu" and not held_packed:
        _use_dtype(model, dtype, frozen)
    return_freed_pages()
    return LoadedModel(model, tokenizer, folder, model_digest(folder), quantisation, device, dtype)


def _use_dtype(model: Any, dtype: Dtype, frozen: bool) -> None:
    if frozen:
        hold_linears(model, dtype)
    elif dtype == "bfloat16":
        multiply_in_bfloat16(model)


def load_tokenizer(folder: Path) -> Any:
    """Loads a tokenizer with its chat template.

    Raises:
        UserError: there is none, or it has no chat template.
    """
    with quiet_libraries():
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{folder}: no tokenizer can be loaded from it ({type(error).__name__})") from error
    if not tokenizer.chat_template:
        raise UserError(f"{folder}: the tokenizer has no chat template: take the instruct version of this model")
    return tokenizer


def _load_weights(folder: Path, device: str, dtype: str, config: Any) -> Any:
    with quiet_libraries():
        import torch

        try:
            model, missing = read_model(folder, getattr(torch, dtype), config)
        except (OSError, ValueError) as error:
            raise UserError(
                f"{folder}: no causal language model can be loaded from it ({type(error).__name__})"
            ) from error
    refuse_missing_weights(folder, missing)
    return model if config is not None else model.to(torch.device(device))


class quiet_libraries(warnings.catch_warnings):  # noqa: N801 - used as a statement, like its parent
    """Keeps the libraries' own bars, banners and notices off the terminal while the block runs."""

    def __enter__(self) -> Any:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        os.environ.setdefault("BITSANDBYTES_NOWELCOME", "1")
        entered = super().__enter__()
        warnings.simplefilter("ignore")
        from transformers.utils import logging as hf_logging

        hf_logging.set_verbosity_error()
        hf_logging.disable_progress_bar()
        for name in ("bitsandbytes", "accelerate", "peft", "trl", "transformers"):
            logging.getLogger(name).setLevel(logging.ERROR)
        return entered
