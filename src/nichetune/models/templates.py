"""Chat messages to token ids by the model's own template, with the supervised tokens marked.

    [{"role": "user", …}, {"role": "assistant", …}] -> ids [seq], supervised [seq] of bool

Works for templates with and without generation markers, and with and without a system role: the text before an
assistant's turn is rendered with `add_generation_prompt`, and what the whole text adds to it is the turn. Prompt
and turn are tokenised apart, so that training sees the very ids that generation will see. The end-of-turn token is
supervised, always: a model that was never taught to stop never stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.records import Message


@dataclass(frozen=True)
class EncodedChat:
    """Token ids and, for each, whether the loss counts it."""

    ids: list[int]
    supervised: list[bool]

    @property
    def supervised_tokens(self) -> int:
        """How many tokens teach."""
        return sum(self.supervised)


def encode_prompt(tokenizer: Any, messages: list[Message]) -> list[int]:
    """Ids of a conversation up to where the assistant is to write."""
    return _tokenise(tokenizer, _render(tokenizer, messages, generation=True))


def encode_chat(tokenizer: Any, messages: list[Message]) -> EncodedChat:
    """Ids of a conversation that ends with the assistant, the last turn supervised.

    Raises:
        UserError: the last message is not the assistant's, or the template rewrites what came before it.
    """
    if not messages or messages[-1].role != "assistant":
        raise UserError("a training conversation must end with the assistant's turn")
    prompt = _render(tokenizer, messages[:-1], generation=True)
    whole = _render(tokenizer, messages, generation=False)
    if not whole.startswith(prompt):
        raise UserError("the chat template writes earlier turns differently once the answer follows: give another one")
    head = _tokenise(tokenizer, prompt)
    turn = _cut_at_end(tokenizer, _tokenise(tokenizer, whole[len(prompt) :]))
    return EncodedChat([*head, *turn], [False] * len(head) + [True] * len(turn))


def end_of_turn_ids(tokenizer: Any) -> set[int]:
    """Ids at which generation stops: the tokenizer's end, and what its template puts after an assistant's turn."""
    probe = [Message(role="user", content="a"), Message(role="assistant", content="b")]
    prompt = _render(tokenizer, probe[:-1], generation=True)
    whole = _render(tokenizer, probe, generation=False)
    turn = _tokenise(tokenizer, whole[len(prompt) :]) if whole.startswith(prompt) else []
    special = set(tokenizer.all_special_ids)
    return {tokenizer.eos_token_id, *(i for i in turn if i in special)} - {None}


def _cut_at_end(tokenizer: Any, turn: list[int]) -> list[int]:
    """Keeps a turn up to its first end token; a template without one gets the tokenizer's own."""
    ends = set(tokenizer.all_special_ids)
    for place, token in enumerate(turn):
        if token in ends:
            return turn[: place + 1]
    return [*turn, tokenizer.eos_token_id]


def _render(tokenizer: Any, messages: list[Message], generation: bool) -> str:
    chat = [m.model_dump() for m in messages]
    try:
        return tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=generation)
    except Exception as error:
        if chat and chat[0]["role"] == "system":  # some templates know no system role: say it in the user's turn
            return tokenizer.apply_chat_template(_fold_system(chat), tokenize=False, add_generation_prompt=generation)
        raise UserError(f"the base model's chat template cannot be used: {type(error).__name__}") from error


def _fold_system(chat: list[dict[str, str]]) -> list[dict[str, str]]:
    system, first, *rest = chat
    return [{"role": first["role"], "content": f"{system['content']}\n\n{first['content']}"}, *rest]


def _tokenise(tokenizer: Any, text: str) -> list[int]:
    # The template writes its own BOS: adding special tokens again would double it.
    return tokenizer(text, add_special_tokens=False)["input_ids"]
