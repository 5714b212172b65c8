"""A conversation on the terminal with one registered version, and single answers for scripts.

Reads lines -> answers as they are written, forms as a table, quotes with the documents that they cite:

    instruction> What is coded first with rosacea conjunctivitis?
    "Code first underlying rosacea dermatitis" [H10.82]
      H10.82  Rosacea conjunctivitis
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nichetune.console.tables import form_table, render
from nichetune.core.errors import NichetuneError, UserError
from nichetune.core.records import Answer, Prediction
from nichetune.core.settings import Settings, TaskSettings
from nichetune.core.stages import short
from nichetune.registry.version import VersionInfo
from nichetune.serve.answering import open_runner
from nichetune.serve.routing import choose_task
from nichetune.serve.wire import count_usage, describe_answer

if TYPE_CHECKING:
    from nichetune.evaluate.runner import CandidateRunner

Show = Callable[..., Any]
_HELP = "/task NAME switches the task, /quit leaves"


@dataclass(frozen=True)
class _Answered:
    """An answer, and the titles of the passages that were looked up for it, by id."""

    prediction: Prediction
    titles: dict[str, str]


def chat(
    version: VersionInfo, settings: Settings, task: str = "", tenant: str = "default",
    ask: Callable[[str], str] = input, show: Show = print,
) -> None:  # fmt: skip
    """Talks until /quit, end of input or Ctrl-C.

    Args:
        task: to begin with; empty: the only one, or else the first `/task NAME` says.
        show: like `print`: a text, and `end=""` while an answer is being written.

    Raises:
        UserError: the version has no such task.
    """
    candidate = version.candidate
    chosen = choose_task(candidate, task) if task or len(candidate.tasks) == 1 else ""
    show(f"{version.rung} {short(version.digest)}, tasks: {', '.join(candidate.tasks)}. {_HELP}.")
    runner = open_runner(version, settings)
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while (line := ask(f"{chosen or 'no task'}> ").strip()) != "/quit":
            try:
                if line.startswith("/"):
                    chosen = _obey(runner, line, chosen)
                elif line:
                    _reply(runner, choose_task(candidate, chosen), tenant, line, show)
            except NichetuneError as error:
                show(str(error))
        return
    show("")  # the shell's prompt begins on a line of its own


def answer_once(
    version: VersionInfo, settings: Settings, task: str, text: str, tenant: str = "default"
) -> dict[str, Any]:
    """One answer as plain data: the server's `nichetune` part, with text, usage and the cited documents' titles.

    Raises:
        UserError: no text, no such task, or several and none named.
    """
    if not text.strip():
        raise UserError("nothing to answer: the text is empty")
    chosen = choose_task(version.candidate, task)
    answered = _answer(open_runner(version, settings), chosen, tenant, text, lambda piece: None)
    prediction = answered.prediction
    cited = {name: answered.titles.get(name) for name in prediction.answer.citations}
    described = describe_answer(version, chosen, prediction) | {"tenant": tenant, "titles": cited}
    return {"text": prediction.text, "usage": count_usage(prediction)} | described


def _obey(runner: CandidateRunner, line: str, chosen: str) -> str:
    """Carries out a command; returns the task from then on."""
    command, _, name = line.partition(" ")
    if command != "/task":
        raise UserError(f"no such command: {_HELP}")
    return choose_task(runner.candidate, name.strip()) if name.strip() else chosen


def _reply(runner: CandidateRunner, task: str, tenant: str, text: str, show: Show) -> None:
    """Answers on the screen. A form's JSON is not shown as it is written: its table says it better."""
    rule = runner.candidate.tasks[task]
    is_form = rule.kind == "form"
    answered = _answer(runner, task, tenant, text, lambda piece: None if is_form else show(piece, end="", flush=True))
    prediction = answered.prediction
    if is_form and prediction.answer.fields is not None:
        show(render(form_table(prediction.answer.fields)))
    else:
        show(prediction.text if is_form else "")
    for note in _remark(rule, prediction, answered.titles):
        show(f"  {note}")


def _answer(runner: CandidateRunner, task: str, tenant: str, text: str, write: Callable[[str], object]) -> _Answered:
    item = runner.make_item(task, text, tenant)
    passages = runner.passages([item])
    pieces = runner.stream(item, passages)
    while True:
        try:
            write(next(pieces))
        except StopIteration as end:
            return _Answered(end.value, {hit.id: hit.title for hit in passages.get(item.id, [])})


def _remark(rule: TaskSettings, prediction: Prediction, titles: dict[str, str]) -> list[str]:
    """What a reader should know beside the answer."""
    answer = prediction.answer
    notes = [f"{name}  {titles.get(name, 'not among the documents that were found')}" for name in answer.citations]
    if answer.abstain:
        notes.append(f"abstains{_say_where(rule, answer)}")
    if not answer.parsed:
        notes.append(f"not in the form of a {rule.kind} answer")
    if prediction.stopped == "length":
        notes.append(f"cut at {rule.max_new_tokens} tokens")
    return notes


def _say_where(rule: TaskSettings, answer: Answer) -> str:
    field = rule.abstain.field if rule.abstain else ""
    return f": {field} is {answer.fields[field]!r}" if field and answer.fields and field in answer.fields else ""
