"""Reads the field's chat formats, and recognises them by their keys.

    messages           {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
    sharegpt           {"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}
    alpaca             {"instruction": "…", "input": "…", "output": "…"}
    prompt-completion  {"prompt": "…", "completion": "…"}
    preference         {"prompt": "…", "chosen": "…", "rejected": "…"}

Each becomes plain columns: `text`, `answer` and perhaps `system`; other keys stay. A model here answers one question
at a time, so of a conversation the first exchange is taken, which needs nothing that was said before it. What is left
out is counted: later turns, and rejected answers; these stay where the source holds preferences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nichetune.core.settings import SourceSettings, TaskSettings
from nichetune.core.tasks import parse_answer

_TURNS = ("messages", "conversations", "conversation")
_ROLE_KEYS = ("role", "from", "speaker", "author")
_CONTENT_KEYS = ("content", "value", "text", "message")
_ROLES = {
    **dict.fromkeys(("user", "human", "prompter", "customer", "question"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "bot", "model", "ai", "agent", "answer"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
}
# A file is of a format if nearly all of its first records are: a few may be broken.
_ENOUGH = 0.9


class NoChat(Exception):
    """A record that its file's chat format cannot make an exchange of; its text is the reason."""


@dataclass(frozen=True)
class Exchange:
    """What one record asks and answers.

    Attributes:
        later_turns: turns of the conversation that are left out.
        rejected: answers of preference pairs that are left out.
        refused: the rejected answer of a pair that is kept as one.
    """

    text: str
    answer: str
    system: str = ""
    later_turns: int = 0
    rejected: int = 0
    refused: str = ""


def recognise_chat(samples: Sequence[dict[str, Any]], source: SourceSettings, task: TaskSettings) -> str:
    """The chat format of a file's first records; empty if they are plain columns.

    A source that maps the text or the answer, and a form whose fields are columns, says itself what is what.
    """
    if source.holds == "preferences":
        return "preference"
    if source.chat == "none":
        return ""
    if source.chat != "auto":
        return source.chat
    if "messages" in source.map:
        return "messages"
    mapped = any(name in ("text", "answer", "steps") or name.startswith("fields.") for name in source.map)
    if mapped or not samples or any(name in record for record in samples for name in task.fields):
        return ""
    for name, fits in _SIGNATURES.items():
        if sum(fits(record) for record in samples) >= _ENOUGH * len(samples):
            return name
    return ""


def _holds_turns(record: dict[str, Any], key: str, role: str) -> bool:
    turns = record.get(key)
    return isinstance(turns, list) and bool(turns) and all(isinstance(turn, dict) and role in turn for turn in turns)


def _holds(record: dict[str, Any], *keys: str) -> bool:
    return all(isinstance(record.get(key), str | list) for key in keys)


_SIGNATURES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "preference": lambda record: _holds(record, "chosen", "rejected"),
    "messages": lambda record: _holds_turns(record, "messages", "role"),
    "sharegpt": lambda record: any(_holds_turns(record, key, "from") for key in _TURNS),
    "alpaca": lambda record: _holds(record, "instruction", "output"),
    "prompt-completion": lambda record: _holds(record, "prompt", "completion"),
}


def to_columns(record: dict[str, Any], chat: str, source: SourceSettings, task: TaskSettings) -> tuple[dict, Exchange]:
    """The record as plain columns, and its exchange.

    Raises:
        NoChat: it has none in this format.
    """
    exchange = _EXCHANGES[chat](record, source)
    used = {*_TURNS, source.map.get("messages", ""), "instruction", "input", "output", "prompt", "completion", "chosen"}
    rest = {name: value for name, value in record.items() if name not in used | {"rejected", "system"}}
    said = {"text": exchange.text, "system": exchange.system, "rejected": exchange.refused}
    # A form may be told field by field, in a pair as in any record.
    told = {} if any(name.startswith("fields.") for name in source.map) else _answer_columns(exchange.answer, task)
    return rest | said | told, exchange


def _answer_columns(answer: str, task: TaskSettings) -> dict[str, Any]:
    """What an answer's text says, in the columns that its kind of task is read from."""
    parsed = parse_answer(task, answer)
    if task.kind == "form":
        if not parsed.parsed:
            raise NoChat("the answer is not the task's form")
        return {name: (parsed.fields or {}).get(name) for name in task.fields}
    columns: dict[str, Any] = {"abstain": True, "answer": ""} if parsed.abstain else {"answer": parsed.answer or ""}
    if task.kind == "workflow":
        columns["steps"] = parsed.steps or []
    if parsed.citations:
        columns["evidence"] = parsed.citations
    return columns


