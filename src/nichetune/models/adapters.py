"""Adapters on a base model: attaching a fresh one, loading a saved one, proving that it does something.

Reads an adapter folder (PEFT, safetensors) -> the base with the adapter in its layers, for generation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.settings import BaseSettings, TrainSettings
from nichetune.models.compute import frozen_linears
from nichetune.models.fused_lora import fuse_lora
from nichetune.models.loading import LoadedModel, load_base, load_tokenizer, quiet_libraries

WEIGHTS = "adapter_model.safetensors"
_PROBE_TEXT = "The quick brown fox reads the record and fills in the form."


def attach_adapter(base: LoadedModel, train: TrainSettings, seed: int, fuse: bool = True) -> Any:
    """Puts a fresh LoRA on all linear layers or those named; B starts at zero, so that step 0 equals the base.

    Args:
        fuse: false keeps PEFT's own passes, to compare with.

    Raises:
        UserError: `train.targets` names a layer that the base does not have.
    """
    _check_targets(base, train.targets)
    with quiet_libraries():
        from peft import LoraConfig, get_peft_model
        from transformers import set_seed

        set_seed(seed)
        config = LoraConfig(
            r=train.rank, lora_alpha=train.alpha, lora_dropout=train.dropout, target_modules=train.targets,
            use_rslora=train.rslora, use_dora=train.dora, task_type="CAUSAL_LM",
        )  # fmt: skip
        model = get_peft_model(base.model, config)
        if fuse:
            fuse_lora(model)
        return model


def _check_targets(base: LoadedModel, targets: str | list[str]) -> None:
    names = list(frozen_linears(base.model))
    wanted = targets if isinstance(targets, list) else []
    for target in wanted:
        if not any(name == target or name.endswith(f".{target}") for name in names):
            known = ", ".join(dict.fromkeys(name.rpartition(".")[2] for name in names))
            raise UserError(f"train.targets: this base has no linear layer {target!r}; known: {known}, or all-linear")


def load_with_adapter(base: BaseSettings, quantisation: str, adapter: Path) -> LoadedModel:
    """Loads the base as training held it, then the adapter beside its weights, as training had it.

    Never merged: the sum would have to be rounded again to the format of the frozen weights.

    Raises:
        UserError: the folder holds no adapter, or one that changes nothing.
    """
    if not (adapter / WEIGHTS).is_file():
        return _load_full(base, adapter)
    loaded = load_base(base, quantisation="nf4" if quantisation == "nf4" else "none")
    with quiet_libraries():
        from peft import PeftModel

        before = _probe_logits(loaded)
        model = PeftModel.from_pretrained(loaded.model, adapter, use_safetensors=True)
        fuse_lora(model)
        loaded.model = model.get_base_model()
    _refuse_idle(before, loaded, adapter)
    loaded.tokenizer = load_tokenizer(adapter)
    return loaded


def _load_full(base: BaseSettings, folder: Path) -> LoadedModel:
    if not (folder / "model.safetensors").is_file() and not list(folder.glob("model-*.safetensors")):
        raise UserError(f"{folder}: neither an adapter ({WEIGHTS}) nor full weights (model.safetensors) stand there")
    return load_base(base.model_copy(update={"model": str(folder), "revision": ""}))


def _probe_logits(loaded: LoadedModel) -> Any:
    import torch

    ids = torch.tensor([loaded.tokenizer(_PROBE_TEXT)["input_ids"]], device=loaded.device)
    with torch.inference_mode():
        return loaded.model(input_ids=ids).logits[0, -1].float().cpu()


def _refuse_idle(before: Any, loaded: LoadedModel, adapter: Path) -> None:
    """An adapter that loads but does nothing would serve the base under its name."""
    if (before - _probe_logits(loaded)).abs().max().item() == 0.0:
        raise UserError(
            f"{adapter}: the adapter loads but changes nothing: it was trained on another base, or not at all"
        )


def continue_adapter(base: LoadedModel, adapter: Path) -> Any:
    """Puts a finished adapter back on its base, to be trained on; without dropout, as no policy is measured with it."""
    with quiet_libraries():
        from peft import PeftModel
        from trl.trainer.utils import disable_dropout_in_model

        model = PeftModel.from_pretrained(base.model, adapter, is_trainable=True, use_safetensors=True)
        disable_dropout_in_model(model)
        fuse_lora(model)
        return model
