"""Where a judge's replies come from: an OpenAI-compatible endpoint, or the project's own base model.

conversations -> replies, each kept in the outputs' cache as it comes: a judge that goes down loses nothing
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.files import hash_value
from nichetune.core.records import Message
from nichetune.core.settings import JudgeSettings, Settings
from nichetune.evaluate.judge import Ask
from nichetune.evaluate.runner import forget_engine
from nichetune.generate.cache import PredictionCache

LOCAL = "local"
_REPLY_TOKENS = 8
_AT_ONCE = 4
Chat = list[Message]


def open_judge(settings: Settings, cache: PredictionCache) -> Ask:
    """The judge that the settings name.

    Raises:
        UserError: the key's environment variable is not set.
    """
    return _ask_local(settings) if settings.judge.url == LOCAL else _ask_remote(settings.judge, cache)


def _ask_local(settings: Settings) -> Ask:
    """The base model as it came; greedy, in one batch after the other."""

    def ask(chats: Sequence[Chat]) -> list[str]:
        from nichetune.generate.engine import Request, TransformersEngine
        from nichetune.models.loading import load_base
        from nichetune.models.templates import encode_prompt

        forget_engine()  # two models need not be in memory at once
        base = load_base(settings.base)
        engine = TransformersEngine(base, settings.generate.batch_size)
        return [one.text for one in engine.generate([
            Request(encode_prompt(base.tokenizer, chat), _REPLY_TOKENS) for chat in chats
        ])]  # fmt: skip

    return ask


def _ask_remote(judge: JudgeSettings, cache: PredictionCache) -> Ask:
    key = os.environ.get(judge.key_env, "") if judge.key_env else ""
    if judge.key_env and not key:
        raise UserError(f"judge.key_env names {judge.key_env}, which is not set: export it, or leave key_env empty")
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    def ask(chats: Sequence[Chat]) -> list[str]:
        bodies = [_write_body(judge, chat) for chat in chats]
        keys = [hash_value({"judge": judge.url, "asked": body}) for body in bodies]
        replies = {one: kept for one in keys if (kept := cache.get_text(one)) is not None}
        missing = {one: body for one, body in zip(keys, bodies, strict=True) if one not in replies}
        for one, reply in _post_all(judge, headers, missing):
            cache.put_text(one, reply)
            replies[one] = reply
        return [replies[one] for one in keys]

    return ask


def _write_body(judge: JudgeSettings, chat: Chat) -> dict[str, Any]:
    messages = [message.model_dump() for message in chat]
    return {"model": judge.model, "messages": messages, "temperature": 0, "max_tokens": _REPLY_TOKENS}


def _post_all(
    judge: JudgeSettings, headers: dict[str, str], bodies: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Replies as they come, in the order of the questions; what came before a failure has been given out."""
    import httpx

    with (
        _explain(judge),
        httpx.Client(headers=headers, timeout=judge.timeout_s) as client,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        yield from zip(bodies, pool.map(lambda body: _post(client, judge.url, body), bodies.values()), strict=True)


def _post(client: Any, url: str, body: dict[str, Any]) -> str:
    response = client.post(f"{url.rstrip('/')}/chat/completions", json=body)
    response.raise_for_status()
    return str(response.json()["choices"][0]["message"]["content"] or "")


@contextmanager
def _explain(judge: JudgeSettings) -> Iterator[None]:
    import httpx

    try:
        yield
    except httpx.HTTPStatusError as error:
        raise SystemFailure(
            f"the judge at {judge.url} refuses (HTTP {error.response.status_code}): mend it and run the same command "
            "again, its replies so far are kept"
        ) from error
    except httpx.TransportError as error:
        raise SystemFailure(
            f"the judge at {judge.url} does not answer ({type(error).__name__}): start it and run the same command "
            "again, its replies so far are kept"
        ) from error
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise SystemFailure(f"the judge at {judge.url} does not speak OpenAI's chat API: check judge.url") from error
