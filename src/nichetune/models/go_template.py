"""A chat template in Go's language, as Ollama wants it, out of the model's own in Jinja's.

Reads a tokenizer -> `{{ if .System }}…{{ end }}{{ range .Messages }}…{{ end }}…`

Nothing is parsed: conversations of marked turns are rendered, what stands between the marks is what a turn is wrapped
in, and the template that is put together from it is believed only if it renders other conversations letter by letter
as the model's own does. Any template that wraps turns passes, whatever its family; one that does more is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from nichetune.core.errors import UserError

Chat = list[dict[str, str]]
_REFUSED = "Ollama: this chat template does more than wrap turns, and has no Go form here: use --to gguf"
_MARKS = {"system": "marksystem", "user": "markuser", "assistant": "markassistant", "again": "markagain"}
_ACTION = re.compile(r"{{ (.*?) }}")
# Texts that a wrong template would change: lines, braces, white space, other alphabets.
_SYSTEM, _FIRST, _ANSWER, _SECOND = "Be brief.\nUse {} and [].", "Größe?\n\n  two lines", '{"a": "b"}', "what <is> it?"
_PROOFS = (
    [("user", _FIRST)],
    [("system", _SYSTEM), ("user", _FIRST)],
    [("user", _FIRST), ("assistant", _ANSWER), ("user", _SECOND)],
    [("system", _SYSTEM), ("user", _FIRST), ("assistant", _ANSWER), ("user", _SECOND)],
    [("system", _SYSTEM), *[("user", _FIRST), ("assistant", _ANSWER)] * 3, ("user", _SECOND)],
)


@dataclass(frozen=True)
class _Wraps:
    """What stands before and after each turn, at the start without a system turn, and before the answer."""

    system: tuple[str, str]
    no_system: str
    user: tuple[str, str]
    assistant: tuple[str, str]
    answer: str


def translate_template(tokenizer: Any, skip: str = "") -> str:
    """The Go template that renders what the tokenizer's own does.

    Args:
        skip: a beginning that whoever reads the prompt adds by itself: the BOS token's text, or nothing.

    Raises:
        UserError: the two would differ.
    """
    wraps = _learn_wraps(tokenizer, skip)
    template = _compose(wraps)
    for turns in _PROOFS:
        chat = [{"role": role, "content": content} for role, content in turns]
        if render_go(template, chat) != _render(tokenizer, chat, True).removeprefix(skip):
            raise UserError(_REFUSED)
    return template


def render_go(template: str, messages: Chat) -> str:
    """Renders a chat as Ollama would, for the actions that `translate_template` writes.

    Go's own meanings: text outside actions stands as it is; an empty string is false; inside `range` the dot is the
    element; `eq` compares strings. `.System` holds the system turns' texts, with an empty line between.
    """
    system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
    root = {"System": system, "Messages": [{"Role": m["role"], "Content": m["content"]} for m in messages]}
    pieces = _ACTION.split(template)  # text, action, text, action, …, text
    text, place = _run_block(pieces, 0, root, True)
    if place < len(pieces):
        raise ValueError("an action ends what was never begun")
    return text


def _run_block(pieces: list[str], place: int, dot: dict[str, Any], live: bool) -> tuple[str, int]:
    """Runs from a text piece to the `end` or `else` that closes the block; returns its text and where it closed."""
    out = pieces[place] if live else ""
    place += 1
    while place < len(pieces):
        action = pieces[place]
        if action == "end" or action.startswith("else"):
            return out, place
        if action.startswith("if "):
            written, place = _run_if(pieces, place, action[3:], dot, live)
        elif action.startswith("range ."):
            written, place = _run_range(pieces, place, dot, live)
        else:
            written = _value(action, dot) if live else ""
        out += written + (pieces[place + 1] if live else "")
        place += 2
    return out, place


def _run_if(pieces: list[str], place: int, test: str, dot: dict[str, Any], live: bool) -> tuple[str, int]:
    chosen = live and bool(_value(test, dot))
    out, place = _run_block(pieces, place + 1, dot, chosen)
    open_still = live and not chosen
    while (action := pieces[place]) != "end":
        rest = action.removeprefix("else").removeprefix(" if ")
        chosen = open_still and (not rest or bool(_value(rest, dot)))
        written, place = _run_block(pieces, place + 1, dot, chosen)
        out, open_still = out + written, open_still and not chosen
    return out, place


def _run_range(pieces: list[str], place: int, dot: dict[str, Any], live: bool) -> tuple[str, int]:
    elements = dot[pieces[place].removeprefix("range .")] if live else []
    _, end = _run_block(pieces, place + 1, {}, False)
    return "".join(_run_block(pieces, place + 1, element, True)[0] for element in elements), end


def _value(expression: str, dot: dict[str, Any]) -> Any:
    if match := re.fullmatch(r'eq \.(\w+) "(\w+)"', expression):
        return dot[match[1]] == match[2]
    return dot[expression.removeprefix(".")]


def _compose(wraps: _Wraps) -> str:
    return (
        "{{ if .System }}" + "{{ .System }}".join(wraps.system) + "{{ else }}" + wraps.no_system + "{{ end }}"
        "{{ range .Messages }}"
        '{{ if eq .Role "user" }}' + "{{ .Content }}".join(wraps.user)
        + '{{ else if eq .Role "assistant" }}' + "{{ .Content }}".join(wraps.assistant)
        + "{{ end }}{{ end }}" + wraps.answer
    )  # fmt: skip


def _learn_wraps(tokenizer: Any, skip: str) -> _Wraps:
    """Reads the wraps off rendered conversations.

    Raises:
        UserError: turns are not simply wrapped.
    """
    system, user, answer, again = (
        {"role": name if name != "again" else "user", "content": mark} for name, mark in _MARKS.items()
    )
    whole = _cut(_render(tokenizer, [system, user, answer, again], True).removeprefix(skip))
    bare = _cut(_render(tokenizer, [user], True).removeprefix(skip))
    after_user = _cut(_render(tokenizer, [system, user], False))[-1]
    after_answer = _cut(_render(tokenizer, [system, user, answer], False))[-1]
    if len(whole) != 5 or len(bare) != 2 or "{{" in "".join([*whole, *bare]):
        raise UserError(_REFUSED)
    head, into_user, into_answer, back_to_user, end = whole
    before_user = _without(back_to_user, head=after_answer)
    return _Wraps(
        system=(head, _without(into_user, tail=before_user)),
        no_system=_without(bare[0], tail=before_user),
        user=(before_user, after_user),
        assistant=(_without(into_answer, head=after_user), after_answer),
        answer=_without(end, head=after_user),
    )


def _cut(text: str) -> list[str]:
    """What stands before, between and after the marks."""
    return re.split("|".join(_MARKS.values()), text)


def _without(text: str, head: str = "", tail: str = "") -> str:
    if not (text.startswith(head) and text.endswith(tail)):
        raise UserError(_REFUSED)
    return text.removeprefix(head).removesuffix(tail)


def _render(tokenizer: Any, chat: Chat, generation: bool) -> str:
    try:
        return str(tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=generation))
    except Exception as error:
        raise UserError(_REFUSED) from error
