"""Where a judge's replies come from: an OpenAI-compatible endpoint, or the project's own base model.

conversations -> replies, each kept in the outputs' cache as it comes: a judge that goes down loses nothing

Both are asked as rungs are: the endpoint by `generate/remote.py`, the base by the engine.
"""

from __future__ import annotations

from collections.abc import Sequence

from nichetune.core.records import Message
from nichetune.core.settings import LOCAL_JUDGE, JudgeSettings, Settings
from nichetune.evaluate.candidates import describe_candidate
from nichetune.evaluate.judge import Ask
from nichetune.evaluate.runner import CandidateRunner
from nichetune.generate.cache import PredictionCache, ask_remote_cached
from nichetune.generate.host import Host
from nichetune.generate.identity import identify_host, name_host

_REPLY_TOKENS = 8
Chat = list[Message]


def open_judge(settings: Settings, cache: PredictionCache) -> Ask:
    """The judge that the settings name.

    Raises:
        UserError: the key's environment variable is not set.
    """
    return _ask_local(settings, cache) if settings.judge.url == LOCAL_JUDGE else _ask_remote(settings.judge, cache)


def _ask_local(settings: Settings, cache: PredictionCache) -> Ask:
    """The base model as it came."""

    def ask(chats: Sequence[Chat]) -> list[str]:
        base = describe_candidate(settings, "base", None, None)
        runner = CandidateRunner(base, None, None, settings.base.device, settings.generate.batch_size, cache)
        return [output.text for output in runner.converse(chats, _REPLY_TOKENS)]

    return ask


def _ask_remote(judge: JudgeSettings, cache: PredictionCache) -> Ask:
    from nichetune.generate.llamacpp import ChatRequest
    from nichetune.generate.remote import RemoteEngine

    host = Host.of_judge(judge)
    host.read_key()  # a key that is missing is told before anything is asked
    who = identify_host(name_host(judge.url, judge.model))

    def ask(chats: Sequence[Chat]) -> list[str]:
        requests = [ChatRequest(chat, _REPLY_TOKENS) for chat in chats]
        return [output.text for output in ask_remote_cached(cache, who, lambda: RemoteEngine(host), requests)]

    return ask
