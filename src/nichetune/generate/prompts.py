"""What a rung is told: instruction, allowed values, solved examples, passages, and the question.

full    "Read the intake note… Answer with one JSON object… section: one of retina; middle ear; …"
short   "Fill in the triage form."      a tuned rung needs no more, and the tokens it saves are part of its gain
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from nichetune.core.records import Candidate, Example, Message, Shot
from nichetune.core.settings import Settings, TaskSettings
from nichetune.core.tasks import render_answer

if TYPE_CHECKING:
    from nichetune.retrieve.search import Hit

Style = Literal["full", "short"]


class Passage(Protocol):
    """A retrieved passage, as prompts need it."""

    @property
    def id(self) -> str: ...
    @property
    def text(self) -> str: ...


def build_prompt(
    name: str, task: TaskSettings, text: str, style: Style, shots: Sequence[Shot] = (), passages: Sequence[Passage] = ()
) -> list[Message]:
    """The conversation up to where the model is to answer."""
    messages = [Message(role="system", content=_instruct(name, task, style))]
    for shot in shots:
        messages += [Message(role="user", content=shot.prompt), Message(role="assistant", content=shot.answer)]
    return [*messages, Message(role="user", content=add_passages(text, passages))]


def add_passages(text: str, passages: Sequence[Passage]) -> str:
    """The question below its passages, each under its id."""
    if not passages:
        return text
    return "\n".join(f"[{p.id}] {p.text}" for p in passages) + f"\n\n{text}"


def make_shot(task: TaskSettings, example: Example, passages: Sequence[Passage] = ()) -> Shot:
    """A solved example as a rung would see it."""
    return Shot(prompt=add_passages(example.prompt, passages), answer=render_answer(task, example.expected))


def _instruct(name: str, task: TaskSettings, style: Style) -> str:
    if style == "short":
        return task.short_prompt or name
    return "\n".join(line for line in [task.prompt or f"Task: {name}.", *_rules(task)] if line)


def _rules(task: TaskSettings) -> list[str]:
    """The answer's form and every allowed value: an untuned rung is told all that a tuned one was taught."""
    if task.kind == "form":
        keys = ", ".join(f'"{key}"' for key in task.fields)
        lines = [f"Answer with one JSON object on one line with the keys {keys} and nothing else."]
        for key, field in task.fields.items():
            values = "; ".join(field.values) if field.values else ""
            lines.append(f"{key}: one of: {values}" if values else f"{key}: a short text")
        return lines
    if task.kind == "choice":
        return [f"Answer with one of: {'; '.join(task.values or [])}. Write nothing else."]
    if task.kind == "workflow":
        return ["Answer with the steps in order, numbered, one a line."]
    lines = []
    if task.kind == "grounded":
        lines = ['Answer with the exact words of the document in quotes, then its id in brackets: "words" [id].']
    if task.abstain and task.abstain.answer:
        lines.append(f"If there is no answer, write: {task.abstain.answer}")
    return lines


def training_chats(settings: Settings, examples: list[Example], index: Path | None) -> dict[str, list[Message]]:
    """Whole conversations by example id, with the tuned rung's short prompt and, for grounded tasks, passages."""
    passages: Mapping[str, Sequence[Passage]] = {}
    if index:
        passages = retrieve_for(settings.tasks, examples, index, settings.index.k, settings.index.max_passage_words)
    return {
        e.id: [
            *build_prompt(e.task, settings.tasks[e.task], e.prompt, "short", passages=passages.get(e.id, ())),
            Message(role="assistant", content=render_answer(settings.tasks[e.task], e.expected)),
        ]
        for e in examples
    }


def retrieve_for(
    tasks: Mapping[str, TaskSettings], examples: Sequence[Example], index: Path, k: int, max_words: int
) -> dict[str, list[Hit]]:
    """Passages for the examples whose task uses retrieval, by example id, each within its own tenant."""
    from nichetune.retrieve.passages import cut_passage
    from nichetune.retrieve.search import open_index

    found: dict[str, list[Hit]] = {}
    wanted = [e for e in examples if tasks[e.task].uses_retrieval]
    for tenant in sorted({e.tenant for e in wanted}):
        own = [e for e in wanted if e.tenant == tenant]
        for example, hits in zip(own, open_index(index).search_many([e.prompt for e in own], tenant, k), strict=True):
            found[example.id] = [replace(h, text=cut_passage(h.text, example.prompt, max_words)) for h in hits]
    return found


def candidate_prompt(candidate: Candidate, example: Example, passages: Sequence[Passage]) -> list[Message]:
    """The prompt of a candidate for one item."""
    task = candidate.tasks[example.task]
    shots = candidate.shots.get(example.task, [])
    used = passages if candidate.retrieval and task.uses_retrieval else ()
    return build_prompt(example.task, task, example.prompt, candidate.prompt_style, shots, used)
