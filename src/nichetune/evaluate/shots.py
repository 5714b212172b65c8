"""Chooses, on the development set, which solved examples an untuned rung is shown, and how it is told: no straw men.

Reads split/train.jsonl (where shots come from) and split/dev.jsonl (where they are judged) -> shots and wording by
task, and what every choice scored:

    {"triage": {"0": 0.0, "4/0": 0.04, "4/1": 0.08, "8/0": 0.13, "8/1": 0.08, "8/0, short_prompt": 0.17},
     "chosen": "8/0, short_prompt"}

Shots are chosen under the task's `prompt`, then the other wordings are tried with them: every pair of the two would
cost as many answers as there are shots times wordings.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nichetune.core.records import Candidate, Example, Shot
from nichetune.core.settings import PRIMARY_METRICS, Settings
from nichetune.core.tasks import render_answer
from nichetune.evaluate.runner import CandidateRunner
from nichetune.evaluate.scoring import score_item
from nichetune.generate.prompts import make_shot


@dataclass(frozen=True)
class ShotChoice:
    """The shots and the wording chosen for a task, and the mean primary metric that each choice reached."""

    shots: list[Shot]
    prompt: str
    scores: dict[str, float]
    chosen: str


def choose_shots(
    settings: Settings, runner: CandidateRunner, task: str, train: list[Example], dev: list[Example], done: Any
) -> ShotChoice:
    """Tries every number and choice of shots for one task, then every wording with the best of them.

    Equal scores go to what gets more of a form's fields right, then to the shorter prompt, then to the first wording.
    """
    pool = [e for e in train if e.task == task]
    judged = _judged(settings, task, dev)
    options = _options(settings, runner, task, pool)
    scores: dict[str, tuple[float, float]] = {}

    def judge(name: str, prompt: str, shots: list[Shot]) -> None:
        told = settings.tasks[task].model_copy(update={"prompt": prompt})
        changed = {"shots": {task: shots}, "tasks": settings.tasks | {task: told}}
        scores[name] = _score(settings, runner, runner.candidate.model_copy(update=changed), judged)
        done(len(judged))

    usual, *others = list_wordings(settings, task).items()
    for name, shots in options.items():
        judge(name, usual[1], shots)
    best = chosen = max(options, key=lambda name: (*scores[name], -len(options[name])))
    prompt = usual[1]
    for wording, text in others:
        judge(name := f"{best}, {wording}", text, options[best])
        if scores[name] > scores[chosen]:
            chosen, prompt = name, text
    return ShotChoice(options[best], prompt, {name: primary for name, (primary, _) in scores.items()}, chosen)


def list_wordings(settings: Settings, task: str) -> dict[str, str]:
    """The instructions to try, by name: the task's own first."""
    own = settings.tasks[task]
    named = {"prompt": own.prompt}
    if settings.evaluate.wordings:
        named |= {"short_prompt": own.short_prompt} | {f"wording {n}": w for n, w in enumerate(own.wordings, 1)}
    told: dict[str, str] = {}
    for name, text in named.items():
        if name == "prompt" or (text and text not in told.values()):
            told[name] = text
    return told


def count_trials(settings: Settings, task: str, dev: list[Example]) -> int:
    """How many answers `choose_shots` will ask for."""
    numbers = settings.evaluate.shots
    choices = sum(settings.evaluate.shot_choices if n else 1 for n in numbers)
    choices += len(list_wordings(settings, task)) - 1
    return choices * len(_judged(settings, task, dev))


def _judged(settings: Settings, task: str, dev: list[Example]) -> list[Example]:
    own = sorted((e for e in dev if e.task == task), key=lambda e: e.id)
    random.Random(settings.seed).shuffle(own)
    return own[: settings.evaluate.choice_items]


def _options(settings: Settings, runner: CandidateRunner, task: str, pool: list[Example]) -> dict[str, list[Shot]]:
    options: dict[str, list[Shot]] = {}
    for number in settings.evaluate.shots:
        if number == 0:
            options["0"] = []
        for choice in range(settings.evaluate.shot_choices if number else 0):
            picked = _spread(settings, task, pool, number, settings.seed + choice)
            passages = runner.passages(picked)
            options[f"{number}/{choice}"] = [make_shot(settings.tasks[task], e, passages.get(e.id, [])) for e in picked]
    return options


def _spread(settings: Settings, task: str, pool: Sequence[Example], number: int, seed: int) -> list[Example]:
    """Examples whose answers differ: closed values are covered before any is shown twice."""
    shuffled = sorted(pool, key=lambda e: e.id)
    random.Random(seed).shuffle(shuffled)
    seen: dict[str, int] = {}
    picked: list[Example] = []
    while shuffled and len(picked) < number:
        best = min(shuffled, key=lambda e: sum(seen.get(v, 0) for v in _values(settings, task, e)))
        shuffled.remove(best)
        picked.append(best)
        for value in _values(settings, task, best):
            seen[value] = seen.get(value, 0) + 1
    return picked


def _values(settings: Settings, task: str, example: Example) -> list[str]:
    fields = settings.tasks[task].fields
    closed = [f"{k}={v}" for k, v in (example.expected.fields or {}).items() if k in fields and fields[k].values]
    abstains = [f"abstain={example.expected.abstain}"]
    return closed or ([render_answer(settings.tasks[task], example.expected)] if fields else abstains)


def _score(
    settings: Settings, runner: CandidateRunner, candidate: Candidate, judged: list[Example]
) -> tuple[float, float]:
    """Mean primary metric, and the mean share of fields right (the primary again for what has no fields)."""
    if not judged:
        return 0.0, 0.0
    trial = CandidateRunner(candidate, runner.adapter, runner.index, runner.device, runner.batch_size, runner.cache)
    metric = PRIMARY_METRICS[settings.tasks[judged[0].task].kind]
    scored = [
        score_item(settings.tasks[item.task], item, prediction, None)
        for item, prediction in zip(judged, trial.answer(judged), strict=True)
    ]
    primary = [scores.get(metric, 0.0) for scores in scored]
    partly = [scores.get("fields", scores.get(metric, 0.0)) for scores in scored]
    return sum(primary) / len(scored), sum(partly) / len(scored)
