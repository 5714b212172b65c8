"""The embedded engine: greedy decoding with transformers, in batches of like lengths that share their prefix.

    [Request(ids=[1, 9690, …], max_new_tokens=96)] -> [Output(text='{"finding": …}', new_tokens=34, stopped="end")]

What all prompts of a set have in common (instruction, solved examples) is computed once. Rows that have ended leave
the batch. Decoding is greedy, so that the same prompt and weights give the same text. How sums round depends on who
else is in the batch: in float32 a token that wins by less than that is decided by its row alone (`_settle`), and so
the text does not depend on the batch. In bfloat16 and float16 rounding is too coarse for that, and it may.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from nichetune.core.tasks import cut_form
from nichetune.models.compute import copy_fast_head
from nichetune.models.loading import LoadedModel
from nichetune.models.shared_prefix import (
    CacheWindow,
    LayerCache,
    Prefix,
    causal_mask,
    common_prefix,
    compute_prefix,
    use_shared_prefix,
)
from nichetune.models.templates import end_of_turn_ids

Stopped = Literal["end", "brace", "length"]
_READ_TOKENS = 1024  # what one layer makes of them stays in a processor's cache
_FINALISTS = 8  # bfloat16 misjudges a logit by some hundredths: the true best is never far down
# A lead in float32 that rounding may turn. Measured (bench/near_ties.py, SmolLM2-135M, 724 tokens of 32 prompts): in
# batches of 1, 4, 8 and 32 a lead is off by 3.4e-5 at most from that of the row alone, 99% of them by 2.5e-5. This is
# 29 times as much, for models that are deeper or wider; 2 of 751 leads were below it, each of which costs one pass.
_NEAR_TIE = 1e-3


@dataclass(frozen=True)
class Request:
    """One prompt as ids. `stop_at_brace` ends a form at its closing brace, should the model never end its turn."""

    ids: list[int]
    max_new_tokens: int
    stop_at_brace: bool = False


@dataclass(frozen=True)
class Output:
    """What was generated for one request.

    Attributes:
        cached_tokens: of the prompt, those that came from the shared prefix.
        logprob: the sum of log p over the new tokens, the end of the turn among them, in nats: greedy decoding's own
            sequence log-probability, over the whole vocabulary. None where the engine does not tell.
    """

    text: str
    new_tokens: int
    prompt_tokens: int
    cached_tokens: int
    stopped: Stopped
    logprob: float | None = None


Keep = Callable[[dict[int, Output]], Any]


@dataclass
class _Row:
    """A row of the running batch and the answer so far."""

    place: int
    request: Request
    written: list[int] = field(default_factory=list)
    stopped: Stopped | None = None
    logprob: float = 0.0


@dataclass(frozen=True)
class _Chosen:
    """The likeliest next token of each row.

    Attributes:
        ids: [rows]; logprobs: its log-probability, [rows] in float32; leads: by how much its logit beats the
            second's, [rows].
    """

    ids: torch.Tensor
    logprobs: torch.Tensor
    leads: torch.Tensor

    @property
    def parts(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """All three."""
        return self.ids, self.logprobs, self.leads

    def keep(self, rows: torch.Tensor) -> _Chosen:
        """That of some rows."""
        return _Chosen(*(own[rows] for own in self.parts))


class TransformersEngine:
    """Generates with one loaded model."""

    name = "transformers"

    def __init__(self, loaded: LoadedModel, batch_size: int = 32) -> None:
        self.loaded, self.batch_size = loaded, batch_size
        self._decoder = loaded.model.get_decoder()
        self._head = loaded.model.get_output_embeddings()
        self._fast_head = copy_fast_head(self._head, loaded.dtype, loaded.device)
        self._ends = end_of_turn_ids(loaded.tokenizer)
        self._braces: dict[int, bool] = {}  # tokens seen so far: is there a brace in it?
        use_shared_prefix(loaded.model)
        loaded.model.eval()

    def generate(
        self, requests: Sequence[Request], done: Callable[[int], Any] = lambda n: None, keep: Keep | None = None
    ) -> list[Output]:
        """Answers all requests, in their order.

        Args:
            done: called with the number finished after each batch.
            keep: called with answers, by place, as soon as they have ended.
        """
        outputs: dict[int, Output] = {}
        for batch in plan_batches(requests, self.batch_size):
            outputs |= self._run_batch([_Row(i, requests[i]) for i in batch], keep)
            done(len(batch))
        return [outputs[i] for i in range(len(requests))]

    def stream(self, request: Request) -> Generator[str, None, Output]:
        """Answers one request piece by piece, for a person who is reading along; returns the whole output."""
        row, sent = _Row(0, request), ""
        for _ in self._steps([row], Prefix([], []), 0):
            text = self._text(row)
            if not text.endswith("\ufffd"):  # half a character: wait for the rest
                yield text[len(sent) :]
                sent = text
        rest = self._text(row)[len(sent) :]
        if rest:
            yield rest
        return self._output(row, 0)

    @torch.inference_mode()
    def score(self, prompt: list[int], continuations: Sequence[list[int]]) -> list[float]:
        """The log-probability of each continuation of a prompt, in nats, by teacher forcing."""
        device = self.loaded.device
        prefix = compute_prefix(self._decoder, prompt[:-1], device)
        rows = [prompt[-1:] + ids for ids in continuations]
        scores: list[float] = []
        for first, last in plan_reading([len(row) for row in rows]):
            own = rows[first:last]
            longest = max(len(row) for row in own)
            tokens = torch.tensor([row + [0] * (longest - len(row)) for row in own], device=device)
            real = (
                torch.arange(longest, device=device) < torch.tensor([len(row) for row in own], device=device)[:, None]
            )
            places = torch.arange(longest, device=device).expand_as(tokens) + len(prompt) - 1
            window = CacheWindow(LayerCache(len(own), longest), 0, 0)
            hidden = self._decoder(
                input_ids=tokens, attention_mask=causal_mask(longest, device, real), position_ids=places,
                past_key_values=window, use_cache=True, prefix=prefix,
            ).last_hidden_state  # fmt: skip
            logits = self._head(hidden[:, :-1]).float()  # [rows, longest - 1, vocabulary]
            at = logits.gather(2, tokens[:, 1:, None]).squeeze(2) - logits.logsumexp(dim=2)
            scores += (at * real[:, 1:]).sum(dim=1).tolist()
        return scores

    @torch.inference_mode()
    def _run_batch(self, rows: list[_Row], keep: Keep | None) -> dict[int, Output]:
        shared = common_prefix([row.request.ids for row in rows])
        prefix = compute_prefix(self._decoder, rows[0].request.ids[:shared], self.loaded.device)
        outputs: dict[int, Output] = {}
        for _ in self._steps(rows, prefix, shared):
            ended = {
                row.place: self._output(row, shared if n else 0)
                for n, row in enumerate(rows)
                if row.stopped and row.place not in outputs
            }
            outputs |= ended
            if keep and ended:
                keep(ended)
        return outputs

    @torch.inference_mode()
    def _steps(self, rows: list[_Row], prefix: Prefix, shared: int) -> Iterator[None]:
        """Decodes token by token until every row has stopped; yields after each."""
        width = max(len(row.request.ids) for row in rows) - shared
        cache = LayerCache(len(rows), width + max(row.request.max_new_tokens for row in rows))
        chosen = self._read_prompts(rows, prefix, shared, width, cache)
        device = self.loaded.device
        own = [len(row.request.ids) - shared for row in rows]
        padding = torch.arange(width, device=device) >= width - torch.tensor(own, device=device)[:, None]
        positions = torch.tensor([[len(row.request.ids)] for row in rows], device=device)  # of the token to come
        running = list(rows)
        while True:
            self._settle(running, chosen)
            self._take(running, chosen)
            yield
            alive = [n for n, row in enumerate(running) if row.stopped is None]
            if not alive:
                return
            if len(alive) < len(running):
                order = cache.keep_rows(alive)
                keep = torch.tensor(order, dtype=torch.long, device=device)
                running, chosen = [running[n] for n in order], chosen.keep(keep)
                padding, positions = padding[keep], positions[keep]
            padding = torch.cat([padding, padding.new_ones(len(running), 1)], dim=1)
            chosen = self._forward(chosen.ids[:, None], positions, padding[:, None, None, :], cache, prefix)
            cache.advance(1)
            positions = positions + 1

    def _read_prompts(self, rows: list[_Row], prefix: Prefix, shared: int, width: int, cache: LayerCache) -> _Chosen:
        """Fills the cache, a few rows of like lengths at a time, which pads little; each row's first token."""
        device = self.loaded.device
        chosen: list[_Chosen] = []
        for first, last in plan_reading([len(row.request.ids) - shared for row in rows]):
            own = [row.request.ids[shared:] for row in rows[first:last]]
            longest = max(len(ids) for ids in own)
            blank = [longest - len(ids) for ids in own]
            tokens = torch.tensor([[0] * n + ids for n, ids in zip(blank, own, strict=True)], device=device)
            places = torch.arange(longest, device=device) - torch.tensor(blank, device=device)[:, None]
            mask = causal_mask(longest, device, places >= 0)
            window = CacheWindow(cache, first, width - longest)
            chosen.append(self._forward(tokens, places.clamp(min=0) + shared, mask, window, prefix))
        cache.advance(width)
        return _Chosen(*(torch.cat(own) for own in zip(*(c.parts for c in chosen), strict=True)))

    def _forward(self, tokens: Any, positions: Any, mask: Any, cache: Any, prefix: Prefix) -> _Chosen:
        """One pass; returns the likeliest next token of each row."""
        hidden = self._decoder(
            input_ids=tokens, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
            prefix=prefix,
        ).last_hidden_state  # fmt: skip
        return self._choose(hidden[:, -1])

    def _choose(self, states: torch.Tensor) -> _Chosen:
        """The likeliest token of each row. Found in the fast format, then decided in float32 among the few best.

        Its log-probability is that of a softmax over the whole vocabulary, whose sum is taken in float32; in the fast
        format only the summands outside the few best are rough.
        """
        if self._fast_head is None:
            scores = self._head(states).float()
            top = scores.max(dim=-1)
            rest = scores.scatter_(1, top.indices[:, None], -torch.inf)
            leads = top.values - rest.amax(dim=-1)
            logprobs = -rest.sub_(top.values[:, None]).exp_().sum(dim=-1).log1p()
            return _Chosen(top.indices, logprobs, leads)
        rough = torch.nn.functional.linear(states.to(self._fast_head.dtype), self._fast_head)  # [rows, vocabulary]
        few = rough.topk(min(_FINALISTS, rough.shape[-1])).indices
        logits = (self._head.weight[few] @ states[:, :, None]).squeeze(-1)  # [rows, finalists]
        top = logits.topk(2)
        best = top.values[:, :1]
        rest = rough.float().scatter_(1, few, -torch.inf).sub_(best).exp_().sum(dim=-1)
        logprobs = -(rest + (logits - best).exp().sum(dim=-1)).log()
        return _Chosen(few.gather(1, top.indices[:, :1]).squeeze(1), logprobs, top.values[:, 0] - top.values[:, 1])

    def _settle(self, running: list[_Row], chosen: _Chosen) -> None:
        """Decides near ties in float32 by the row alone, so that no companion's rounding decides them."""
        if self.loaded.dtype != "float32":
            return
        for n in (chosen.leads < _NEAR_TIE).nonzero().flatten().tolist():
            ids = torch.tensor([running[n].request.ids + running[n].written], device=self.loaded.device)
            state = self._decoder(input_ids=ids, use_cache=False).last_hidden_state[:, -1]
            chosen.ids[n] = self._head(state).argmax(dim=-1)[0]

    def _take(self, running: list[_Row], chosen: _Chosen) -> None:
        for row, token, logprob in zip(running, chosen.ids.tolist(), chosen.logprobs.tolist(), strict=True):
            row.logprob += logprob
            if token in self._ends:
                row.stopped = "end"
                continue
            row.written.append(token)
            if row.request.stop_at_brace and self._closes_form(row.written):
                row.stopped = "brace"
            elif len(row.written) >= row.request.max_new_tokens:
                row.stopped = "length"

    def _closes_form(self, written: list[int]) -> bool:
        last = written[-1]
        if last not in self._braces:
            self._braces[last] = "}" in self._decode([last])
        return self._braces[last] and "}" in self._decode(written)

    def _decode(self, ids: list[int]) -> str:
        return self.loaded.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def _text(self, row: _Row) -> str:
        """The answer so far; a form ends with its brace, whatever else that token holds."""
        text = self._decode(row.written)
        return cut_form(text) if row.stopped == "brace" else text

    def _output(self, row: _Row, shared: int) -> Output:
        return Output(
            text=self._text(row).strip(), new_tokens=len(row.written) + (row.stopped == "end"),
            prompt_tokens=len(row.request.ids), cached_tokens=shared, stopped=row.stopped or "length",
            logprob=row.logprob,
        )  # fmt: skip


def plan_reading(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of rows, [first, last), whose padded tokens stay within what one pass reads; at least a row each."""
    runs: list[tuple[int, int]] = []
    first = 0
    while first < len(lengths):
        last, longest = first + 1, lengths[first]
        while last < len(lengths) and max(longest, lengths[last]) * (last + 1 - first) <= _READ_TOKENS:
            longest = max(longest, lengths[last])
            last += 1
        runs.append((first, last))
        first = last
    return runs


def plan_batches(requests: Sequence[Request], batch_size: int) -> list[list[int]]:
    """Places of the requests in batches of like lengths, longest first; the same requests give the same batches."""
    order = sorted(range(len(requests)), key=lambda i: (-len(requests[i].ids), requests[i].ids))
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
