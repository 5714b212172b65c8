"""Format: gives every example the assistant turn that a model is taught to write, and drops what has none.

mask/ -> examples.jsonl (user and assistant turns), dropped.jsonl; preferences.jsonl where a source holds some

    {"id": "int-0007", "messages": [{"role": "user", "content": "Now: Pinguecula, OD."},
     {"role": "assistant", "content": "{\\"finding\\": \\"Pinguecula\\", \\"side\\": \\"right\\"}"}], …}

The base model's own template is applied later, in training: it is part of what an adapter is made for. Documents are
looked up by their place; a killed run starts over, since a record takes some 27 µs. From here on preference pairs go
a way of their own: none is ever sealed, or taught by SFT.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from nichetune.core.files import dump_line, iter_records, open_lines
from nichetune.core.records import Dropped, Example, Expected, Message
from nichetune.core.settings import Settings, TaskSettings
from nichetune.core.stages import DERIVED, Report
from nichetune.core.tasks import render_answer
from nichetune.corpus.documents import open_documents

PREFERENCES = "preferences.jsonl"
FindText = Callable[[str], str | None]  # a document's text by its id; None if there is no such document


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Formats what mask wrote, record by record."""
    work, reasons, kept = out / DERIVED, Counter[str](), Counter[str]()
    find_text = _open_texts(settings, inputs["mask"] / "documents.jsonl", work)
    names = ["examples.jsonl", "dropped.jsonl", *[PREFERENCES] * holds_preferences(settings)]
    with ExitStack() as files:
        write = {name: files.enter_context(open_lines(out / name)) for name in names}
        for example in iter_records(inputs["mask"] / "examples.jsonl", Example):
            task = settings.tasks[example.task]
            answered = add_answer(task, example)
            reason = find_fault(task, example.expected, find_text) or _find_pair_fault(answered)
            if reason:
                reasons[reason] += 1
                write["dropped.jsonl"](dump_line(Dropped(id=example.id, reason=reason, source=example.source)))
            else:
                name = PREFERENCES if example.rejected else "examples.jsonl"
                kept[name] += 1
                write[name](dump_line(answered))
    shutil.rmtree(work, ignore_errors=True)
    pairs = {"preferences": kept[PREFERENCES]} if PREFERENCES in names else {}
    counts = {"in": kept.total() + reasons.total(), "out": kept.total(), **pairs}
    return Report(counts=counts, dropped=dict(sorted(reasons.items())))


def holds_preferences(settings: Settings) -> bool:
    """Whether any source holds preference pairs."""
    return any(source.holds == "preferences" for source in settings.sources)


def _find_pair_fault(example: Example) -> str:
    """What differs in case or space only is a preference of form, and stays."""
    is_copy = bool(example.rejected) and example.rejected.strip() == example.messages[-1].content.strip()
    return "chosen and rejected answers are the same" if is_copy else ""


def _open_texts(settings: Settings, documents: Path, work: Path) -> FindText:
    """What finds a document's text by its id, if a task quotes documents."""
    if not any(task.kind == "grounded" for task in settings.tasks.values()):
        return lambda name: None
    held = open_documents(documents, work)

    def find_text(name: str) -> str | None:
        found = held.find(name)
        return None if found is None else found.document.text

    return find_text


def add_answer(task: TaskSettings, example: Example) -> Example:
    """The example with its assistant turn at the end."""
    turns = [one for one in example.messages if one.role != "assistant"]
    answer = Message(role="assistant", content=render_answer(task, example.expected))
    return example.model_copy(update={"messages": [*turns, answer]})


def find_fault(task: TaskSettings, expected: Expected, find_text: FindText) -> str:
    """Why the expected answer cannot be taught; empty if it can."""
    if task.kind == "form":
        return _find_form_fault(task, expected)
    if expected.abstain:
        return "" if task.abstain and task.abstain.answer else "abstains, but the task says nothing of abstaining"
    if task.kind == "workflow":
        return "" if expected.steps else "no answer"
    if not expected.answer:
        return "no answer"
    return _find_quote_fault(expected, find_text) if task.kind == "grounded" else ""


def _find_form_fault(task: TaskSettings, expected: Expected) -> str:
    values = expected.fields or {}
    if not any(values.values()):
        return "no answer"
    empty = [name for name, rule in task.fields.items() if not values.get(name) and not rule.may_be_empty]
    return f"no value for {empty[0]}" if empty else ""


def _find_quote_fault(expected: Expected, find_text: FindText) -> str:
    """A quotation that its document does not hold would teach inventing."""
    if not expected.evidence:
        return "no evidence"
    texts = [find_text(reference) for reference in expected.evidence]
    if any(text is None for text in texts):
        return "evidence is no document"
    quote = _squeeze(expected.answer or "")
    held = any(quote in _squeeze(text or "") for text in texts)
    return "" if held else "quote is not in its document"


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
