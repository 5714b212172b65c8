"""A task's answer as text and back: what a model is taught to write, and how its writing is read.

form      {"finding":"…","side":"right"}        one JSON object on one line
exact     the answer itself                      choice    one of the task's values
workflow  1. first step / 2. second step         free      the reference text
grounded  "the quoted words" [H10.1]             abstain   the task's own sentence
"""

from __future__ import annotations

import json
import re

from nichetune.core.records import Answer, Expected
from nichetune.core.settings import TaskSettings

_CITATION = re.compile(r"\[([^\[\]\n]{1,80})\]\s*\.?\s*$")
_STEP = re.compile(r"^\s*(?:\d+[.)]|[-*])\s+(.*\S)\s*$")


def normalise(text: str) -> str:
    """Case, space and closing punctuation folded: the form in which answers are compared."""
    return re.sub(r"\s+", " ", text).strip().strip(".;,:\"'").casefold()


def render_answer(task: TaskSettings, expected: Expected) -> str:
    """The text that a model is taught to write for `expected`."""
    if task.kind == "form":
        values = expected.fields or {}
        form = {name: values.get(name, "") for name in task.fields}
        return json.dumps(form, ensure_ascii=False, separators=(",", ":"))  # spaces would be tokens to learn
    if expected.abstain and task.abstain:
        return task.abstain.answer
    if task.kind == "workflow":
        return "\n".join(f"{n}. {step}" for n, step in enumerate(expected.steps or [], start=1))
    if task.kind == "grounded":
        return f'"{expected.answer}"' + "".join(f" [{ref}]" for ref in expected.evidence)
    return expected.answer or ""


def cut_form(text: str) -> str:
    """A form up to its first closing brace; a text without one stays as it is."""
    return text[: text.find("}") + 1] or text


def parse_answer(task: TaskSettings, text: str) -> Answer:
    """Reads a model's text; what cannot be read gives `parsed=False`, never an error."""
    text = text.strip()
    if task.kind == "form":
        return _parse_form(task, text)
    if task.abstain and task.abstain.answer and normalise(task.abstain.answer) in normalise(text):
        return Answer(abstain=True, parsed=True)
    if task.kind == "workflow":
        steps = [m.group(1) for line in text.splitlines() if (m := _STEP.match(line))]
        return Answer(steps=steps, parsed=bool(steps))
    if task.kind == "grounded":
        return _parse_grounded(text)
    return Answer(answer=text, parsed=bool(text))


def read_form(text: str) -> dict[str, object] | None:
    """The JSON object in a model's text, with every key that it wrote; None where there is none."""
    start, end = text.find("{"), text.rfind("}")
    try:
        values = json.loads(text[start : end + 1]) if 0 <= start < end else None
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _parse_form(task: TaskSettings, text: str) -> Answer:
    values = read_form(text)
    if values is None:
        return Answer(parsed=False)
    fields = {name: _as_text(values[name]) for name in task.fields if name in values}
    return Answer(fields=fields, abstain=is_abstention(task, fields), parsed=True)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def is_abstention(task: TaskSettings, fields: dict[str, str]) -> bool:
    """Whether a form's fields say what the task declares as abstaining."""
    rule = task.abstain
    return bool(rule and rule.field and normalise(fields.get(rule.field, "")) == normalise(rule.value))


def _parse_grounded(text: str) -> Answer:
    citations: list[str] = []
    rest = text
    while match := _CITATION.search(rest):
        citations.insert(0, match.group(1).strip())
        rest = rest[: match.start()].rstrip()
    quote = rest.strip().strip('"“”').strip()
    return Answer(answer=quote, citations=citations, parsed=bool(quote))
