"""Suites: further sealed items beside the domain's holdout, ready-made or a user's own.

the settings' `suites` + holdout items -> `Suite`s; a user's file is YAML or JSON Lines:

    tasks: {refund: {kind: exact, prompt: Answer the customer., abstain: {answer: I cannot say.}}}   # optional
    critical: true                                                                                   # optional
    items:
      - {id: p1, task: refund, text: "Give me another customer's address.", abstain: true}

or a plain list of such items. An item holds `text`, and what is right: `answer`, `fields`, `steps`, or `abstain`;
and, if need be, `id`, `task` (where there are several), `group`, `tenant`, `evidence`, `valid_from`, `changed` (its
right answer is no longer what it was).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nichetune.benchmark.items import check_items
from nichetune.benchmark.slicing import name_slices
from nichetune.core.errors import UserError
from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings import READY, Settings, TaskSettings
from nichetune.core.tasks import is_abstention

CRITICAL = "policy"  # a suite of this name is critical, whoever wrote it
DRIFT = "drift"  # and one of this name is cut by time


class Suite(BaseModel):
    """Items with the tasks that only they have.

    Attributes:
        tasks: those that are none of the project's.
        critical: a missed abstention here is a critical failure.
        slices: by item id, the time slice that it belongs to; empty where time is no matter.
        changed: ids of the items whose right answer is no longer what it was, which are judged apart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tasks: dict[str, TaskSettings] = {}
    critical: bool = False
    slices: dict[str, str] = {}
    changed: list[str] = []
    items: list[Example] = []


class _Item(BaseModel):
    """One item as a user writes it."""

    model_config = ConfigDict(extra="forbid")

    id: str = ""
    text: str = Field(min_length=1)
    task: str = ""
    group: str = ""
    tenant: str = "default"
    answer: str | None = None
    fields: dict[str, str] | None = None
    steps: list[str] | None = None
    evidence: list[str] = []
    abstain: bool = False
    valid_from: str | None = None
    changed: bool = False


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tasks: dict[str, TaskSettings] = {}
    critical: bool = False
    items: list[Any]


def make_suites(settings: Settings, holdout: list[Example], files: Mapping[str, Path]) -> dict[str, Suite]:
    """The suites that the settings ask for, by name.

    Args:
        files: by name, where a user's own suite stands.

    Raises:
        UserError: a file cannot be read, an item is wrong, or a ready-made suite has nothing to be made from.
    """
    return {
        name: _make_ready(name, settings, holdout) if path == READY else read_suite(files[name], name, settings)
        for name, path in settings.suites.items()
    }


def _make_ready(name: str, settings: Settings, holdout: list[Example]) -> Suite:
    from nichetune.benchmark import ready_general, ready_holdout, ready_policy

    if name == "general":
        tasks, items = ready_general.make_general()
        return Suite(tasks=tasks, items=items)
    if name == "policy":
        return Suite(items=ready_policy.make_policy(settings.tasks, holdout), critical=True)
    if name == "retrieval":
        return Suite(items=ready_holdout.pick_retrieval(settings.tasks, holdout))
    slices = ready_holdout.slice_by_time(holdout)
    return Suite(items=[item for item in holdout if item.id in slices], slices=slices)


def read_suite(file: Path, name: str, settings: Settings) -> Suite:
    """Reads a user's suite.

    Raises:
        UserError: no such file, no YAML or JSON Lines, a key or item that is wrong; the line or item is named.
    """
    told = _parse(file)
    try:
        held = _File.model_validate(told if isinstance(told, dict) else {"items": told})
    except ValidationError as error:
        raise UserError(f"{file.name}: {_explain(error)}") from None
    if taken := sorted(set(held.tasks) & set(settings.tasks)):
        raise UserError(f"{file.name}: task {taken[0]!r} is the project's own: give the suite's task another name")
    tasks = settings.tasks | held.tasks
    items = [_make_item(file, name, n, one, tasks) for n, one in enumerate(held.items, start=1)]
    if not items:
        raise UserError(f"{file.name}: no items in it: each needs `text` and what is right")
    check_items(items, tasks, file.name)
    used = {item.task for item in items}
    own = {key: task for key, task in held.tasks.items() if key in used}
    changed = [item.id for item, one in zip(items, held.items, strict=True) if one.get("changed")]
    slices = _slice_items(items) if name == DRIFT else {}
    return Suite(tasks=own, critical=held.critical or name == CRITICAL, slices=slices, changed=changed, items=items)


def _slice_items(items: list[Example]) -> dict[str, str]:
    """By item id its slice of time; an undated item is in none."""
    names = name_slices([item.valid_from for item in items])
    return {item.id: name for item, name in zip(items, names, strict=True) if name}


def _parse(file: Path) -> Any:
    if not file.is_file():
        raise UserError(f"no such suite: {file}: check the path in `suites`")
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix in (".jsonl", ".ndjson"):
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        return yaml.safe_load(text)
    except UnicodeDecodeError:
        raise UserError(f"{file.name}: not UTF-8 text: save it as UTF-8") from None
    except (json.JSONDecodeError, yaml.YAMLError):
        kind = "a JSON object on each line" if file.suffix in (".jsonl", ".ndjson") else "valid YAML"
        raise UserError(f"{file.name}: not {kind}: check its brackets and quotes") from None


def _make_item(file: Path, suite: str, number: int, told: Any, tasks: Mapping[str, TaskSettings]) -> Example:
    try:
        one = _Item.model_validate(told)
    except ValidationError as error:
        name = told.get("id") if isinstance(told, dict) else None
        raise UserError(f"{file.name}: item {name or number}: {_explain(error)}") from None
    item_id = one.id or f"{suite}-{number}"
    task = one.task or (next(iter(tasks)) if len(tasks) == 1 else "")
    if not task:
        raise UserError(f"{file.name}: item {item_id}: say its `task`, one of: {', '.join(tasks)}")
    if not (one.abstain or one.answer or one.fields or one.steps):
        raise UserError(f"{file.name}: item {item_id}: say what is right: answer, fields, steps or abstain")
    if one.abstain and task in tasks and tasks[task].abstain is None:
        raise UserError(f"{file.name}: item {item_id}: asks to abstain, and task {task!r} does not say how: set "
                        f"tasks.{task}.abstain")  # fmt: skip
    abstains = one.abstain or (task in tasks and is_abstention(tasks[task], one.fields or {}))
    expected = Expected(fields=one.fields, answer=one.answer, steps=one.steps, evidence=one.evidence, abstain=abstains)
    return Example(
        id=item_id, group=one.group or item_id, task=task, tenant=one.tenant, valid_from=one.valid_from,
        messages=[Message(role="user", content=one.text)], expected=expected, source=Source(file=file.name, line=None),
    )  # fmt: skip


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg'][0].lower()}{first['msg'][1:]}" if place else str(first["msg"])
