"""Runs a candidate, whatever its rung: for the benchmark, for a chat and for the server alike.

Reads a Candidate, its adapter and its index -> Predictions, in the items' order.
"""

from __future__ import annotations

import functools
import importlib.metadata
import math
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nichetune.core.errors import UserError
from nichetune.core.files import hash_text, hash_value
from nichetune.core.records import Answer, Candidate, Example, Expected, Message, Prediction, Source
from nichetune.core.settings import REMOTE, BaseSettings, TaskSettings
from nichetune.core.tasks import cut_form, parse_answer
from nichetune.generate.prompts import candidate_prompt, retrieve_for

if TYPE_CHECKING:
    from nichetune.generate.cache import PredictionCache
    from nichetune.generate.engine import Output, Request, TransformersEngine
    from nichetune.generate.identity import Identity
    from nichetune.generate.remote import RemoteEngine
    from nichetune.retrieve.search import Hit

Done = Callable[[int], Any]


class CandidateRunner:
    """Answers with one candidate.

    Args:
        candidate: what to run.
        adapter: folder of its adapter, full weights or classical model; None for an untuned rung.
        index: folder of its index; None without retrieval.
        cache: where outputs are kept; None generates afresh.
    """

    def __init__(
        self, candidate: Candidate, adapter: Path | None, index: Path | None, device: str = "auto",
        batch_size: int = 32, cache: PredictionCache | None = None,
    ) -> None:  # fmt: skip
        self.candidate, self.adapter, self.index = candidate, adapter, index
        self.device, self.batch_size, self.cache = device, batch_size, cache

    def answer(self, items: Sequence[Example], done: Done = lambda n: None) -> list[Prediction]:
        """Predictions for the items, in their order."""
        if self.candidate.rung == "classical":
            return self._answer_classically(items, done)
        found: dict[str, Prediction] = {}
        for task in sorted({item.task for item in items}):
            own = [item for item in items if item.task == task]
            found |= {p.item: p for p in self._answer_task(task, own, done)}
        return [found[item.id] for item in items]

    def stream(
        self, item: Example, passages: dict[str, list[Hit]] | None = None
    ) -> Generator[str, None, Prediction]:  # fmt: skip
        """One answer, piece by piece; the generator returns the whole prediction.

        Args:
            passages: what `self.passages([item])` gave, should the caller need it too.
        """
        if self.candidate.rung == "classical" or self.candidate.remote:
            prediction = self.answer([item])[0]
            yield prediction.text
            return prediction
        found = self.passages([item]) if passages is None else passages
        output = yield from _strip_pieces(self.engine.stream(self._requests([item], found)[0]))
        retrieved = [hit.id for hit in found.get(item.id, [])]
        return read_output(self.candidate, item, output, retrieved, self.candidate.index_version if found else "")

    def passages(self, items: Sequence[Example]) -> dict[str, list[Hit]]:
        """What a retrieval rung looks up for the items; nothing for the others."""
        if not self.candidate.retrieval:
            return {}
        if self.index is None:
            raise UserError(f"rung {self.candidate.rung} retrieves, and there is no index: run the index stage first")
        return retrieve_for(self.candidate.tasks, items, self.index, self.candidate.k, self.candidate.max_passage_words)

    def prompt_ids(self, item: Example) -> list[int]:
        """The ids of an item's prompt, passages and all."""
        return self._requests([item], self.passages([item]))[0].ids

    def converse(self, chats: Sequence[list[Message]], max_new_tokens: int) -> list[Output]:
        """What the weights write in conversations as they stand, which hold all that is to be told."""
        from nichetune.generate.engine import Request
        from nichetune.models.templates import encode_prompt

        requests = [Request(encode_prompt(self._tokenizer, chat), max_new_tokens) for chat in chats]
        return self._generate(requests, retrieves=False, done=lambda n: None)

    @property
    def engine(self) -> TransformersEngine:
        """The engine with this candidate's weights, loaded once a process."""
        adapter = str(self.adapter) if self.adapter else ""
        c = self.candidate
        return _open_engine(c.base_model, c.base_revision, c.base_digest, c.quantisation, c.dtype, adapter,
                            c.adapter_digest, self.device, self.batch_size)  # fmt: skip

    def make_item(self, task: str, text: str, tenant: str = "default") -> Example:
        """A question of a live user as an item."""
        return Example(
            id="live", group="live", task=task, tenant=tenant, messages=[Message(role="user", content=text)],
            expected=Expected(), source=Source(file="live"),
        )  # fmt: skip

    def _answer_classically(self, items: Sequence[Example], done: Done) -> list[Prediction]:
        from nichetune.train.classical import load_classical

        if self.adapter is None:
            raise UserError("the classical rung has no model: run the train stage first")
        predictions = load_classical(self.adapter).predict(list(items))
        done(len(items))
        return predictions

    def _answer_remotely(self, items: list[Example], done: Done) -> list[Prediction]:
        from nichetune.generate.cache import ask_remote_cached
        from nichetune.generate.llamacpp import ChatRequest

        tasks = self.candidate.tasks
        requests = [
            ChatRequest(candidate_prompt(self.candidate, item, []), tasks[item.task].max_new_tokens) for item in items
        ]
        outputs = ask_remote_cached(self.cache, self.identify(), self._open_remote, requests, done)
        return [read_output(self.candidate, item, output, [], "") for item, output in zip(items, outputs, strict=True)]

    def _open_remote(self) -> RemoteEngine:
        from nichetune.generate.host import Host
        from nichetune.generate.remote import RemoteEngine

        if self.candidate.remote is None:
            raise TypeError("this candidate runs here")
        return RemoteEngine(Host.of_rung(self.candidate.rung.removeprefix(REMOTE), self.candidate.remote))

    def _answer_task(self, task: str, items: list[Example], done: Done) -> list[Prediction]:
        if self.candidate.remote:
            return self._answer_remotely(items, done)
        passages = self.passages(items)
        requests = self._requests(items, passages)
        outputs = self._generate(requests, retrieves=bool(passages), done=done)
        version = self.candidate.index_version if passages else ""
        return [
            read_output(self.candidate, item, output, [hit.id for hit in passages.get(item.id, [])], version)
            for item, output in zip(items, outputs, strict=True)
        ]

    def _requests(self, items: Sequence[Example], passages: dict[str, list[Hit]]) -> list[Request]:
        from nichetune.generate.engine import Request
        from nichetune.models.templates import encode_prompt

        tokenizer = self._tokenizer
        return [
            Request(
                encode_prompt(tokenizer, candidate_prompt(self.candidate, item, passages.get(item.id, []))),
                self.candidate.tasks[item.task].max_new_tokens,
                stop_at_brace=self.candidate.tasks[item.task].kind == "form",
            )
            for item in items
        ]

    @property
    def _tokenizer(self) -> Any:
        return _open_tokenizer(*self._place)

    @property
    def _place(self) -> tuple[str, str, str, str]:
        """Where the tokenizer stands, and what it was when the candidate was described."""
        c = self.candidate
        return c.base_model, c.base_revision, str(self.adapter or ""), c.base_digest + c.adapter_digest

    def _generate(self, requests: list[Request], retrieves: bool, done: Done) -> list[Output]:
        from nichetune.generate.cache import generate_cached

        if self.cache is None:
            return self.engine.generate(requests, done)
        return generate_cached(
            self.cache, self.identify(retrieves), lambda: self.engine, requests, self.batch_size, done
        )

    def identify(self, retrieves: bool = False) -> Identity:
        """All that decides a text besides its prompt.

        Args:
            retrieves: whether passages of the index stand in the prompts.
        """
        from nichetune.generate.identity import Identity, identify_host

        c = self.candidate
        if c.remote:
            return identify_host(c.base_digest, c.remote.seed)
        told = _describe_tokenizer(*self._place)
        return Identity(
            weights=c.base_digest, adapter=c.adapter_digest, quantisation=c.quantisation, dtype=c.dtype,
            index=c.index_version if retrieves else "", device=self.device, tokenizer=told["tokenizer"],
            template=told["template"],
            versions={p: importlib.metadata.version(p) for p in ("torch", "transformers", "peft", "bitsandbytes")},
        )  # fmt: skip


