"""What a sweep may try: which training settings, and that every value in their ranges is one that they accept.

{"train.rnak": {"choices": [8]}} -> ("train.rnak", "sweep.space: train.rnak is no training setting; did you …")
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from nichetune.core.settings import RangeSettings, TrainSettings

PREFIX = "train."
# The method is the command's own argument; a checkpoint's time changes nothing that is learnt.
_FIXED = frozenset({"method", "checkpoint_every_s"})


def check_space(train: TrainSettings, space: Mapping[str, RangeSettings]) -> list[tuple[str, str]]:
    """Problems of a search space: the key and a line that says what to mend."""
    known = [PREFIX + name for name in TrainSettings.model_fields if name not in _FIXED]
    found = []
    for key, tried in space.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            mend = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
            found.append((key, f"sweep.space: {key} is no training setting that can be tried; {mend}"))
        elif problem := _check_values(train, key.removeprefix(PREFIX), tried):
            found.append((key, f"sweep.space.{key}: {problem}"))
    return found


def _check_values(train: TrainSettings, name: str, tried: RangeSettings) -> str:
    if tried.choices is None and not is_number(name):
        return "this setting has no range: write `choices: [..]`"
    ends = tried.choices if tried.choices is not None else [tried.low, tried.high]
    for value in ends:
        try:
            read_value(train, name, value)
        except ValidationError as error:
            return f"{value} is no value of it: {error.errors()[0]['msg'].lower()}"
    if tried.step is not None and is_whole(name) and tried.step != int(tried.step):
        return f"step {tried.step:g} leaves the whole numbers"
    return ""


def read_value(train: TrainSettings, name: str, value: Any) -> Any:
    """A value as the setting holds it: 1e-4 written as text is a number, 8.0 a whole one.

    Raises:
        ValidationError: the setting does not accept it.
    """
    return getattr(TrainSettings.model_validate(train.model_dump() | {name: value}), name)


def is_whole(name: str) -> bool:
    """Whether a training setting is a whole number."""
    kinds = _kinds(name)
    return int in kinds and float not in kinds


def is_number(name: str) -> bool:
    """Whether a training setting is a number."""
    return bool({int, float} & _kinds(name))


def _kinds(name: str) -> set[Any]:
    annotation = TrainSettings.model_fields[name].annotation
    return {annotation, *get_args(annotation)}
