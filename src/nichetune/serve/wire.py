"""OpenAI's shapes: a completion, the chunks of a stream, the list of models.

Reads a Prediction -> the JSON that official clients parse; what they do not know stands under `nichetune`:

    {"id": "chatcmpl-4f…", "object": "chat.completion", "model": "production", "system_fingerprint": "9f2c1b…",
     "choices": [{"index": 0, "message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}],
     "usage": {"prompt_tokens": 90, "completion_tokens": 34, "total_tokens": 124, …},
     "nichetune": {"version": "9f2c…", "rung": "qlora+rag", "task": "instruction", "abstained": false,
                   "retrieved": ["H10.82"], "citations": ["H10.82"], "parsed": true, …}}
"""

from __future__ import annotations

import json
import time
import uuid
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nichetune.core.records import Prediction
from nichetune.core.stages import short
from nichetune.registry.version import VersionInfo
from nichetune.serve.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from nichetune.serve.routing import Route

DONE = "data: [DONE]\n\n"


@dataclass(frozen=True)
class Reply:
    """What stays the same over one answer, in whatever pieces it is sent; `model` is the name that was asked for."""

    route: Route
    model: str
    unread_messages: int = 0
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def completion(self, prediction: Prediction) -> dict[str, Any]:
        """A whole answer."""
        message = {"role": "assistant", "content": prediction.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(prediction)}
        ending = {"usage": count_usage(prediction), "nichetune": self._describe(prediction)}
        return self._head("chat.completion") | {"choices": [choice]} | ending

    async def chunks(
        self, first: str | Prediction, rest: AsyncGenerator[str | Prediction], with_usage: bool
    ) -> AsyncIterator[str]:
        """A stream's events. A failure on the way is an event too, since the status has been sent."""
        async with aclosing(rest):
            yield self._event({"role": "assistant", "content": ""})
            try:
                if isinstance(first, str):
                    yield self._event({"content": first})
                    async for piece in rest:
                        if isinstance(piece, str):
                            yield self._event({"content": piece})
                        else:
                            first = piece
            except ApiError as error:
                yield _data(error.to_json())
                return
            if isinstance(first, Prediction):
                yield self._event({}, finish_reason(first), nichetune=self._describe(first))
                if with_usage:
                    yield _data(self._head("chat.completion.chunk") | {"choices": [], "usage": count_usage(first)})
            yield DONE

    def _event(self, delta: dict[str, Any], reason: str | None = None, **extra: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return _data(self._head("chat.completion.chunk") | {"choices": [choice], "usage": None} | extra)

    def _head(self, kind: str) -> dict[str, Any]:
        fingerprint = short(self.route.version.digest)
        return {
            "id": self.id, "object": kind, "created": self.created, "model": self.model,
            "system_fingerprint": fingerprint,
        }  # fmt: skip

    def _describe(self, prediction: Prediction) -> dict[str, Any]:
        described = describe_answer(self.route.version, self.route.task, prediction)
        return described | {"tenant": self.route.tenant, "unread_messages": self.unread_messages}


def describe_answer(version: VersionInfo, task: str, prediction: Prediction) -> dict[str, Any]:
    """What an answer says and where it comes from, beyond its text."""
    answer = prediction.answer
    return {
        "version": version.digest,
        "rung": version.rung,
        "task": task,
        "abstained": answer.abstain,
        "retrieved": prediction.retrieved,
        "citations": answer.citations,
        "parsed": answer.parsed,
        "fields": answer.fields,
        "steps": answer.steps,
        "answer": answer.answer,
    }


def count_usage(prediction: Prediction) -> dict[str, Any]:
    """Tokens in and out; a classical version has none."""
    return {
        "prompt_tokens": prediction.prompt_tokens,
        "completion_tokens": prediction.new_tokens,
        "total_tokens": prediction.prompt_tokens + prediction.new_tokens,
        "prompt_tokens_details": {"cached_tokens": prediction.cached_prompt_tokens},
    }


def finish_reason(prediction: Prediction) -> str:
    """`length` when the answer was cut, else `stop`."""
    return "length" if prediction.stopped == "length" else "stop"


def list_models(versions: list[VersionInfo], owner: str) -> list[dict[str, Any]]:
    """Aliases first, since those are what clients should name, then every version by its digest."""
    aliased = sorted((alias, version) for version in versions for alias in version.aliases)
    return [describe_model(name, version, owner) for name, version in aliased] + [
        describe_model(version.digest, version, owner) for version in versions
    ]


def describe_model(name: str, version: VersionInfo, owner: str) -> dict[str, Any]:
    """One entry of the list."""
    ours = {
        "version": version.digest,
        "rung": version.rung,
        "aliases": list(version.aliases),
        "tasks": list(version.candidate.tasks),
    }
    created = int(version.created.timestamp())
    return {"id": name, "object": "model", "created": created, "owned_by": owner, "nichetune": ours}


def _data(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
