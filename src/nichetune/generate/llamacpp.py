"""A GGUF file answering in this process by llama.cpp, to see whether it says what the exported model said.

    [ChatRequest(messages=[…], max_new_tokens=56)] -> [Output(text='{"finding": …}', …)]

One request after the other, greedily. The file's own tokenizer reads the prompt, and its own template writes it,
unless another one is given: what is tried is the file as others will use it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.records import Message
from nichetune.generate.engine import Output

Render = Callable[[list[dict[str, str]]], str]


@dataclass(frozen=True)
class ChatRequest:
    """One conversation up to where the model is to answer; `stop_at_brace` cuts a form behind its closing brace."""

    messages: list[Message]
    max_new_tokens: int
    stop_at_brace: bool = False


def has_llamacpp() -> bool:
    """Whether the optional package that brings llama.cpp is installed."""
    return importlib.util.find_spec("xllamacpp") is not None


class LlamaCppEngine:
    """Answers with one GGUF file on the CPU.

    Args:
        context_tokens: the longest prompt and answer together.
        render: how a conversation becomes text; None: by the template in the file.

    Raises:
        UserError: xllamacpp is not installed.
        SystemFailure: llama.cpp cannot load the file.
    """

    def __init__(self, model: Path, context_tokens: int = 4096, render: Render | None = None) -> None:
        if not has_llamacpp():
            raise UserError("running a GGUF needs xllamacpp: pip install 'nichetune[export]'")
        import xllamacpp

        self._render = render
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_ctx, params.n_parallel, params.n_gpu_layers = context_tokens, 1, 0
        params.warmup, params.verbosity = False, -1
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise SystemFailure(f"{model}: llama.cpp cannot load this file") from error

    def generate(self, requests: Sequence[ChatRequest], done: Callable[[int], Any] = lambda n: None) -> list[Output]:
        """Answers all requests, in their order."""
        outputs = []
        for request in requests:
            outputs.append(self._answer(request))
            done(1)
        return outputs

    def complete(self, prompt: str | list[int], max_new_tokens: int) -> dict[str, Any]:
        """llama.cpp's own answer to a text or to token ids: `content`, `tokens`, `tokens_evaluated`, `stop_type`.

        Raises:
            SystemFailure: llama.cpp refuses it, such as a prompt longer than the context.
        """
        asked = {"prompt": prompt, "n_predict": max_new_tokens, "return_tokens": True, **_GREEDY}
        return _checked(self._server.handle_completions(asked))

    def _answer(self, request: ChatRequest) -> Output:
        chat = [message.model_dump() for message in request.messages]
        if self._render is not None:
            found = self.complete(self._render(chat), request.max_new_tokens)
            text, ended = found["content"], found["stop_type"] == "eos"
            read, written = found["tokens_evaluated"], found["tokens_predicted"]
        else:
            asked = {"messages": chat, "max_tokens": request.max_new_tokens, **_GREEDY}
            found = _checked(self._server.handle_chat_completions(asked))
            choice, usage = found["choices"][0], found["usage"]
            text, ended = choice["message"]["content"], choice["finish_reason"] == "stop"
            read, written = usage["prompt_tokens"], usage["completion_tokens"]
        if request.stop_at_brace and "}" in text:
            return Output(text[: text.index("}") + 1].strip(), written, read, 0, "brace")
        return Output(text.strip(), written, read, 0, "end" if ended else "length")


_GREEDY = {"temperature": 0.0, "top_k": 1, "cache_prompt": True}


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    if "error" in found:
        raise SystemFailure(f"llama.cpp refuses a request ({found['error'].get('type', 'unknown')})")
    return found