def read_output(candidate: Candidate, item: Example, output: Output, retrieved: list[str], version: str) -> Prediction:
    """A generated text as the candidate's prediction on an item; the text stays as it came."""
    return Prediction(
        item=item.id, text=output.text, answer=read_answer(candidate.tasks[item.task], output.text),
        retrieved=retrieved, prompt_tokens=output.prompt_tokens, cached_prompt_tokens=output.cached_tokens,
        new_tokens=output.new_tokens, stopped=output.stopped, index_version=version,
        confidence=None if output.logprob is None else float(f"{math.exp(min(0.0, output.logprob)):.6g}"),
    )  # fmt: skip


def read_answer(task: TaskSettings, text: str) -> Answer:
    """What a text says. A form ends with its brace, whoever wrote it: ours are stopped there, others may go on."""
    return parse_answer(task, cut_form(text) if task.kind == "form" else text)


def _strip_pieces(pieces: Generator[str, None, Output]) -> Generator[str, None, Output]:
    """The same pieces without the white space at the whole text's ends, as `generate` strips it."""
    text = ""
    while True:
        try:
            piece = next(pieces)
        except StopIteration as stop:
            output: Output = stop.value
            return output
        sent, text = text.strip(), text + piece
        yield text.strip()[len(sent) :]


_ENGINES: dict[tuple[str, ...], TransformersEngine] = {}  # at most one: rungs of the same weights follow each other


