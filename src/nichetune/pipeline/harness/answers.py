"""Scores a harness's texts as nichetune does, from the files of the export's folder.

Reads items.jsonl, tasks.json and, where answers quote documents, documents.jsonl.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from nichetune.core.records import Example, Prediction
from nichetune.core.settings import PRIMARY_METRICS, TaskSettings
from nichetune.core.tasks import cut_form, parse_answer
from nichetune.evaluate.scoring import score_item

FOLDER = Path(__file__).parents[3]  # of the export: nichetune_scorers/pipeline/harness/answers.py


def read_items(task: str) -> list[dict[str, Any]]:
    """The items of one task: `id`, `messages`, `target`, and all that scoring needs."""
    return [line for line in _read_lines("items.jsonl") if line["task"] == task]


@cache
def read_tasks() -> dict[str, TaskSettings]:
    """The tasks by name."""
    tasks = json.loads((FOLDER / "tasks.json").read_text(encoding="utf-8"))
    return {name: TaskSettings.model_validate(task) for name, task in tasks.items()}


@cache
def read_documents() -> dict[str, str] | None:
    """Text by document id, for the check of quotes; None where nothing is quoted."""
    return {d["id"]: d["text"] for d in _read_lines("documents.jsonl")} or None


def score_text(line: dict[str, Any], text: str) -> dict[str, float]:
    """All metrics of one answer that apply to its item; `success` is the task's own main one.

    Args:
        line: of items.jsonl.
        text: what the model wrote, without special tokens.
    """
    task, item = read_tasks()[line["task"]], Example.model_validate(line["item"])
    text = (cut_form(text) if task.kind == "form" else text).strip()
    prediction = Prediction(
        item=item.id, text=text, answer=parse_answer(task, text), retrieved=line["retrieved"],
        index_version=line["index_version"],
    )  # fmt: skip
    scores = score_item(task, item, prediction, read_documents())
    return scores | {"success": scores.get(PRIMARY_METRICS[task.kind], 0.0)}


def _read_lines(name: str) -> list[dict[str, Any]]:
    file = FOLDER / name
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