def _from_messages(record: dict[str, Any], source: SourceSettings) -> Exchange:
    key = source.map.get("messages")
    turns = record.get(key) if key else next((record[name] for name in _TURNS if name in record), None)
    return _first_exchange(_read_turns(turns, source), _text_of(record.get("system")))


def _from_alpaca(record: dict[str, Any], source: SourceSettings) -> Exchange:
    instruction, more = _text_of(record.get("instruction")), _text_of(record.get("input"))
    text = f"{instruction}\n\n{more}" if more.strip() else instruction
    return Exchange(text, _text_of(record.get("output")), _text_of(record.get("system")))


def _from_prompt(record: dict[str, Any], source: SourceSettings) -> Exchange:
    prompt, completion = record.get("prompt"), record.get("completion")
    return _join(prompt, completion, record, source)


def _from_preference(record: dict[str, Any], source: SourceSettings) -> Exchange:
    names = {"text": "prompt", "answer": "chosen", "rejected": "rejected"}
    prompt, chosen, rejected = (record.get(source.map.get(name, usual)) for name, usual in names.items())
    found = _join(prompt, chosen, record, source)
    if source.holds != "preferences":
        return replace(found, rejected=1)
    return replace(found, refused=_join(prompt, rejected, record, source).answer)


def _join(prompt: Any, answer: Any, record: dict[str, Any], source: SourceSettings) -> Exchange:
    """An exchange of a prompt and an answer, each a text or turns; an answer in turns may hold the prompt."""
    system = _text_of(record.get("system"))
    if isinstance(prompt, str) and isinstance(answer, str):
        return Exchange(prompt, answer, system)
    asked = _read_turns(prompt, source) if isinstance(prompt, list) else []
    if isinstance(prompt, str):
        asked = [("user", prompt)]
    answered = _read_turns(answer, source) if isinstance(answer, list) else [("assistant", _text_of(answer))]
    is_whole = any(role == "user" for role, _ in answered)
    return _first_exchange(answered if is_whole else [*asked, *answered], system)


def _first_exchange(turns: list[tuple[str, str]], system: str) -> Exchange:
    """The first question, what was said to the model before it, and the first answer."""
    rules = [system] if system else []
    asked: list[str] = []
    for number, (role, text) in enumerate(turns):
        if role == "system":
            rules.append(text)
        elif role == "user":
            asked.append(text)
        elif asked and role == "assistant":
            return Exchange("\n\n".join(asked), text, "\n\n".join(rules), later_turns=len(turns) - number - 1)
        elif asked:
            raise NoChat("a tool is used before the answer")
    raise NoChat("no answer of the assistant" if asked else "no question of the user")


def _read_turns(turns: Any, source: SourceSettings) -> list[tuple[str, str]]:
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) for turn in turns):
        raise NoChat("no list of turns")
    return [_read_turn(turn, source) for turn in turns]


def _read_turn(turn: dict[str, Any], source: SourceSettings) -> tuple[str, str]:
    said_by = next((turn[key] for key in _ROLE_KEYS if key in turn), None)
    role = source.roles.get(str(said_by)) or _ROLES.get(str(said_by).lower())
    if role is None:
        role = "tool" if str(said_by).lower() in ("tool", "function", "observation", "ipython") else None
    if role is None:
        raise NoChat("a turn of an unknown role (sources[].roles)")
    if turn.get("tool_calls") or turn.get("function_call"):
        return "tool", ""
    return role, _text_of(next((turn[key] for key in _CONTENT_KEYS if key in turn), None))


def _text_of(value: Any) -> str:
    """A turn's text: one text, or a list of parts of which all are texts.

    Raises:
        NoChat: a part is a picture, a sound or a file.
    """
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
        return "\n".join(part["text"] for part in value)
    raise NoChat("a turn is no text")


_EXCHANGES: dict[str, Callable[[dict[str, Any], SourceSettings], Exchange]] = {
    "messages": _from_messages,
    "sharegpt": _from_messages,
    "alpaca": _from_alpaca,
    "prompt-completion": _from_prompt,
    "preference": _from_preference,
}
