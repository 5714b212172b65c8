"""Section of the dataset's page on its parts: their size, balance and time, and what gain the benchmark can show.

DatasetMaterial -> one frozen record, in words and numbers ready to print
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nichetune.core.records import Example
from nichetune.decide.power import POWER, Noise, detectable_gain
from nichetune.decide.reasons import points
from nichetune.report.dataset_material import DatasetMaterial

_DISCORDANT = 0.2  # share of items on which two rungs differ, before anything was evaluated: a usual one


@dataclass(frozen=True)
class PartRow:
    """One part of one task."""

    task: str
    part: str
    examples: int
    groups: int
    words: str
    time: str


@dataclass(frozen=True)
class AnswerRow:
    """How often an allowed answer is right, in each part."""

    field: str
    value: str
    counts: list[str]


@dataclass(frozen=True)
class PowerRow:
    """What a number of sealed items can show."""

    name: str
    items: int
    groups: int
    loose: str
    tight: str


@dataclass(frozen=True)
class Splits:
    """Parts, their balance, and what the benchmark can conclude."""

    how: str
    rows: list[PartRow]
    answers: list[AnswerRow]
    months: list[AnswerRow]
    power: list[PowerRow]
    assumption: str


PARTS = ("train", "dev", "holdout")
_HOW = {
    "group": "Whole groups (what belongs together: a person, a case) were sealed by a draw that no result can move.",
    "time": "The groups with the newest examples were sealed; training ends before {cut}.",
    "both": "Groups were drawn by the salt and cut at {cut}: tested on their future, trained on the others' past.",
}


def build_splits(data: DatasetMaterial) -> Splits:
    """Counts, lengths, answers and months by part."""
    tasks = list(data.settings.tasks)
    held = [(task, part, data.profile.get(part, {}).get(task)) for task in tasks for part in PARTS]
    rows = [
        PartRow(task, part, told["examples"], told["groups"], _write_words(told["words"]), _write_time(told))
        for task, part, told in held
        if told
    ]
    how = _HOW[data.settings.split.by].format(cut=data.fact("split", "cut") or "the cut")
    assumption = (
        f"Gain found with a chance of {POWER:.0%} at alpha {data.settings.benchmark.alpha:g}, if two rungs differ on "
        f"one item in five. The first figure holds if items of one group are as different as any others, the second "
        f"if they are all alike; the truth lies between."
    )
    how += " train is what a model learns from, dev what choices are made by, holdout what is sealed to test on."
    return Splits(how, rows, _list_answers(data, tasks), _list_months(data), _list_power(data), assumption)


def _write_words(words: dict[str, int]) -> str:
    return f"{words['median']} ({words['shortest']} to {words['longest']})"


def _write_time(told: dict[str, Any]) -> str:
    if not told["from"]:
        return "no dates"
    undated = f", {told['undated']} without" if told["undated"] else ""
    return f"{told['from']} to {told['to']}{undated}"


def _list_answers(data: DatasetMaterial, tasks: Iterable[str]) -> list[AnswerRow]:
    rows = []
    for task in tasks:
        told = {part: data.profile.get(part, {}).get(task, {}) for part in PARTS}
        fields: dict[str, dict[str, None]] = {}
        for part in PARTS:
            for field, counts in told[part].get("answers", {}).items():
                fields.setdefault(field, {}).update(dict.fromkeys(counts))
        for field, values in fields.items():
            for value in values:
                counts = [told[part].get("answers", {}).get(field, {}).get(value, 0) for part in PARTS]
                rows.append(AnswerRow(f"{task}: {field}", value or "(empty)", [f"{n:,}" for n in counts]))
        if any(told[part].get("abstain") for part in PARTS):
            rows.append(AnswerRow(task, "(abstain)", [f"{told[part].get('abstain', 0):,}" for part in PARTS]))
    return rows


def _list_months(data: DatasetMaterial) -> list[AnswerRow]:
    months: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
    for part in PARTS:
        for told in data.profile.get(part, {}).values():
            months[part].update(told["months"])
    every = sorted({month for counts in months.values() for month in counts})
    return [AnswerRow("", month, [f"{months[part][month]:,}" for part in PARTS]) for month in every]


def _list_power(data: DatasetMaterial) -> list[PowerRow]:
    items = data.benchmark.items
    kinds = [("all", items), *((task, [i for i in items if i.task == task]) for task in data.settings.tasks)]
    return [_describe_power(name, some, data.benchmark.alpha) for name, some in kinds if some]


def _describe_power(name: str, items: Sequence[Example], alpha: float) -> PowerRow:
    groups = len({item.group for item in items})
    effect = len(items) / groups
    return PowerRow(
        name, len(items), groups, write_gain_at(len(items), alpha), write_gain_at(len(items), alpha, effect)
    )


def write_gain_at(n: int, alpha: float, design_effect: float = 1.0) -> str:
    """The smallest detectable gain, in points; where even all differences one way are too few, the one-way gain."""
    gain = detectable_gain(n, _DISCORDANT, alpha, POWER, Noise(design_effect))
    return "none" if gain is None else points(gain)
