"""Fair to the cheap side: an untuned rung gets the shots and the wording that the development set likes best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.train.train_tools import save_tiny

from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings import Settings
from nichetune.evaluate.candidates import describe_candidate
from nichetune.evaluate.runner import CandidateRunner, forget_engine
from nichetune.evaluate.shots import choose_shots, count_trials, list_wordings

TASK = {
    "kind": "exact", "prompt": "Say what it is called.", "short_prompt": "Name it.", "max_new_tokens": 6,
    "wordings": ["You are a clerk. Give the name."],
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A random model whose answer hangs on every word that it is told."""
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny(folder, initializer_range=0.3)
    yield folder
    forget_engine()


def _settings(base: Path, **evaluate: Any) -> Settings:
    return Settings.model_validate({
        "project": "p", "sources": [], "tasks": {"name": TASK}, "base": {"model": str(base), "dtype": "float32"},
        "evaluate": {"shots": [0, 2], "shot_choices": 1, "choice_items": 6} | evaluate,
    })  # fmt: skip


def _example(n: int, answer: str = "") -> Example:
    turn = Message(role="user", content=f"item {n} of the list")
    return Example(
        id=f"e{n}", group=f"g{n}", task="name", messages=[turn], expected=Expected(answer=answer or f"thing {n}"),
        source=Source(file="f"),
    )  # fmt: skip


def _runner(settings: Settings) -> CandidateRunner:
    return CandidateRunner(describe_candidate(settings, "fewshot", None, None), None, None)


def _say(settings: Settings, prompt: str) -> list[Example]:
    """Development items whose right answer is what the model writes when it is told `prompt` and shown nothing."""
    runner, items = _runner(settings), [_example(n) for n in range(6)]
    told = settings.tasks["name"].model_copy(update={"prompt": prompt})
    runner.candidate = runner.candidate.model_copy(update={"tasks": {"name": told}})
    return [_example(n, p.text) for n, p in enumerate(runner.answer(items))]


@pytest.mark.parametrize(
    ("name", "text"),
    [("0", TASK["prompt"]), ("0, short_prompt", TASK["short_prompt"]), ("0, wording 1", TASK["wordings"][0])],
)
def test_the_wording_that_answers_best_is_taken(tiny, name, text):
    settings = _settings(tiny)
    dev, asked = _say(settings, text), []
    choice = choose_shots(settings, _runner(settings), "name", [_example(n) for n in range(20, 30)], dev, asked.append)
    assert (choice.chosen, choice.prompt, choice.shots) == (name, text, [])
    assert choice.scores[name] == 1.0 > min(choice.scores.values())
    assert sum(asked) == count_trials(settings, "name", dev) == 4 * 6  # two numbers of shots, two more wordings


def test_no_wording_is_tried_where_the_settings_say_so_and_none_twice(tiny):
    assert list(list_wordings(_settings(tiny, wordings=False), "name")) == ["prompt"]
    twice = _settings(tiny)
    twice.tasks["name"] = twice.tasks["name"].model_copy(update={"wordings": [TASK["short_prompt"], "Other."]})
    assert list(list_wordings(twice, "name")) == ["prompt", "short_prompt", "wording 2"]
