"""What a part of a corpus is made of: how long its texts are, which answers they have, and from when they are.

cards of examples (cards.py) -> by task: counts, lengths in words, answers, months

    {"triage": {"examples": 640, "groups": 301, "words": {"shortest": 8, "median": 21, …}, "answers": {"side": {"left":
     210, "right": 198, "none": 31}}, "abstain": 31, "from": "2026-01-02", "to": "2026-04-30", "undated": 0,
     "months": {"2026-01": 170}}}

Answers are counted only where the settings list the allowed ones: whatever else is written there is somebody's text.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from nichetune.core.settings import TaskSettings
from nichetune.corpus.cards import Cards


def describe_part(places: np.ndarray, cards: Cards, tasks: Mapping[str, TaskSettings]) -> dict[str, Any]:
    """The profile of each task that has examples."""
    held = {name: _pick(places, cards, name) for name in tasks}
    return {name: _describe_task(some, cards, tasks[name]) for name, some in held.items() if len(some)}


def _pick(places: np.ndarray, cards: Cards, task: str) -> np.ndarray:
    if task not in cards.names["tasks"]:
        return places[:0]
    own: np.ndarray = places[cards.tasks[places] == cards.names["tasks"].index(task)]
    return own


def _describe_task(places: np.ndarray, cards: Cards, task: TaskSettings) -> dict[str, Any]:
    names = cards.names["dates"]
    counts = np.bincount(cards.dates[places], minlength=len(names)).tolist()
    dates = [(name, count) for name, count in zip(names, counts, strict=True) if name and count]
    months: Counter[str] = Counter()
    for name, count in dates:
        months[name[:7]] += count
    return {
        "examples": len(places),
        "groups": cards.count_groups(places),
        "words": measure_lengths(cards.words[places]),
        "answers": count_answers(places, cards, task),
        "abstain": int(cards.abstain[places].sum()),
        "from": dates[0][0] if dates else None,
        "to": dates[-1][0] if dates else None,
        "undated": len(places) - sum(count for _, count in dates),
        "months": dict(sorted(months.items())),
    }


def measure_lengths(words: np.ndarray) -> dict[str, int]:
    """Words and numbers in a text: the shortest, the middle, the longest."""
    names = {"shortest": 0.0, "p10": 0.1, "median": 0.5, "p90": 0.9, "longest": 1.0}
    return {name: int(np.quantile(words, share, method="nearest")) for name, share in names.items()}


def count_answers(places: np.ndarray, cards: Cards, task: TaskSettings) -> dict[str, dict[str, int]]:
    """How often each allowed answer is the right one; by field for a form."""
    held: dict[str, Counter[str]] = {}
    counts = np.bincount(cards.choices[places], minlength=len(cards.names["choices"])).tolist()
    for choices, count in zip(cards.names["choices"], counts, strict=True):
        for name, value in json.loads(choices).items() if count else ():
            held.setdefault(name, Counter())[value] += count
    if task.kind == "choice":
        own = held.get("answer", Counter())
        return {"answer": {value: own[value] for value in task.values or []}}
    told = {}
    for name, field in task.fields.items():
        if field.values:
            own = held.get(name, Counter())
            told[name] = {value: own[value] for value in field.values} | ({"": own[""]} if own[""] else {})
    return told
