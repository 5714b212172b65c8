"""A training batch as a tree of tokens: what several rows begin with is computed once, and nothing is padded.

    rows [[1, 5, 7], [1, 5, 9, 4]] -> ids [1, 5, 7, 9, 4], paths [[0, 1, 2, 2], [0, 1, 3, 4]]

All layers but attention work token by token, so a shared token needs them once (its gradient is the sum over its
rows). Attention sees every row whole, through its path. Exact: a test compares loss and gradients with padded rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from nichetune.models.gpu import attend_rows

IMPLEMENTATION = "nichetune_token_tree"
_EXACT = 1e-3  # how far, relative, two exact ways may be apart in float32
_NOISE = 3.0  # or this many times what a model's own states move by between its own ways to compute them
_ANOTHER_KIND = 0.1  # never as far as this: what is computed then is something else
_BEYOND_SOFTMAX = ("softcap", "s_aux", "sliding_window", "position_bias", "attention_bias")


class _AnotherAttention(Exception):
    """Capped scores, sinks, biases, windows."""


@dataclass(frozen=True)
class TokenTree:
    """Every distinct prefix of the rows is one node.

    Attributes:
        ids: token of each node, [nodes].
        positions: its place in its rows, [nodes].
        paths: the nodes of each row, [rows, longest]; short rows repeat their last node, which causality hides.
        homes: for each node a place of `paths`, flattened, that holds it, [nodes].
    """

    ids: torch.Tensor
    positions: torch.Tensor
    paths: torch.Tensor
    homes: torch.Tensor

    @cached_property
    def hidden(self) -> torch.Tensor:
        """What is added to scores: minus infinity at what comes later, [longest, longest]."""
        longest = self.paths.shape[1]
        return torch.full((longest, longest), float("-inf"), device=self.paths.device).triu_(1)


def build_tree(rows: list[list[int]], share: bool = True) -> TokenTree:
    """The tree of rows of token ids, each at least one token long.

    Args:
        share: false gives every row nodes of its own, to measure what sharing is worth.
    """
    width = max(len(row) for row in rows)
    ids: list[int] = []
    positions: list[int] = []
    homes: list[int] = []
    paths: list[list[int]] = []
    children: dict[tuple[int, int], int] = {}
    for n, row in enumerate(rows):
        path: list[int] = []
        node = -1 if share else -1 - n  # a root of its own for each row
        for place, token in enumerate(row):
            key = (node, token)
            if key not in children:
                children[key] = len(ids)
                ids.append(token)
                positions.append(place)
                homes.append(n * width + place)
            node = children[key]
            path.append(node)
        paths.append(path + [node] * (width - len(row)))
    return TokenTree(*(torch.tensor(part) for part in (ids, positions, paths, homes)))


def run_tree(decoder: Any, tree: TokenTree) -> torch.Tensor:
    """The decoder's last hidden states, [nodes, width]."""
    bypass = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=tree.ids.device)  # 4-D: taken as it is, and not looked at
    states = decoder(
        input_ids=tree.ids[None], position_ids=tree.positions[None], attention_mask=bypass, use_cache=False, tree=tree
    ).last_hidden_state
    hidden: torch.Tensor = states[0]
    return hidden


def use_token_tree(model: Any) -> bool:
    """Routes a model's attention through `attend`; False, and all as before, where that would change its results."""
    if not getattr(model, "_supports_attention_backend", False) or _sees_a_window(model.config.get_text_config()):
        return False
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(IMPLEMENTATION, attend)
    ALL_MASK_ATTENTION_FUNCTIONS.register(IMPLEMENTATION, sdpa_mask)
    tree = _move(_probe_tree(model.config.get_text_config().vocab_size), model.device)
    was = model.config._attn_implementation
    with torch.inference_mode():
        rows = tree.ids[tree.paths]
        own = _run_rows(model, rows)
        # Which of the two moves a model depends on the processor's kernels: one by one, or attention written out.
        alone = torch.cat([_run_rows(model, row[None]) for row in rows])
        _set_attention(model, "eager")
        noise = max(_apart(own, alone), _apart(own, _run_rows(model, rows)))
        _set_attention(model, IMPLEMENTATION)
        try:
            ours = run_tree(model.get_decoder(), tree)[tree.paths].float()
        except _AnotherAttention:
            ours = torch.full_like(own, float("inf"))
    if _apart(own, ours) <= min(max(_EXACT, _NOISE * noise), _ANOTHER_KIND):
        return True
    _set_attention(model, was)
    return False


