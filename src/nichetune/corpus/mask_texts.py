"""Which texts of an example are masked, and the example that is made of them again.

list_open_texts(example, task) -> [Job("Pt: Maria Keller"), …];  rebuild_example(example, masked, …) -> Example
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from nichetune.core.records import Example, Expected
from nichetune.core.settings import TaskSettings
from nichetune.corpus.masker import Job, Masked
from nichetune.corpus.quoting import Quotable

# An id that could hold a name or an address: `int-0007` cannot.
_TELLING = re.compile(r"[\s@,]|[a-z][A-Z]")


def is_telling(name: str) -> bool:
    """Whether an id or a group could hold something personal."""
    return _TELLING.search(name) is not None


def list_open_texts(example: Example, task: TaskSettings) -> list[Job]:
    """All texts of an example that may name somebody: turns, open answers, steps, open fields."""
    expected = example.expected
    texts = [Job(message.content) for message in example.messages]
    if expected.answer is not None and task.kind != "choice":
        texts.append(Job(expected.answer))
    texts += [Job(step) for step in expected.steps or []]
    fields = expected.fields or {}
    texts += [Job(value, field=name) for name, value in fields.items() if task.fields[name].values is None]
    return texts + [Job(example.rejected)] * bool(example.rejected)


def rebuild_example(
    example: Example,
    masked: Sequence[Masked],
    task: TaskSettings,
    quotable: Quotable | None,
    pseudonyms: Mapping[str, str],
) -> Example:
    """The example with its masked texts, which come in the order of `list_open_texts`."""
    texts = iter([one.text for one in masked])
    messages = [one.model_copy(update={"content": next(texts)}) for one in example.messages]
    expected = example.expected
    changes: dict[str, object] = {}
    kept: dict[str, object] = {}
    if expected.answer is not None and task.kind != "choice":
        answer = next(texts)
        quoted = _quote(expected, quotable) if quotable is not None and task.kind == "grounded" else None
        changes["answer"] = answer if quoted is None else quoted
    if expected.steps is not None:
        changes["steps"] = [next(texts) for _ in expected.steps]
    if expected.fields is not None:
        is_open = {name for name in expected.fields if task.fields[name].values is None}
        changes["fields"] = {name: next(texts) if name in is_open else v for name, v in expected.fields.items()}
    if example.rejected:
        kept["rejected"] = next(texts)
    return example.model_copy(
        update=kept
        | {
            "id": pseudonyms.get(example.id, example.id),
            "group": pseudonyms.get(example.group, example.group),
            "messages": messages,
            "expected": expected.model_copy(update=changes),
        }
    )


def _quote(expected: Expected, quotable: Quotable) -> str | None:
    """The masked words of the document that the answer quotes; None if it quotes none of its evidence."""
    if not expected.answer:
        return None
    for reference in expected.evidence:
        document = quotable.find(reference)
        start = document.original.find(expected.answer) if document else -1
        if document and start >= 0:
            return document.masked.project(start, start + len(expected.answer))
    return None
