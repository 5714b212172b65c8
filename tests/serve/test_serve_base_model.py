"""The gateway over a real language model: SmolLM2, whole answers, streams, and clients that go away."""

from __future__ import annotations

import urllib.request
from typing import Any

import openai
import pytest
from serve_desk import Served

QUESTION = "What is the capital of France?"


def ask(served: Served, text: str = QUESTION, task: str = "capital", **more: Any) -> Any:
    messages: Any = [{"role": "user", "content": text}]
    return served.client.chat.completions.create(model=f"{served.base.digest}:{task}", messages=messages, **more)


def test_the_base_model_answers_and_counts_its_tokens(served: Served) -> None:
    completion = ask(served)
    assert "Paris" in completion.choices[0].message.content
    usage = completion.usage
    assert usage.prompt_tokens > 10 and 0 < usage.completion_tokens <= 12
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_a_stream_comes_in_pieces_with_the_same_text_and_usage_as_the_whole_answer(served: Served) -> None:
    whole = ask(served)
    chunks = list(ask(served, stream=True, stream_options={"include_usage": True}))
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(pieces) > 1 and "".join(pieces) == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason


def test_max_tokens_shortens_an_answer_and_never_lengthens_it(served: Served) -> None:
    short = ask(served, max_tokens=2)
    assert (short.usage.completion_tokens, short.choices[0].finish_reason) == (2, "length")
    assert ask(served, max_completion_tokens=4000).usage.completion_tokens <= 12


def test_health_is_told_while_an_answer_is_being_written(served: Served) -> None:
    with ask(served, "A fox and a ship.", "story", stream=True) as stream:
        next(iter(stream))
        assert urllib.request.urlopen(f"{served.url}/healthz", timeout=5).status == 200


def test_a_client_that_goes_away_gives_up_its_turn(served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    stream = ask(served, "A fox and a ship.", "story", stream=True)
    next(iter(stream))
    stream.close()
    ask(served, max_tokens=1)
    logged = capfd.readouterr().err
    assert "answered capital" in logged and "answered story" not in logged  # its 400 tokens were not waited for


def test_a_question_longer_than_the_model_reads_is_refused(served: Served) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ask(served, "word " * 9000, stream=True)
    assert refused.value.code == "context_length_exceeded"
