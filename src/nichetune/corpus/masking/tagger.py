"""Finds people, addresses, towns, organisations and personal numbers by a small network over spaCy's word vectors.

spaCy docs -> for each, its findings as (start, end, label, confidence), offsets in characters

    "Pt Ola Berg, 4 Elm St" -> [(3, 11, "PERSON", 0.99), (13, 21, "ADDRESS", 0.98)]

Three layers of convolution over hashed word forms, flags and vectors (about 0.7 million weights, 1.3 MB). It is run
by numpy: torch would cost each worker two seconds to import. `tools/mask_tagger/train.py` makes the weights.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from safetensors.numpy import load
from spacy.tokens import Doc

from nichetune.corpus.masking.features import Features

LABELS = ("PERSON", "ADDRESS", "CITY", "ORG", "ID", "USER")
TAGS = ("O", *(f"{prefix}-{label}" for label in LABELS for prefix in "BI"))
# Convolutions reach so far to either side; as many empty rows part two texts.
DILATIONS = (1, 2, 4)
GAP_ROWS = sum(DILATIONS)
WEIGHTS = "tagger.safetensors"


@dataclass(frozen=True)
class Tagged:
    """One finding: character offsets, label and confidence."""

    start: int
    end: int
    label: str
    score: float


@functools.cache
def load_weights() -> dict[str, np.ndarray]:
    """The packaged weights as float32."""
    data = (importlib.resources.files("nichetune.corpus.masking") / WEIGHTS).read_bytes()
    return {name: value.astype(np.float32) for name, value in load(data).items()}


def tag_docs(docs: Sequence[Doc], features: Features, least: float = 0.5, weak: float = 0.5) -> list[list[Tagged]]:
    """The findings of each text whose chance of being none is below 1 - `least`.

    Args:
        weak: people from this chance on, too, where no surer finding stands.
    """
    chances = _softmax(compute_logits(features, [len(doc) for doc in docs]))
    found, at = [], 0
    for doc in docs:
        rows = chances[at : at + len(doc)]
        sure = _read_spans(doc, rows, least)
        more = _read_spans(doc, rows, weak) if weak < least and (rows[:, 0] < 1 - weak).any() else []
        apart = [
            one
            for one in more
            if one.label == "PERSON" and not any(one.start < old.end and old.start < one.end for old in sure)
        ]
        found.append([*sure, *apart])
        at += len(doc)
    return found


def compute_logits(features: Features, lengths: Sequence[int]) -> np.ndarray:
    """[words, tags], texts kept apart by empty rows."""
    weights = load_weights()
    places = _spread(lengths)
    state = np.zeros(
        (int(sum(lengths)) + GAP_ROWS * (len(lengths) + 1), weights["project.bias"].size), dtype=np.float32
    )
    parts = [weights[f"table.{n}.weight"][features.forms[:, n]] for n in range(features.forms.shape[1])]
    read = np.concatenate([*parts, features.flags, features.vectors], axis=1)  # [words, features]
    state[places] = np.maximum(read @ weights["project.weight"].T + weights["project.bias"], 0)
    for number, dilation in enumerate(DILATIONS):
        state[places] += _convolve(state, places, dilation, number, weights)
    logits: np.ndarray = state[places] @ weights["out.weight"].T + weights["out.bias"]
    return logits


def _spread(lengths: Sequence[int]) -> np.ndarray:
    """Rows of the words when GAP_ROWS empty rows stand before each text."""
    rows, at = [], GAP_ROWS
    for length in lengths:
        rows.append(np.arange(at, at + length))
        at += length + GAP_ROWS
    return np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)


def _convolve(
    state: np.ndarray, places: np.ndarray, dilation: int, number: int, weights: dict[str, np.ndarray]
) -> np.ndarray:
    window = np.concatenate([state[places - dilation], state[places], state[places + dilation]], axis=1)
    new = np.maximum(window @ weights[f"layer.{number}.weight"].T + weights[f"layer.{number}.bias"], 0)
    mean, spread = new.mean(axis=1, keepdims=True), new.std(axis=1, keepdims=True)
    normal: np.ndarray = (new - mean) / np.sqrt(spread**2 + 1e-5)
    return normal * weights[f"norm.{number}.weight"] + weights[f"norm.{number}.bias"]


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True)) if len(logits) else logits
    chances: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return chances


def _read_spans(doc: Doc, chances: np.ndarray, least: float) -> list[Tagged]:
    """Runs of words that are more likely something than nothing, parted at a new beginning or label."""
    found: list[Tagged] = []
    first, label, scores = -1, "", [0.0]

    def close(end: int) -> None:
        if first < 0:
            return  # the usual case; a look at `doc` makes an object
        while end > first and doc[end - 1].is_space:
            end -= 1
        if end > first:
            last = doc[end - 1]
            found.append(Tagged(doc[first].idx, last.idx + len(last.text), label, float(np.mean(scores))))

    by_label = chances[:, 1::2] + chances[:, 2::2]  # [words, labels]
    for n in range(len(doc)):
        some = 1.0 - float(chances[n, 0])
        best = int(by_label[n].argmax()) if some >= least else -1
        if best < 0:
            close(n)
            first = -1
            continue
        begins = chances[n, 1 + 2 * best] > chances[n, 2 + 2 * best]
        if first < 0 or begins or LABELS[best] != label:
            close(n)
            first, label, scores = n, LABELS[best], [some]
        else:
            scores.append(some)
    close(len(doc))
    return found
