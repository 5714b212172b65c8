"""What a part of a corpus is made of: how long its texts are, which answers they have, and from when they are.

examples -> by task: counts, lengths in words, answers, months

    {"triage": {"examples": 640, "groups": 301, "words": {"shortest": 8, "median": 21, …}, "answers": {"side": {"left":
     210, "right": 198, "none": 31}}, "abstain": 31, "from": "2026-01-02", "to": "2026-04-30", "undated": 0,
     "months": {"2026-01": 170}}}

Answers are counted only where the settings list the allowed ones: whatever else is written there is somebody's text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nichetune.core.records import Example
from nichetune.core.settings import TaskSettings
from nichetune.corpus.normal import normalise_text


def describe_part(examples: Sequence[Example], tasks: Mapping[str, TaskSettings]) -> dict[str, Any]:
    """The profile of each task that has examples."""
    held = {name: [one for one in examples if one.task == name] for name in tasks}
    return {name: _describe_task(some, tasks[name]) for name, some in held.items() if some}


def _describe_task(examples: Sequence[Example], task: TaskSettings) -> dict[str, Any]:
    dates = sorted(one.valid_from for one in examples if one.valid_from)
    return {
        "examples": len(examples),
        "groups": len({one.group for one in examples}),
        "words": measure_lengths([one.prompt for one in examples]),
        "answers": count_answers(examples, task),
        "abstain": sum(one.expected.abstain for one in examples),
        "from": dates[0] if dates else None,
        "to": dates[-1] if dates else None,
        "undated": len(examples) - len(dates),
        "months": dict(sorted(Counter(date[:7] for date in dates).items())),
    }


def measure_lengths(texts: Sequence[str]) -> dict[str, int]:
    """Words and numbers in a text: the shortest, the middle, the longest."""
    lengths = np.sort([len(normalise_text(text).split()) for text in texts])
    names = {"shortest": 0.0, "p10": 0.1, "median": 0.5, "p90": 0.9, "longest": 1.0}
    return {name: int(np.quantile(lengths, share, method="nearest")) for name, share in names.items()}


def count_answers(examples: Sequence[Example], task: TaskSettings) -> dict[str, dict[str, int]]:
    """How often each allowed answer is the right one; by field for a form."""
    if task.kind == "choice":
        held = Counter(one.expected.answer or "" for one in examples if not one.expected.abstain)
        return {"answer": {value: held[value] for value in task.values or []}}
    counts = {}
    for name, field in task.fields.items():
        if field.values:
            held = Counter((one.expected.fields or {}).get(name, "") for one in examples)
            counts[name] = {value: held[value] for value in field.values} | ({"": held[""]} if held[""] else {})
    return counts