def _probe_tree(vocabulary: int) -> TokenTree:
    """Two rows as long as a short prompt that share their first third; any tokens will do."""
    tokens = torch.randint(vocabulary, (48,), generator=torch.Generator().manual_seed(0)).tolist()
    return build_tree([[*tokens[:10], *tokens[10:29]], [*tokens[:10], *tokens[29:]]])


def _apart(states: torch.Tensor, others: torch.Tensor) -> float:
    """The root mean square of their difference, relative: one coordinate's rounding decides nothing."""
    return ((others - states).norm() / states.norm()).item()


def _sees_a_window(config: Any) -> bool:
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return bool(getattr(config, "sliding_window", None)) or kinds != {"full_attention"}


def _run_rows(model: Any, rows: torch.Tensor) -> torch.Tensor:
    """Rows of tokens, [rows, longest], through the model's own attention, [rows, longest, width]."""
    states: torch.Tensor = model.get_decoder()(input_ids=rows, use_cache=False).last_hidden_state
    return states.float()


def _set_attention(model: Any, name: str) -> None:
    model.config._attn_implementation = name
    model.get_decoder().config._attn_implementation = name


def _move(tree: TokenTree, device: Any) -> TokenTree:
    return TokenTree(*(part.to(device) for part in (tree.ids, tree.positions, tree.paths, tree.homes)))


def attend(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: Any,
    scaling: float | None = None, tree: TokenTree | None = None, **rest: Any,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    """Causal attention of every row along its path.

    Args:
        query: [1, heads, nodes, head_dim]; key, value: [1, kv_heads, nodes, head_dim].

    Returns:
        [1, nodes, heads, head_dim] and None (no weights).

    Raises:
        _AnotherAttention: the model asks for more than a softmax of scaled scores.
    """
    if tree is None:  # a plain forward pass of the same model
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        plain: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **rest
        )
        return plain
    if any(rest.get(name) is not None for name in _BEYOND_SOFTMAX):  # random scores are too small to show a cap
        raise _AnotherAttention
    heads, kv_heads, width = query.shape[1], key.shape[1], query.shape[-1]
    scale = scaling if scaling is not None else width**-0.5
    rows, longest = tree.paths.shape
    if query.is_cuda:  # where a table of scores costs more than it saves
        asked, keys, values = (_along_paths(part[0], tree.paths) for part in (query, key, value))
        rowed = attend_rows(asked, keys, values, scale).reshape(heads, rows * longest, width)
        return rowed.index_select(1, tree.homes).transpose(0, 1)[None], None
    # Query heads that share a key head are asked as further rows of it: no key is copied.
    asked = _along_paths(query[0], tree.paths).view(kv_heads, heads // kv_heads, rows, longest, width).transpose(1, 2)
    asked = asked.reshape(kv_heads * rows, -1, width)  # [kv_heads x rows, share x longest, head_dim]
    keys, values = (_along_paths(part[0], tree.paths).flatten(0, 1) for part in (key, value))
    out = _CausalAttention.apply(asked, keys, values, tree.hidden, scale)
    spread = out.view(kv_heads, rows, -1, longest, width).transpose(1, 2).reshape(heads, rows * longest, width)
    return spread.index_select(1, tree.homes).transpose(0, 1)[None], None  # [1, nodes, heads, head_dim]


def _along_paths(part: torch.Tensor, paths: torch.Tensor) -> torch.Tensor:
    """[heads, nodes, head_dim] -> [heads, rows, longest, head_dim], each head's tokens side by side in memory."""
    return part.index_select(1, paths.flatten()).unflatten(1, paths.shape)


class _CausalAttention(torch.autograd.Function):
    """softmax(q k^T s, causal) v for rows of some hundred tokens: there, plain batched products beat flash kernels."""

    @staticmethod
    def forward(ctx: Any, query: Any, key: Any, value: Any, hidden: Any, scale: float) -> torch.Tensor:
        mask = hidden.to(query.dtype).repeat(query.shape[1] // key.shape[1], 1)
        scores = torch.baddbmm(mask.expand(len(query), -1, -1), query, key.transpose(1, 2), alpha=scale)
        shares = scores.softmax(dim=-1)  # [rows x heads, longest, longest]
        ctx.save_for_backward(query, key, value, shares)
        ctx.scale = scale
        return torch.bmm(shares, value)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        query, key, value, shares = ctx.saved_tensors
        grad = grads[0].contiguous()
        value_grad = torch.bmm(shares.transpose(1, 2), grad)
        share_grad = torch.bmm(grad, value.transpose(1, 2))
        score_grad = torch._softmax_backward_data(share_grad, shares, -1, shares.dtype).mul_(ctx.scale)
        return torch.bmm(score_grad, key), torch.bmm(score_grad.transpose(1, 2), query), value_grad, None, None
