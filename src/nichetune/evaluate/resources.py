"""What a rung used, counted and never measured: items, tokens, operations and bytes.

Reads predictions and sizes -> resources.json; prices make dollars of it (decide/economics.py):

    {"items": 267, "prompt_tokens": 24030, "cached_prompt_tokens": 0, "new_tokens": 8010,
     "serve_flops": 8.6e12, "train_flops": 9.9e14, "storage_bytes": 281018368}

Counts are the same on any machine, so that the same content gives the same verdict.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from nichetune.core.records import Prediction, Record
from nichetune.core.settings import RemoteSettings


class Resources(Record):
    """Counted over the sealed items that the rung answered; `train_flops` and `storage_bytes` are paid once.

    Attributes:
        prompt_tokens: all tokens of the prompts, the cached ones among them.
        cached_prompt_tokens: tokens whose keys and values were reused, and so cost nothing.
        storage_bytes: the files that serving needs: weights, adapter, index.
        paid_usd: what a host charges for these answers, by its prices a token.
    """

    items: int = Field(ge=1)
    prompt_tokens: int = Field(0, ge=0)
    cached_prompt_tokens: int = Field(0, ge=0)
    new_tokens: int = Field(0, ge=0)
    serve_flops: float = Field(0.0, ge=0)
    train_flops: float = Field(0.0, ge=0)
    storage_bytes: int = Field(0, ge=0)
    paid_usd: float = Field(0.0, ge=0, exclude_if=lambda usd: usd == 0)


def count_resources(
    predictions: Iterable[Prediction], parameters: int, train_flops: float = 0.0, storage_bytes: int = 0
) -> Resources:
    """What a language model used on these predictions.

    Args:
        parameters: of the model that served, base and adapter together.
    """
    own = list(predictions)
    prompt, cached, new = (
        sum(getattr(p, name) for p in own) for name in ("prompt_tokens", "cached_prompt_tokens", "new_tokens")
    )
    return Resources(
        items=len(own),
        prompt_tokens=prompt,
        cached_prompt_tokens=cached,
        new_tokens=new,
        serve_flops=forward_flops(parameters, prompt - cached + new),
        train_flops=train_flops,
        storage_bytes=storage_bytes,
    )


def count_remote(predictions: Iterable[Prediction], remote: RemoteSettings) -> Resources:
    """What a hosted model was paid for these predictions: tokens, as the host counts them, at the settings' prices."""
    own = list(predictions)
    prompt, new = sum(p.prompt_tokens for p in own), sum(p.new_tokens for p in own)
    paid = prompt / 1e6 * remote.usd_per_1m_input + new / 1e6 * remote.usd_per_1m_output
    return Resources(items=len(own), prompt_tokens=prompt, new_tokens=new, paid_usd=round(paid, 10))


def forward_flops(parameters: int, tokens: int) -> float:
    """Operations of a forward pass: 2 a parameter and token (Kaplan et al. 2020, section 2.1)."""
    return 2.0 * parameters * tokens


def training_flops(method: str, base_parameters: int, adapter_parameters: int, tokens: int) -> float:
    """Operations of training on `tokens` tokens, all passes counted.

    Full tuning: 6 a parameter and token, 2 forward and 4 backward (Kaplan et al. 2020, section 2.1). A frozen base
    takes part in both passes but has no gradient of its own weights, which is half of the backward pass: 4 for the
    base, 6 for the adapter (Hu et al. 2021, LoRA).
    """
    if method == "full":
        return 6.0 * base_parameters * tokens
    return (4.0 * base_parameters + 6.0 * adapter_parameters) * tokens
