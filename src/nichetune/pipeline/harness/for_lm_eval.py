"""The side of lm-evaluation-harness: items as a data set, and what is called with each answer."""

from __future__ import annotations

import json
from typing import Any

from datasets import Dataset

from nichetune.pipeline.harness.answers import read_items, score_text


def load(task: str, **_: Any) -> dict[str, Dataset]:
    """The items of a task: system prompt, the user's turn, the answer wanted, and the line as JSON."""
    return {"test": Dataset.from_list([_make_row(line) for line in read_items(task)])}


def _make_row(line: dict[str, Any]) -> dict[str, str]:
    messages = line["messages"]
    return {
        "id": line["id"],
        "system": messages[0]["content"],
        "user": messages[-1]["content"],
        "target": line["target"],
        "line": json.dumps(line, ensure_ascii=False),
    }


def process_results(doc: dict[str, str], results: list[str]) -> dict[str, float]:
    """The metrics that apply to this item: a mean is taken over the items that hold it."""
    return score_text(json.loads(doc["line"]), results[0])
