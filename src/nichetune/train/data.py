"""Examples to token ids and labels, and the order in which training sees them.

    split/train.jsonl (+ retrieved passages) -> {"input_ids": [1, 9690, …], "labels": [-100, …, 3617, 2]}

Nothing is cut in silence: an example that is too long, or in which no token teaches, is refused or counted.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.records import Message
from nichetune.models.templates import EncodedChat, encode_chat

IGNORED = -100  # the label that cross-entropy leaves out


@dataclass(frozen=True)
class EncodedExample:
    """One training example as ids and labels of equal length."""

    id: str
    ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class EncodedSet:
    """What will be trained on, and what was put aside, by reason."""

    examples: list[EncodedExample]
    dropped: Counter[str]

    @property
    def tokens(self) -> int:
        """All tokens of one pass."""
        return sum(len(e.ids) for e in self.examples)

    @property
    def supervised_tokens(self) -> int:
        """Tokens of one pass that teach."""
        return sum(label != IGNORED for e in self.examples for label in e.labels)


def encode_examples(tokenizer: Any, chats: dict[str, list[Message]], max_length: int, too_long: str) -> EncodedSet:
    """Encodes conversations by example id.

    Raises:
        UserError: an example is too long and `too_long` is "refuse", or none is left that teaches.
    """
    encoded: list[EncodedExample] = []
    dropped: Counter[str] = Counter()
    for name, chat in chats.items():
        one = encode_chat(tokenizer, chat)
        if len(one.ids) > max_length:
            if too_long == "refuse":
                raise UserError(
                    f"example {name} has {len(one.ids)} tokens, base.max_length is {max_length}: raise it, "
                    "or set train.too_long to drop (examples are never cut)"
                )
            dropped["too long"] += 1
        elif one.supervised_tokens <= 1:  # the end of turn alone: it would teach to say nothing
            dropped["no supervised token"] += 1
        else:
            encoded.append(_label(name, one))
    if not encoded:
        raise UserError("no training example is left that teaches a token: see the dropped reasons of the split")
    return EncodedSet(encoded, dropped)


def _label(name: str, chat: EncodedChat) -> EncodedExample:
    labels = [i if taught else IGNORED for i, taught in zip(chat.ids, chat.supervised, strict=True)]
    return EncodedExample(name, chat.ids, labels)


def plan_order(lengths: list[int], batch_size: int, epochs: float, seed: int) -> list[int]:
    """The whole order of training: batches of like lengths, in random order, every epoch another.

    Like lengths waste no padding; 16 batches at a time are sorted, so that batches still differ between epochs.
    """
    rng = random.Random(seed)
    order: list[int] = []
    total = math.ceil(len(lengths) * epochs)
    while len(order) < total:
        order += _plan_epoch(lengths, batch_size, rng)
    return order[:total]


def _plan_epoch(lengths: list[int], batch_size: int, rng: random.Random) -> list[int]:
    shuffled = list(range(len(lengths)))
    rng.shuffle(shuffled)
    pool = batch_size * 16
    batches: list[list[int]] = []
    for start in range(0, len(shuffled), pool):
        chunk = sorted(shuffled[start : start + pool], key=lambda i: (lengths[i], i))
        batches += [chunk[i : i + batch_size] for i in range(0, len(chunk), batch_size)]
    short = [b for b in batches if len(b) < batch_size]  # a short batch stands last: steps stay aligned
    full = [b for b in batches if len(b) == batch_size]
    rng.shuffle(full)
    return [i for batch in full + short for i in batch]
