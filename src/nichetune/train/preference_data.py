"""Preference pairs as token ids: the same prompt twice, with the chosen and the rejected answer.

train.jsonl of the pairs -> Pair(id="pair-0007", chosen=EncodedExample(…), rejected=EncodedExample(…))

An answer is encoded as SFT encodes it, so that the policy meets the very prompt that it will be asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.records import Example, Message
from nichetune.core.settings import Settings
from nichetune.generate.prompts import training_chats
from nichetune.train.data import IGNORED, EncodedExample, encode_examples

_REJECTED = " (rejected)"  # behind a pair's id, in messages


@dataclass(frozen=True)
class Pair:
    """One pair; `unrelated` are the answers of another prompt behind this one's (KTO only)."""

    id: str
    group: str
    chosen: EncodedExample
    rejected: EncodedExample
    unrelated: tuple[EncodedExample, ...] = ()

    @property
    def rows(self) -> list[EncodedExample]:
        """All that a model is asked about."""
        return [self.chosen, self.rejected, *self.unrelated]


@dataclass(frozen=True)
class EncodedPairs:
    """What will be learnt from, and what was put aside, by reason."""

    pairs: list[Pair]
    dropped: Counter[str]

    @property
    def tokens(self) -> int:
        """Tokens of one pass over both answers, the prompt counted with each."""
        return sum(len(p.chosen.ids) + len(p.rejected.ids) for p in self.pairs)


def encode_pairs(settings: Settings, tokenizer: Any, pairs: list[Example], index: Path | None) -> EncodedPairs:
    """Encodes both answers of each pair.

    Raises:
        UserError: an answer is too long and `train.too_long` is refuse, or no pair is left.
    """
    if not pairs:
        return EncodedPairs([], Counter())
    chats = training_chats(settings, pairs, index)
    for pair in pairs:
        chats[pair.id + _REJECTED] = [*chats[pair.id][:-1], Message(role="assistant", content=pair.rejected)]
    encoded = encode_examples(tokenizer, chats, settings.base.max_length, settings.train.too_long)
    known = {one.id: one for one in encoded.examples}
    whole = [p for p in pairs if p.id in known and p.id + _REJECTED in known]
    if not whole:
        raise UserError("no preference pair is left whose answers both fit base.max_length: raise it")
    made = [Pair(p.id, p.group, known[p.id], known[p.id + _REJECTED]) for p in whole]
    return EncodedPairs(
        made, Counter({"an answer is too long": len(pairs) - len(whole)} if len(pairs) > len(whole) else {})
    )


def add_unrelated(pairs: Sequence[Pair]) -> list[Pair]:
    """Each pair with another one's answers put behind its own prompt: what KTO's divergence is estimated on."""
    others = [_find_other(pairs, n) for n in range(len(pairs))]
    return [
        replace(pair, unrelated=tuple(_put_behind(pair, answer) for answer in (other.chosen, other.rejected)))
        for pair, other in zip(pairs, others, strict=True)
    ]


def _find_other(pairs: Sequence[Pair], n: int) -> Pair:
    """The next pair of another group; where there is one group only, the next pair."""
    order = [*range(n + 1, len(pairs)), *range(n + 1)]
    return next((pairs[m] for m in order if pairs[m].group != pairs[n].group), pairs[order[0]])


def _put_behind(pair: Pair, answer: EncodedExample) -> EncodedExample:
    own, theirs = _prompt_length(pair.chosen), _prompt_length(answer)
    ids = pair.chosen.ids[:own] + answer.ids[theirs:]
    return EncodedExample(pair.id, ids, [IGNORED] * own + answer.labels[theirs:])


def _prompt_length(one: EncodedExample) -> int:
    return next(place for place, label in enumerate(one.labels) if label != IGNORED)
