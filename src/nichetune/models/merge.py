"""Plain weights out of a base and its adapter: the very values that were evaluated, summed once in float32.

    base folder + adapter folder -> a float32 model: rounded(base) + scale B A -> safetensors in a stated format

The base is first rounded as training held it (NF4, bfloat16): an adapter was taught to mend those values' errors, and
added to the unrounded base it mends errors that are not there. The sum is then rounded once, to what is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.settings import BaseSettings
from nichetune.models.adapters import WEIGHTS
from nichetune.models.compute import Dtype, frozen_linears
from nichetune.models.loading import LoadedModel, Quantisation, load_base, load_tokenizer, quiet_libraries

FORMATS = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}  # of safetensors, by the name that GGUF has for it
_LARGEST = 65504.0  # of float16


def merge_weights(base: BaseSettings, quantisation: Quantisation, dtype: Dtype, adapter: Path | None) -> LoadedModel:
    """A candidate's weights as one float32 model on the CPU.

    Args:
        quantisation: how training held the frozen weights.
        dtype: what format it held them in; full weights are rounded to it, too, as they were for evaluation.
        adapter: folder of an adapter or of full weights; None for the base as it is.

    Raises:
        UserError: the adapter changes nothing.
    """
    base = base.model_copy(update={"device": "cpu", "dtype": "float32"})
    if adapter and not (adapter / WEIGHTS).is_file():
        return _round_linears(load_base(base.model_copy(update={"model": str(adapter), "revision": ""})), dtype)
    loaded = _round_linears(load_base(base, quantisation), dtype)
    if adapter:
        loaded.model = _add_adapter(loaded.model, adapter)
        loaded.tokenizer = load_tokenizer(adapter)
    loaded.quantisation = "none"
    return loaded


def _round_linears(loaded: LoadedModel, dtype: Dtype) -> LoadedModel:
    """Values that bfloat16 can hold, in float32."""
    import torch

    if dtype == "bfloat16":
        for module in frozen_linears(loaded.model).values():
            module.weight.data = module.weight.data.to(torch.bfloat16).float()
    return loaded


def _add_adapter(model: Any, adapter: Path) -> Any:
    with quiet_libraries():
        from peft import PeftModel

        tuned = PeftModel.from_pretrained(model, adapter, use_safetensors=True)
        if not any(p.any() for name, p in tuned.named_parameters() if "lora_B" in name):
            raise UserError(f"{adapter}: the adapter changes nothing: it was never trained, or not on this base")
        return tuned.merge_and_unload(safe_merge=True)


def save_weights(loaded: LoadedModel, folder: Path, kind: str) -> None:
    """Writes safetensors, config, tokenizer and template; `kind` is a key of `FORMATS`. Rounds the model in place.

    Raises:
        UserError: a weight is too large for float16.
    """
    import torch

    if kind == "f16":
        refuse_overflow(loaded.model)
    with quiet_libraries():
        loaded.model.to(getattr(torch, FORMATS[kind])).save_pretrained(folder)
        loaded.tokenizer.save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)  # safetensors are written 0600: whoever serves them may be another user


def refuse_overflow(model: Any) -> None:
    """float16 ends at 65504.

    Raises:
        UserError: a weight lies beyond.
    """
    for name, weight in model.named_parameters():
        if weight.abs().max().item() > _LARGEST:
            raise UserError(f"{name} holds a value beyond float16: --quantise bf16 or f32 can hold it")
