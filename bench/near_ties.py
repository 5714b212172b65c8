"""How far the company in a batch moves a row's logits in float32: what `_NEAR_TIE` of the engine has to cover.

Paragraphs of docs/ as prompts, the embedded base model -> a table by batch size:

    python bench/near_ties.py [--prompts 32] [--tokens 24] [--sizes 1 4 8 32]

Every token of every answer is one measurement: by how much the likeliest token's logit leads the second's, and its
log-probability, in a batch and by the row alone in one pass without a cache, as the engine settles near ties. The
answers are the same at every size, or there would be nothing to compare: the engine settles what is nearer than its
bound.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from nichetune.core.records import Message
from nichetune.core.settings import BaseSettings
from nichetune.generate.engine import Request, TransformersEngine
from nichetune.models.loading import load_base
from nichetune.models.templates import encode_prompt

DOCS = Path(__file__).parents[1] / "docs"
TOLD = "You read a paragraph of a manual. Say in one sentence what a user should remember of it."
NEAR = (1e-5, 1e-4, 1e-3, 1e-2)
Place = tuple[int, int]  # request, token


class Watched(TransformersEngine):
    """The engine, noting every choice before near ties are settled."""

    seen: dict[Place, tuple[float, float]]
    written: dict[int, list[int]]

    def _settle(self, running: Any, chosen: Any) -> None:
        for row, lead, logprob in zip(running, chosen.leads.tolist(), chosen.logprobs.tolist(), strict=True):
            self.seen[row.place, len(row.written)] = lead, logprob
            self.written[row.place] = row.written  # which the engine goes on filling
        super()._settle(running, chosen)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4, 8, 32])
    options = parser.parse_args()
    loaded = load_base(BaseSettings(dtype="float32", device="cpu"))
    requests = make_requests(loaded.tokenizer, options.prompts, options.tokens)
    lengths = [len(request.ids) for request in requests]
    print(f"{len(requests)} prompts of {min(lengths)} to {max(lengths)} tokens, up to {options.tokens} new ones")
    engines = [answer(Watched(loaded, size), requests) for size in options.sizes]
    found, written = [engine.seen for engine in engines], engines[0].written
    print(f"the same answers at every size: {all(engine.written == written for engine in engines)}")
    alone = read_alone(loaded, requests, written)
    print(
        f"{'batch':>6} {'tokens':>7} {'lead: median':>13} {'99%':>9} {'most':>9} {'log p: most':>12} {'sum: most':>10}"
    )
    for size, own in zip(options.sizes, found, strict=True):
        print(f"{size:>6} {tell(own, alone)}")
    leads = torch.tensor([lead for lead, _ in alone.values()])
    print("leads below", ", ".join(f"{bound:g}: {int((leads < bound).sum())}" for bound in NEAR), f"of {len(leads)}")


def make_requests(tokenizer: Any, count: int, tokens: int) -> list[Request]:
    """Paragraphs of different lengths, drawn evenly from all pages."""
    texts = [p.strip() for page in sorted(DOCS.glob("*.md")) for p in page.read_text().split("\n\n")]
    long = [text for text in texts if len(text) > 150]
    chosen = long[:: max(1, len(long) // count)][:count]
    chats = [[Message(role="system", content=TOLD), Message(role="user", content=text[:1500])] for text in chosen]
    return [Request(encode_prompt(tokenizer, chat), tokens) for chat in chats]


def answer(engine: Watched, requests: list[Request]) -> Watched:
    """The engine, with what it saw at every token and what it answered."""
    engine.seen, engine.written = {}, {}
    engine.generate(requests)
    return engine


@torch.inference_mode()
def read_alone(loaded: Any, requests: list[Request], written: dict[int, list[int]]) -> dict[Place, tuple[float, float]]:
    """The same of each row by itself: prompt and answer in one pass."""
    seen: dict[Place, tuple[float, float]] = {}
    for place, request in enumerate(requests):
        ids = torch.tensor([request.ids + written[place]])
        logits = loaded.model(input_ids=ids, use_cache=False).logits[0, len(request.ids) - 1 :].double()
        top = logits.topk(2, dim=-1).values
        leads, logprobs = (top[:, 0] - top[:, 1]).tolist(), (top[:, 0] - logits.logsumexp(dim=-1)).tolist()
        seen |= {(place, n): one for n, one in enumerate(zip(leads, logprobs, strict=True))}
    return seen


def tell(own: dict[Place, tuple[float, float]], alone: dict[Place, tuple[float, float]]) -> str:
    """How far leads, log-probabilities and their sums over an answer lie apart."""
    both = sorted(own.keys() & alone.keys())
    apart = torch.tensor([[own[place][n] - alone[place][n] for n in (0, 1)] for place in both], dtype=torch.float64)
    rows = torch.tensor([row for row, _ in both])
    sums = torch.zeros(int(rows.max()) + 1, dtype=torch.float64).index_add(0, rows, apart[:, 1]).abs()
    leads, logprobs = apart.abs().T
    parts = leads.median(), leads.quantile(0.99), leads.max()
    told = " ".join(f"{float(one):>{width}.1e}" for one, width in zip(parts, (13, 9, 9), strict=True))
    return f"{len(both):>7} {told} {float(logprobs.max()):>12.1e} {float(sums.max()):>10.1e}"


if __name__ == "__main__":
    main()
