"""What the gateway refuses: always OpenAI's shape, never a traceback, never a word of the user's text."""

from __future__ import annotations

import http.client
import json
from typing import Any

import openai
import pytest
from serve_desk import RIGHT, Served

from nichetune.serve.errors import as_api_error
from nichetune.serve.schemas import MAX_BODY_BYTES, MAX_TEXT_BYTES

SECRET = "Mrs Quill, record 4711"


def post(
    served: Served, body: bytes | dict[str, Any], path: str = "/v1/chat/completions"
) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=20)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, data, {"content-type": "application/json"})
    response = connection.getresponse()
    raw = response.read()
    assert SECRET.encode() not in raw and b"Traceback" not in raw
    return response.status, json.loads(raw)["error"]


def body_with(**changed: Any) -> dict[str, Any]:
    return {"model": "production", "messages": [{"role": "user", "content": SECRET}]} | changed


@pytest.mark.parametrize("name", ["blue", "0" * 64, "nobody:triage", "a b"])
def test_an_unknown_model_is_a_404(client: openai.OpenAI, name: str) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model=name, messages=[{"role": "user", "content": RIGHT}])
    assert refused.value.code == "model_not_found" and refused.value.param == "model"


def test_an_unknown_model_cannot_be_retrieved(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("blue")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0.7), ("n", 2), ("tools", [{"type": "function"}]), ("logprobs", True), ("stop", ["."]),
        ("logit_bias", {"1": 5}), ("response_format", {"type": "json_object"}), ("presence_penalty", 1),
        ("reasoning_effort", "high"), ("temprature", 0),
    ],
)  # fmt: skip
def test_what_would_be_ignored_is_refused_by_name(served: Served, name: str, value: Any) -> None:
    status, error = post(served, body_with(**{name: value}))
    assert (status, error["code"], error["param"]) == (400, "unsupported_parameter", name)
    assert name in error["message"] and error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"messages": SECRET}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": SECRET, "content": SECRET}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": SECRET}]}]},
         "messages.0.content.0.type"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": " \n"}]}, "messages"),
        ({"messages": [{"role": "system", "content": SECRET}]}, "messages"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages.0.content"),
        ({"model": None}, "model"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"tenant": ""}, "tenant"),
        ({"stream": SECRET}, "stream"),
    ],
)  # fmt: skip
def test_a_bad_body_is_told_by_place(served: Served, changed: dict[str, Any], place: str) -> None:
    status, error = post(served, body_with(**changed))
    assert status == 400 and (error["param"] or "").startswith(place)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", SECRET.encode(), b"\xff\xfe{}", b"[" * 20_000])
def test_a_body_that_is_no_request_is_a_400(served: Served, raw: bytes) -> None:
    assert post(served, raw)[0] == 400


def test_a_field_that_nobody_knows_is_not_repeated_when_it_may_be_text(served: Served) -> None:
    assert post(served, body_with(**{SECRET: 1}))[1]["code"] == "unsupported_parameter"


def test_too_much_text_is_a_413(served: Served) -> None:
    messages = [{"role": "user", "content": "a" * (MAX_TEXT_BYTES + 1)}]
    status, error = post(served, body_with(messages=messages))
    assert (status, error["code"]) == (413, "request_too_large")


def test_a_body_that_is_far_too_large_is_not_even_read(served: Served) -> None:
    status, error = post(served, b" " * (MAX_BODY_BYTES + 1))
    assert (status, error["code"]) == (413, "request_too_large")


def test_a_body_without_a_length_is_counted_as_it_comes(served: Served) -> None:
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=20)
    pieces = (b" " * 65536 for _ in range(MAX_BODY_BYTES // 65536 + 1))
    headers = {"content-type": "application/json", "transfer-encoding": "chunked"}
    connection.request("POST", "/v1/chat/completions", pieces, headers, encode_chunked=True)
    assert connection.getresponse().status == 413


def test_unknown_tasks_and_two_different_ones_are_refused(served: Served) -> None:
    status, error = post(served, body_with(task="bake"))
    assert (status, error["code"]) == (400, "unknown_task") and "triage" in error["message"]
    assert post(served, body_with(model="production:triage", task="bake"))[0] == 400


def test_a_version_with_several_tasks_wants_one_named(served: Served) -> None:
    status, error = post(served, body_with(model=served.base.digest))
    assert (status, error["code"], error["param"]) == (400, "task_required", "task")
    assert all(name in error["message"] for name in served.base.candidate.tasks)


def test_unknown_paths_and_methods_have_the_same_shape(served: Served) -> None:
    assert post(served, {}, "/v1/embeddings") == (
        404, {"message": "Not Found", "type": "invalid_request_error", "param": None, "code": "not_found"}
    )  # fmt: skip
    assert post(served, {}, "/v1/models")[0] == 405


def test_what_nobody_foresaw_is_logged_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        told = as_api_error(error)
    logged = capsys.readouterr().err
    assert told.status == 500 and "ValueError" in told.message and "test_serve_refusals.py" in logged
    assert SECRET not in told.message and SECRET not in logged


def test_the_log_of_an_answer_holds_counts_and_no_text(served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    served.client.chat.completions.create(model="production", messages=[{"role": "user", "content": SECRET}])
    logged = "".join(capfd.readouterr())
    assert f"answered triage with {served.first.digest[:12]}" in logged and SECRET not in logged
