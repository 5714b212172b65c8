"""Whether a folder holds what can be tuned to write: a causal language model, whole, with its own tokenizer.

config.json, then the loaded model and tokenizer -> nothing, or one line that says what is wrong

An encoder loads without a word (transformers only warns) and then sees the answer that it is to write; a folder that
lacks weights gets random ones in their place; a foreign tokenizer writes ids that the model has no row for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.files import read_json

_ELSE = "take a causal one (Llama, Qwen, Gemma, SmolLM, Phi, …)"
_TOLERANCE = {"float32": 1e-3, "rounded": 0.05}  # of the largest logit: what rounding may do, and no sight of tokens


def refuse_other_kinds(folder: Path) -> None:
    """Reads `config.json` alone.

    Raises:
        UserError: it names no model type, or one that is no causal language model.
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as KNOWN

    config = read_json(folder / "config.json")
    kind = config.get("model_type") if isinstance(config, dict) else None
    if not kind:
        raise UserError(f"{folder}: its config.json names no model_type: not a model saved by transformers")
    if kind not in KNOWN or config.get("is_encoder_decoder"):
        raise UserError(f"{folder}: a model of type {kind} is no causal language model: {_ELSE}")


def refuse_missing_weights(folder: Path, missing: list[str]) -> None:
    """Stops before random numbers stand where weights are missing.

    Raises:
        UserError: some are missing; the first is named.
    """
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UserError(
            f"{folder}: its files lack weights of a causal language model ({sorted(missing)[0]}{more}): {_ELSE}, "
            "or fetch the folder again whole"
        )


def refuse_seeing_ahead(model: Any, folder: Path) -> None:
    """Changes the end of a text and looks whether what came before it changes.

    Raises:
        UserError: it does: the model is an encoder, and training would show it every answer.
    """
    import torch

    start = [1, 2, 3, 4]
    ids = torch.tensor([start + list(range(5, 21)), start + list(range(21, 37))], device=model.device)
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[:, : len(start)].float()  # [2, 4, vocabulary]
    held = "float32" if model.dtype == torch.float32 else "rounded"
    if (logits[0] - logits[1]).abs().max() > _TOLERANCE[held] * logits.abs().max():
        raise UserError(f"{folder}: this model reads ahead (an encoder), so it cannot learn to write: {_ELSE}")


def refuse_foreign_tokenizer(model: Any, tokenizer: Any, folder: Path) -> None:
    """Looks whether every token has a row.

    Raises:
        UserError: the tokenizer knows ids that the embeddings do not have.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    highest = max(tokenizer.get_vocab().values())
    if highest >= rows:
        raise UserError(
            f"{folder}: the tokenizer has ids up to {highest}, the model {rows} rows: it is another model's tokenizer"
        )