def _open_engine(
    model: str,
    revision: str,
    digest: str,
    quantisation: str,
    dtype: str,
    adapter: str,
    adapter_digest: str,
    device: str,
    batch_size: int,
) -> TransformersEngine:
    from nichetune.generate.engine import TransformersEngine
    from nichetune.models.adapters import load_with_adapter
    from nichetune.models.loading import load_base

    key = (model, revision, digest, quantisation, dtype, adapter, adapter_digest, device, str(batch_size))
    if key not in _ENGINES:
        _ENGINES.clear()  # first: two models need not be in memory at once
        base = BaseSettings(model=model, revision=revision, device=device, dtype=dtype)  # type: ignore[arg-type]
        loaded = load_with_adapter(base, quantisation, Path(adapter)) if adapter else load_base(base)
        _ENGINES[key] = TransformersEngine(loaded, batch_size)
    return _ENGINES[key]


def forget_engine() -> None:
    """Gives the loaded weights' memory back before something else needs it."""
    _ENGINES.clear()


@functools.lru_cache(maxsize=4)
def _open_tokenizer(model: str, revision: str, adapter: str, digest: str) -> Any:
    """The digest tells a folder that was written anew in this process from what stood there before."""
    from nichetune.models.loading import load_tokenizer
    from nichetune.models.packaged import resolve_model

    return load_tokenizer(Path(adapter) if adapter else resolve_model(model, revision))


@functools.lru_cache(maxsize=4)
def _describe_tokenizer(model: str, revision: str, adapter: str, digest: str) -> dict[str, str]:
    """Digests of the tokenizer's rules and of its chat template."""
    tokenizer = _open_tokenizer(model, revision, adapter, digest)
    fast = getattr(tokenizer, "backend_tokenizer", None)
    rules = fast.to_str() if fast is not None else hash_value(tokenizer.get_vocab())
    return {"tokenizer": hash_text(rules), "template": hash_text(str(tokenizer.chat_template))}
