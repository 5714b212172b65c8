"""A batch of encoded examples as a token tree, with the nodes that predict a supervised token.

    [{"input_ids": [1, 5, 7, 2], "labels": [-100, -100, 7, 2]}] -> nodes [1, 5, 7], predicting [1, 2], targets [7, 2]

What follows a row's last prediction is never computed: nothing is learnt from it.
"""

from __future__ import annotations

from typing import Any

import torch

from nichetune.models.token_tree import TokenTree, build_tree, run_tree
from nichetune.train.data import IGNORED


def collate_tree(rows: list[dict[str, list[int]]], share: bool = True) -> dict[str, torch.Tensor]:
    """Tensors of one batch: the tree's parts, `predicting` [supervised] nodes and `shift_labels` [supervised] ids."""
    spots = [[i for i in range(1, len(row["labels"])) if row["labels"][i] != IGNORED] for row in rows]
    tree = build_tree([row["input_ids"][: places[-1]] for row, places in zip(rows, spots, strict=True)], share)
    predicting = [int(tree.paths[n, i - 1]) for n, places in enumerate(spots) for i in places]
    targets = torch.tensor([row["labels"][i] for row, places in zip(rows, spots, strict=True) for i in places])
    return {
        "ids": tree.ids, "positions": tree.positions, "paths": tree.paths, "homes": tree.homes,
        "predicting": torch.tensor(predicting), "shift_labels": targets, "labels": targets,
    }  # fmt: skip


def collate_padded(rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    """The same batch as padded rows, for a model whose attention a tree cannot do: ids and labels [rows, longest]."""
    width = max(len(row["input_ids"]) for row in rows)
    ids = torch.tensor([row["input_ids"] + [0] * (width - len(row["input_ids"])) for row in rows])
    labels = torch.tensor([row["labels"] + [IGNORED] * (width - len(row["labels"])) for row in rows])
    targets = labels[:, 1:][labels[:, 1:] != IGNORED]
    return {"ids": ids, "padded": labels, "shift_labels": targets, "labels": targets}


def predicting_states(decoder: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Hidden states at the nodes that predict a supervised token, [supervised, width]."""
    if "padded" in batch:
        # Padding stands right, where causal attention never looks: no mask, so the fast path is taken.
        states = decoder(input_ids=batch["ids"], attention_mask=None, use_cache=False).last_hidden_state
        chosen: torch.Tensor = states[:, :-1][batch["padded"][:, 1:] != IGNORED]
        return chosen
    tree = TokenTree(batch["ids"], batch["positions"], batch["paths"], batch["homes"])
    return run_tree(decoder, tree)[batch["predicting"]]
