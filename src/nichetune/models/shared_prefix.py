"""A prompt prefix that all rows of a batch share: its keys and values are computed once and never copied.

Attention over [prefix, own tokens] is split in two products, one with the shared prefix (one large matrix product
for all rows), one with the row's own tokens, joined as under a single softmax. It is exact, and works for every
model that goes through the attention interface of transformers. The idea is known
from serving as cascade or shared-prefix attention (Hydragen, Juravsky et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

IMPLEMENTATION = "nichetune_shared_prefix"
_MASKED = -1e9  # finite: a padded row then has no NaN to pass on, and its share of the softmax is none


@dataclass
class Prefix:
    """Keys and values of the shared tokens, by layer: each [1, kv_heads, prefix, head_dim]."""

    keys: list[torch.Tensor]
    values: list[torch.Tensor]

    @property
    def tokens(self) -> int:
        """Length of the prefix."""
        return int(self.keys[0].shape[2]) if self.keys else 0


class LayerCache:
    """Keys and values of a batch's own tokens, written in place; rows end at the same column.

    Speaks the part of transformers' cache interface that attention layers call.

    Args:
        rows: rows of the batch.
        capacity: tokens that a row may come to hold.
    """

    def __init__(self, rows: int, capacity: int) -> None:
        self.rows, self.capacity = rows, capacity
        self.length = 0
        self._keys: dict[int, torch.Tensor] = {}
        self._values: dict[int, torch.Tensor] = {}

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Appends [batch, kv_heads, new, head_dim] and returns all so far."""
        self.write(keys, values, layer, 0, self.length)
        end = self.length + keys.shape[2]
        return self._keys[layer][:, :, :end], self._values[layer][:, :, :end]

    def write(self, keys: torch.Tensor, values: torch.Tensor, layer: int, row: int, column: int) -> None:
        """Puts [some rows, kv_heads, new, head_dim] where they belong; what was never written is zero."""
        if layer not in self._keys:
            _, heads, _, width = keys.shape
            self._keys[layer] = keys.new_zeros(self.rows, heads, self.capacity, width)
            self._values[layer] = values.new_zeros(self.rows, heads, self.capacity, width)
        rows, columns = slice(row, row + keys.shape[0]), slice(column, column + keys.shape[2])
        self._keys[layer][rows, :, columns] = keys
        self._values[layer][rows, :, columns] = values

    def advance(self, tokens: int) -> None:
        """Says that a forward pass over `tokens` is done."""
        self.length += tokens

    def keep_rows(self, rows: list[int]) -> list[int]:
        """Drops all rows but these: finished answers cost nothing more.

        The last of them take the places of those that are dropped; nothing else is copied, since a batch's keys and
        values may be a gigabyte and rows end at almost every step.

        Returns:
            Which row now stands in each place.
        """
        first, last = [row for row in rows if row < len(rows)], [row for row in rows if row >= len(rows)]
        free = sorted(set(range(len(rows))) - set(first))
        order = dict(zip(first, first, strict=True)) | dict(zip(free, last, strict=True))
        for held in (self._keys, self._values):
            for layer, own in held.items():
                if last:
                    own[free, :, : self.length] = own[last, :, : self.length]
                held[layer] = own[: len(rows)]
        self.rows = len(rows)
        return [order[place] for place in range(len(rows))]

    def get_seq_length(self, layer: int = 0) -> int:
        """Tokens so far."""
        return self.length


@dataclass
class CacheWindow:
    """Some rows of a cache while their prompts are read: they attend to their own tokens only."""

    cache: LayerCache
    row: int
    column: int

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Writes through, and returns what was given."""
        self.cache.write(keys, values, layer, self.row, self.column)
        return keys, values

    def get_seq_length(self, layer: int = 0) -> int:
        """Nothing came before."""
        return 0


class _Recorder:
    """Catches keys and values as a model computes them, keeping the gradient's path."""

    def __init__(self) -> None:
        self.keys: list[torch.Tensor] = []
        self.values: list[torch.Tensor] = []

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        self.keys.append(keys)
        self.values.append(values)
        return keys, values

    def get_seq_length(self, layer: int = 0) -> int:
        return 0


