"""The gateway through the official client: answers, streams, the list of models, and moves of an alias."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from serve_desk import LEFT, RIGHT, SETTINGS, Served

from nichetune.core.records import Prediction
from nichetune.registry.registry import Registry
from nichetune.serve.errors import ApiError
from nichetune.serve.routing import Route
from nichetune.serve.wire import Reply


def ask(client: openai.OpenAI, text: str, model: str = "production", **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)


def read_side(completion: Any) -> str:
    return json.loads(completion.choices[0].message.content)["side"]


def test_production_answers_with_the_form_and_says_which_version_it_is(client: openai.OpenAI, served: Served) -> None:
    completion = ask(client, RIGHT)
    assert read_side(completion) == "right"
    assert (completion.object, completion.choices[0].finish_reason) == ("chat.completion", "stop")
    assert served.first.digest.startswith(completion.system_fingerprint)
    ours = completion.nichetune
    assert (ours["version"], ours["rung"], ours["task"]) == (served.first.digest, "classical", "triage")
    assert ours["parsed"] and not ours["abstained"] and ours["fields"]["side"] == "right"


def test_a_version_is_named_by_its_digest_or_the_beginning_of_it(client: openai.OpenAI, served: Served) -> None:
    for name in (served.second.digest, served.second.digest[:12], f"{served.second.digest[:12]}:triage"):
        assert ask(client, RIGHT, name).nichetune["version"] == served.second.digest


def test_a_stream_brings_the_same_text_as_the_whole_answer(client: openai.OpenAI) -> None:
    chunks = list(ask(client, LEFT, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == ask(client, LEFT).choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"} and len({chunk.id for chunk in chunks}) == 1
    assert chunks[-2].choices[0].finish_reason == "stop" and chunks[-2].nichetune["task"] == "triage"
    assert chunks[-1].usage is not None and not chunks[-1].choices


def test_a_stream_ends_as_the_protocol_says(served: Served) -> None:
    body = {"model": "production", "stream": True, "messages": [{"role": "user", "content": LEFT}]}
    request = urllib.request.Request(
        f"{served.url}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = response.read().decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""] and all(event.startswith("data: ") for event in events[:-1])


def test_a_failure_after_the_status_is_an_event_and_no_end_of_stream(served: Served) -> None:
    async def break_off() -> AsyncGenerator[str | Prediction]:
        yield "two"
        raise ApiError(500, "broken", "internal_error")

    async def collect() -> list[str]:
        reply = Reply(Route(served.first, "triage", "default"), "production")
        return [event async for event in reply.chunks("one", break_off(), with_usage=True)]

    events = asyncio.run(collect())
    assert len(events) == 4 and json.loads(events[-1].removeprefix("data: "))["error"]["code"] == "internal_error"


def test_the_last_user_turn_is_the_question_and_the_rest_is_counted(client: openai.OpenAI) -> None:
    turns: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": LEFT},
        {"role": "assistant", "content": "{}"},
        {"role": "user", "content": [{"type": "text", "text": RIGHT}]},
    ]
    completion = client.chat.completions.create(model="production", messages=turns)
    assert read_side(completion) == "right" and completion.nichetune["unread_messages"] == 3


def test_models_lists_aliases_first_and_then_every_version(client: openai.OpenAI, served: Served) -> None:
    ids = [model.id for model in client.models.list()]
    assert ids[:2] == ["candidate", "production"]
    assert {served.first.digest, served.second.digest, served.base.digest} <= set(ids[2:])
    assert client.models.retrieve("production").owned_by == SETTINGS.project


def test_promotion_and_rollback_by_another_process_are_visible_within_one_request(
    client: openai.OpenAI, served: Served
) -> None:
    elsewhere = Registry.open(served.registry.vault.folder)
    assert read_side(ask(client, RIGHT)) == "right"
    elsewhere.promote(served.second.digest, reason="a test")
    assert read_side(ask(client, RIGHT)) == "left"
    elsewhere.rollback()
    assert read_side(ask(client, RIGHT)) == "right"


def test_questions_asked_at_once_are_all_answered(client: openai.OpenAI) -> None:
    texts = [RIGHT, LEFT] * 6
    with ThreadPoolExecutor(12) as pool:
        sides = list(pool.map(lambda text: read_side(ask(client, text)), texts))
    assert sides == ["right", "left"] * 6


@pytest.mark.parametrize("harmless", [{"temperature": 0, "n": 1}, {"seed": 4, "top_p": 0.5}, {"stop": [], "user": "m"}])
def test_parameters_that_change_nothing_are_taken(client: openai.OpenAI, harmless: dict[str, Any]) -> None:
    assert read_side(ask(client, RIGHT, **harmless)) == "right"


def test_health_is_told_without_a_model(served: Served) -> None:
    with urllib.request.urlopen(f"{served.url}/healthz", timeout=10) as response:
        assert json.load(response)["status"] == "ok"
