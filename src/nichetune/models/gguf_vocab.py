"""A tokenizer as GGUF's metadata: tokens, merges, special ids, and the rule by which text is cut before merging.

Reads a byte-level BPE tokenizer -> key-value pairs of a `GGUFWriter`. llama.cpp knows the cutting rules by name and
implements each by hand, so that the name has to be found from the tokenizer's own rule, never from the model's name.
"""

from __future__ import annotations

import json
from typing import Any

from nichetune.core.errors import UserError
from nichetune.models.templates import end_of_turn_ids

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# The rule's parts, as `_describe` names them -> llama.cpp's name for it.
_CUTTING_RULES = {
    ("bytes by words",): "gpt-2",
    ("digits", "bytes by words"): "smollm",
    (_CONTRACTIONS + r"|\p{N}{1,3}" + _REST, "bytes"): "llama-bpe",
    (_CONTRACTIONS + r"|\p{N}" + _REST, "bytes"): "qwen2",
}


def add_vocabulary(writer: Any, tokenizer: Any, size: int) -> None:
    """Writes the tokenizer into a GGUF.

    Args:
        size: rows of the model's embedding; ids without a token are filled.

    Raises:
        UserError: it is no byte-level BPE, or llama.cpp has no such cutting rule.
    """
    spec = json.loads(tokenizer.backend_tokenizer.to_str())
    if spec["model"]["type"] != "BPE" or spec["model"].get("byte_fallback"):
        raise UserError("GGUF: this tokenizer is no byte-level BPE, and nichetune writes no other: use --to merged")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(find_cutting_rule(spec["pre_tokenizer"]))
    tokens, kinds = _list_tokens(spec, size)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in spec["model"]["merges"]])
    writer.add_add_bos_token(begins_with_bos(tokenizer))
    writer.add_chat_template(tokenizer.chat_template)
    _add_special_ids(writer, tokenizer)


def find_cutting_rule(rule: dict[str, Any]) -> str:
    """llama.cpp's name for a tokenizer's own rule.

    Raises:
        UserError: it knows none that does the same.
    """
    parts = rule["pretokenizers"] if rule and rule["type"] == "Sequence" else [rule]
    name = _CUTTING_RULES.get(tuple(_describe(part) for part in parts))
    if name is None:
        raise UserError("GGUF: no rule of llama.cpp is known to cut text as this tokenizer does: use --to merged")
    return name


def _describe(part: dict[str, Any] | None) -> str:
    match part:
        case {"type": "ByteLevel", "add_prefix_space": False, "use_regex": by_words}:
            return "bytes by words" if by_words else "bytes"
        case {"type": "Digits", "individual_digits": True}:
            return "digits"
        case {"type": "Split", "behavior": "Isolated", "invert": False, "pattern": {"Regex": pattern}}:
            return str(pattern)
        case _:
            return "another rule"


def _list_tokens(spec: dict[str, Any], size: int) -> tuple[list[str], list[int]]:
    """Text and kind of every id."""
    from gguf import TokenType

    tokens = [f"[PAD{n}]" for n in range(size)]
    kinds = [int(TokenType.UNUSED)] * size
    added = {t["content"]: t["id"] for t in spec["added_tokens"]}
    if max([*spec["model"]["vocab"].values(), *added.values()]) >= size:
        raise UserError("GGUF: the tokenizer knows more tokens than the model has rows: is it this model's own?")
    for text, number in (spec["model"]["vocab"] | added).items():
        tokens[number], kinds[number] = text, int(TokenType.NORMAL)
    for token in spec["added_tokens"]:
        kinds[token["id"]] = int(TokenType.CONTROL if token["special"] else TokenType.USER_DEFINED)
    return tokens, kinds


def begins_with_bos(tokenizer: Any) -> bool:
    """Whether the tokenizer itself puts a beginning before a text."""
    ids = tokenizer("a")["input_ids"]
    return tokenizer.bos_token_id is not None and ids[:1] == [tokenizer.bos_token_id]


def _add_special_ids(writer: Any, tokenizer: Any) -> None:
    named = {
        "bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id, "pad": tokenizer.pad_token_id,
        "unk": tokenizer.unk_token_id,
        "eot": min(end_of_turn_ids(tokenizer) - {tokenizer.eos_token_id}, default=None),
    }  # fmt: skip
    for name, number in named.items():
        if number is not None:
            getattr(writer, f"add_{name}_token_id")(number)
