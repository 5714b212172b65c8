"""Format: gives every example the assistant turn that a model is taught to write, and drops what has none.

mask/ -> examples.jsonl (user and assistant turns), dropped.jsonl

    {"id": "int-0007", "messages": [{"role": "user", "content": "Now: Pinguecula, OD."},
     {"role": "assistant", "content": "{\\"finding\\": \\"Pinguecula\\", \\"side\\": \\"right\\"}"}], …}

The base model's own template is applied later, in training: it is part of what an adapter is made for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from nichetune.core.files import iter_jsonl, read_records, write_jsonl
from nichetune.core.records import Document, Dropped, Example, Expected, Message
from nichetune.core.settings import Settings, TaskSettings
from nichetune.core.stages import Report
from nichetune.core.tasks import render_answer


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Formats what mask wrote."""
    documents = {one.id: one.text for one in read_records(inputs["mask"] / "documents.jsonl", Document)}
    dropped: list[Dropped] = []
    read = (Example.model_validate(one) for one in iter_jsonl(inputs["mask"] / "examples.jsonl"))
    kept = write_jsonl(out / "examples.jsonl", _format_all(settings, read, documents, dropped))
    write_jsonl(out / "dropped.jsonl", dropped)
    reasons = Counter(one.reason for one in dropped)
    return Report(counts={"in": kept + len(dropped), "out": kept}, dropped=dict(sorted(reasons.items())))


def _format_all(
    settings: Settings, examples: Iterable[Example], documents: dict[str, str], dropped: list[Dropped]
) -> Iterator[Example]:
    """Examples as they are read; what cannot be taught goes to `dropped`."""
    for example in examples:
        task = settings.tasks[example.task]
        reason = find_fault(task, example.expected, documents)
        if reason:
            dropped.append(Dropped(id=example.id, reason=reason, source=example.source))
        else:
            yield add_answer(task, example)


def add_answer(task: TaskSettings, example: Example) -> Example:
    """The example with its assistant turn at the end."""
    turns = [one for one in example.messages if one.role != "assistant"]
    answer = Message(role="assistant", content=render_answer(task, example.expected))
    return example.model_copy(update={"messages": [*turns, answer]})


def find_fault(task: TaskSettings, expected: Expected, documents: dict[str, str]) -> str:
    """Why the expected answer cannot be taught; empty if it can."""
    if task.kind == "form":
        return _find_form_fault(task, expected)
    if expected.abstain:
        return "" if task.abstain and task.abstain.answer else "abstains, but the task says nothing of abstaining"
    if task.kind == "workflow":
        return "" if expected.steps else "no answer"
    if not expected.answer:
        return "no answer"
    return _find_quote_fault(expected, documents) if task.kind == "grounded" else ""


def _find_form_fault(task: TaskSettings, expected: Expected) -> str:
    values = expected.fields or {}
    if not any(values.values()):
        return "no answer"
    empty = [name for name, rule in task.fields.items() if not values.get(name) and not rule.may_be_empty]
    return f"no value for {empty[0]}" if empty else ""


def _find_quote_fault(expected: Expected, documents: dict[str, str]) -> str:
    """A quotation that its document does not hold would teach inventing."""
    if not expected.evidence:
        return "no evidence"
    if any(reference not in documents for reference in expected.evidence):
        return "evidence is no document"
    quote = _squeeze(expected.answer or "")
    held = any(quote in _squeeze(documents[reference]) for reference in expected.evidence)
    return "" if held else "quote is not in its document"


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
