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


@dataclass(frozen=True)
class Completion:
    """What llama.cpp wrote: the raw text, its tokens, and whether the model ended it itself."""

    text: str
    tokens: list[int]
    prompt_tokens: int
    new_tokens: int
    ended: bool


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
        import torch
        import xllamacpp

        self._render = render
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_ctx, params.n_parallel, params.n_gpu_layers = context_tokens, 1, 0
        params.warmup, params.verbosity = False, -1
        # As many as torch may use. Its threads spin while they wait: more than there are free cores stand still.
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = torch.get_num_threads()
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

    def complete(self, prompt: str | list[int], max_new_tokens: int) -> Completion:
        """llama.cpp's answer to a text, read by the file's own tokenizer, or to token ids.

        Raises:
            SystemFailure: llama.cpp refuses it, such as a prompt longer than the context.
        """
        return _read(self._server.handle_completions({"prompt": prompt, "max_tokens": max_new_tokens, **_ASKED}))

    def _answer(self, request: ChatRequest) -> Output:
        chat = [message.model_dump() for message in request.messages]
        if self._render is not None:
            found = self.complete(self._render(chat), request.max_new_tokens)
        else:
            asked = {"messages": chat, "max_tokens": request.max_new_tokens, **_ASKED}
            found = _read(self._server.handle_chat_completions(asked))
        text, stopped = found.text, "end" if found.ended else "length"
        if request.stop_at_brace and "}" in text:
            text, stopped = text[: text.index("}") + 1], "brace"
        return Output(text.strip(), found.new_tokens, found.prompt_tokens, 0, stopped)  # type: ignore[arg-type]


_ASKED = {"temperature": 0.0, "top_k": 1, "return_tokens": True, "verbose": True}  # verbose: the raw text, too


def _read(found: dict[str, Any]) -> Completion:
    if "error" in found:
        raise SystemFailure(f"llama.cpp refuses a request ({found['error'].get('type', 'unknown')})")
    raw = found["__verbose"]
    return Completion(
        text=raw["content"], tokens=raw["tokens"], prompt_tokens=raw["tokens_evaluated"],
        new_tokens=raw["tokens_predicted"], ended=raw["stop_type"] == "eos",
    )  # fmt: skip
