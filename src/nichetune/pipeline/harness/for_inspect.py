"""The side of inspect_ai: a task of items as samples, and the scorer that reads each answer."""

from __future__ import annotations

import math
from typing import Any

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, GenerateConfig
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState, generate

from nichetune.evaluate.scoring import metric_names
from nichetune.pipeline.harness.answers import read_items, read_tasks, score_text

_TURNS = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}


def make_task(name: str, temperature: float | None) -> Task:
    """One task of the benchmark.

    Args:
        temperature: 0 for a model behind an API; None for transformers, which are told `do_sample=false`.
    """
    config = GenerateConfig(max_tokens=read_tasks()[name].max_new_tokens, temperature=temperature)
    samples = [_make_sample(line) for line in read_items(name)]
    return Task(dataset=MemoryDataset(samples, name=name), solver=generate(), scorer=score_answers(name), config=config)


def _make_sample(line: dict[str, Any]) -> Sample:
    turns: list[ChatMessage] = [_TURNS[turn["role"]](content=turn["content"]) for turn in line["messages"]]
    return Sample(id=line["id"], input=turns, target=line["target"], metadata={"line": line})


@scorer(metrics={"*": [mean(), stderr()]})
def score_answers(name: str) -> Scorer:
    """Every metric of the task; one that does not apply to an item is NaN, which inspect_ai leaves out of the mean."""
    metrics = [*metric_names(read_tasks()[name]), "success"]

    async def score(state: TaskState, target: Target) -> Score:
        text = state.output.completion
        found = score_text(state.metadata["line"], text)
        return Score(value={metric: found.get(metric, math.nan) for metric in metrics}, answer=text)

    return score