def compute_prefix(decoder: Any, ids: list[int], device: str) -> Prefix:
    """Runs the shared tokens through the model once."""
    if not ids:
        return Prefix([], [])
    recorder = _Recorder()
    tokens = torch.tensor([ids], device=device)
    positions = torch.arange(len(ids), device=device)[None]
    mask = causal_mask(len(ids), device=device)
    decoder(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=recorder,
        use_cache=True,
        prefix=None,
    )
    return Prefix(recorder.keys, recorder.values)


def causal_mask(length: int, device: str, padding: torch.Tensor | None = None) -> torch.Tensor:
    """Boolean mask [1 or batch, 1, length, length]; `padding` [batch, length] is True at real tokens."""
    mask = torch.ones(length, length, dtype=torch.bool, device=device).tril()[None, None]
    return mask if padding is None else mask & padding[:, None, None, :]


def use_shared_prefix(model: Any) -> None:
    """Routes a model's attention through `attend`."""
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(IMPLEMENTATION, attend)
    ALL_MASK_ATTENTION_FUNCTIONS.register(IMPLEMENTATION, sdpa_mask)  # for callers that bring no mask of their own
    model.config._attn_implementation = IMPLEMENTATION
    if hasattr(model, "model"):
        model.model.config._attn_implementation = IMPLEMENTATION


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    prefix: Prefix | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Exact attention over the shared prefix and the rows' own tokens.

    Args:
        query: [batch, heads, new, head_dim]; key, value: [batch, kv_heads, own, head_dim].
        attention_mask: boolean [1 or batch, 1, new, own], True where attending is allowed.

    Returns:
        [batch, new, heads, head_dim] and None (no weights).
    """
    scale = scaling if scaling is not None else query.shape[-1] ** -0.5
    if prefix is None or not prefix.tokens:
        out = torch.nn.functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=attention_mask,
            scale=scale,
            enable_gqa=True,
            is_causal=attention_mask is None and query.shape[2] > 1,
        )
        return out.transpose(1, 2), None
    return _attend_both(query, key, value, attention_mask, scale, prefix, module.layer_idx), None


def _attend_both(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None, scale: float,
    prefix: Prefix, layer: int,
) -> torch.Tensor:  # fmt: skip
    """Both parts apart, each softmax over its own keys, joined by their log-sums (Milakov and Gimelshein 2018).

    Query heads that share one key head are asked as further rows of it, so that no key is ever copied.
    """
    rows, heads, new, width = query.shape
    kv_heads = key.shape[1]
    share = heads // kv_heads
    grouped = query.reshape(rows, kv_heads, share * new, width)
    own_mask = mask if mask is None or new == 1 else mask.repeat(1, 1, share, 1)  # one new token: it broadcasts
    own, own_sum = _attend_with_sum(grouped, key, value, own_mask, scale)
    asked = grouped.transpose(0, 1).reshape(1, kv_heads, -1, width)  # all rows ask the one prefix
    common, common_sum = _attend_with_sum(asked, prefix.keys[layer], prefix.values[layer], None, scale)
    common = common.view(kv_heads, rows, -1, width).transpose(0, 1)
    common_sum = common_sum.view(kv_heads, rows, -1).transpose(0, 1)
    part = torch.sigmoid(common_sum - own_sum)[..., None]  # the prefix's share of the whole softmax
    joined = own + part * (common - own)
    return joined.view(rows, heads, new, width).transpose(1, 2)


def _attend_with_sum(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention [batch, heads, new, width] and the log of each row's sum of exponentials [batch, heads, new]."""
    scores = None if mask is None else torch.zeros_like(mask, dtype=query.dtype).masked_fill(~mask, _MASKED)
    if query.device.type == "cpu":
        return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, 0.0, False, attn_mask=scores, scale=scale
        )
    products = query @ key.transpose(-1, -2) * scale
    products = products if scores is None else products + scores
    return products.softmax(dim=-1) @ value, products.logsumexp(dim=-1)


def common_prefix(rows: list[list[int]], keep_own: int = 1) -> int:
    """How many leading ids all rows share, leaving each row at least `keep_own` of its own."""
    if len(rows) < 2:
        return 0
    first, last = min(rows), max(rows)  # of sorted sequences the extremes differ earliest
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return max(0, min(shared, min(len(row) for row in rows) - keep_own))
