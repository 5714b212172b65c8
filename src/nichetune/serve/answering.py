"""Answers questions, one at a time: a version's own runner, with the weights, prompt and index that were judged.

Reads a Question -> a Prediction, whole or piece by piece:

    Question(route=<9f2c… triage>, text="Arcus senilis, OD.") -> Prediction(text='{"finding": …}', new_tokens=34, …)

One model stands in memory, so that questions wait for one another, outside the threads: the server stays responsive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from nichetune.core.progress import say
from nichetune.core.records import Example, Prediction
from nichetune.core.settings import Settings
from nichetune.core.stages import short
from nichetune.evaluate.runner import CandidateRunner
from nichetune.registry.version import VersionInfo
from nichetune.serve.errors import ApiError, failures_told
from nichetune.serve.routing import Route

CLASSICAL = "classical"


@dataclass(frozen=True)
class Question:
    """What is to be answered by what; `token_cap` is the client's, and only ever shortens."""

    route: Route
    text: str
    token_cap: int | None = None


def open_runner(version: VersionInfo, settings: Settings, token_cap: int | None = None) -> CandidateRunner:
    """The runner of a registered version; its weights are loaded with the first question.

    Args:
        settings: where to run: device and batch size. What is run is the version's own.
    """
    candidate = version.candidate
    if token_cap is not None:
        tasks = {
            name: task.model_copy(update={"max_new_tokens": min(token_cap, task.max_new_tokens)})
            for name, task in candidate.tasks.items()
        }
        candidate = candidate.model_copy(update={"tasks": tasks})
    return CandidateRunner(
        candidate, version.adapter, version.index, settings.base.device, settings.generate.batch_size
    )


class Answering:
    """Takes questions in turn."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = asyncio.Lock()

    async def answer(self, question: Question) -> Prediction:
        """The whole answer.

        Raises:
            ApiError: the question is too long for the model, or answering failed.
        """
        async with self._turn:
            started = time.monotonic()
            prediction = await run_in_threadpool(self._answer, question)
            _note(question, prediction, time.monotonic() - started)
            return prediction

    async def stream(self, question: Question) -> AsyncGenerator[str | Prediction]:
        """The answer piece by piece, and last the prediction. Close it to give up the turn early.

        Raises:
            ApiError: as for `answer`.
        """
        async with self._turn:
            started = time.monotonic()
            pieces = await run_in_threadpool(self._open, question)
            try:
                while isinstance(piece := await run_in_threadpool(_next_piece, pieces), str):
                    if piece:
                        yield piece
            finally:
                pieces.close()
            _note(question, piece, time.monotonic() - started)
            yield piece

    def _answer(self, question: Question) -> Prediction:
        with failures_told():
            runner, item = self._prepare(question)
            return runner.answer([item])[0]

    def _open(self, question: Question) -> Generator[str, None, Prediction]:
        with failures_told():
            runner, item = self._prepare(question)
            return runner.stream(item)

    def _prepare(self, question: Question) -> tuple[CandidateRunner, Example]:
        runner = open_runner(question.route.version, self._settings, question.token_cap)
        item = runner.make_item(question.route.task, question.text, question.route.tenant)
        if runner.candidate.rung != CLASSICAL:
            _refuse_too_long(runner, item)
        return runner, item


def _next_piece(pieces: Generator[str, None, Prediction]) -> str | Prediction:
    """The next piece, or what the generator returned: StopIteration cannot cross a thread."""
    try:
        with failures_told():
            return next(pieces)
    except StopIteration as end:
        return end.value


def _refuse_too_long(runner: CandidateRunner, item: Example) -> None:
    """Positions beyond those that a model was trained on give nonsense, slowly. Passages are not counted here."""
    from nichetune.generate.prompts import candidate_prompt
    from nichetune.models.templates import encode_prompt

    loaded: Any = runner.engine.loaded
    limit = getattr(loaded.model.config, "max_position_embeddings", None)
    used = len(encode_prompt(loaded.tokenizer, candidate_prompt(runner.candidate, item, ())))
    wanted = runner.candidate.tasks[item.task].max_new_tokens
    if limit is not None and used + wanted > limit:
        message = f"messages: {used} tokens and {wanted} for the answer are more than the model's {limit}"
        raise ApiError(400, message, "context_length_exceeded", "messages")


def _note(question: Question, prediction: Prediction, seconds: float) -> None:
    """One line in the log: which version, which task, how much. Never the text."""
    counts = f"{prediction.prompt_tokens} + {prediction.new_tokens} tokens"
    say(f"answered {question.route.task} with {short(question.route.version.digest)}: {counts}, {seconds:.2f} s")
