"""The engine: the same text as plain greedy decoding, whatever the batch; it stops; the cache knows the weights."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.conftest import ROOT

from nichetune.core.records import Message
from nichetune.generate import engine as engines
from nichetune.generate.cache import PredictionCache, generate_cached
from nichetune.generate.engine import Request, TransformersEngine, plan_reading
from nichetune.generate.identity import Identity
from nichetune.models.shared_prefix import LayerCache
from nichetune.models.templates import encode_prompt

QUESTIONS = ["What is two plus two?", "Name a colour.", "Which organ do we hear with, and where does it sit?",
             "Say hello."]  # fmt: skip


@pytest.fixture(scope="module")
def engine(base):
    return TransformersEngine(base, batch_size=4)


@pytest.fixture(scope="module")
def requests(tokenizer):
    system = Message(role="system", content="Answer in one short sentence, in plain words.")
    return [Request(encode_prompt(tokenizer, [system, Message(role="user", content=q)]), 24) for q in QUESTIONS]


def greedy(engine, request):
    """Plain greedy decoding, one row, the whole sequence anew for each token: slow, and hard to get wrong."""
    ids, model = list(request.ids), engine.loaded.model
    with torch.inference_mode():
        for _ in range(request.max_new_tokens):
            token = int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
            if token in engine._ends:
                break
            ids.append(token)
    return engine._decode(ids[len(request.ids) :]).strip()


def test_a_batch_with_a_shared_prefix_says_what_plain_greedy_decoding_says(engine, requests):
    outputs = engine.generate(requests)
    assert [o.text for o in outputs] == [greedy(engine, r) for r in requests]
    assert all(o.cached_tokens > 5 for o in outputs[1:]) or sum(o.cached_tokens > 5 for o in outputs) == 3


def test_rows_that_end_one_after_another_leave_the_others_as_they_are(engine, requests):
    ends = [dataclasses.replace(r, max_new_tokens=n) for r, n in zip(requests, (3, 12, 1, 7), strict=True)]
    assert [o.text for o in engine.generate(ends)] == [greedy(engine, r) for r in ends]


def test_a_row_that_ends_gives_its_place_to_the_last_one():
    cache = LayerCache(5, 4)
    held = torch.arange(5.0)[:, None, None, None].expand(5, 2, 3, 1)
    cache.update(held, -held, 0)
    cache.advance(3)
    assert cache.keep_rows([1, 3, 4]) == [3, 1, 4]
    keys, values = cache.update(torch.full((3, 2, 1, 1), 9.0), torch.full((3, 2, 1, 1), 8.0), 0)
    assert keys[:, 1, :, 0].tolist() == [[3, 3, 3, 9], [1, 1, 1, 9], [4, 4, 4, 9]]
    assert values[:, 0, :, 0].tolist() == [[-3, -3, -3, 8], [-1, -1, -1, 8], [-4, -4, -4, 8]]


def test_generation_stops_at_the_end_of_the_turn(engine, requests):
    stopped = engine.generate([Request(requests[3].ids, 60)])[0]
    assert stopped.stopped == "end" and stopped.new_tokens < 60


def test_a_form_that_never_ends_its_turn_stops_at_its_brace(engine, tokenizer):
    chat = [Message(role="user", content='Repeat exactly: {"a": 1} and then go on with a long story about cats.')]
    output = engine.generate([Request(encode_prompt(tokenizer, chat), 60, stop_at_brace=True)])[0]
    assert output.text.count("}") <= 1
    assert output.stopped != "brace" or output.text.endswith("}")


def test_streaming_gives_the_same_text(engine, requests):
    assert "".join(engine.stream(requests[2])).strip() == engine.generate([requests[2]])[0].text


def test_the_cache_answers_only_for_the_very_weights_and_prompts(engine, requests, tmp_path):
    cache = PredictionCache(tmp_path / "c.db")
    opened = []

    def open_engine():
        opened.append(1)
        return engine

    who = Identity(weights="b", adapter="a")
    first = generate_cached(cache, who, open_engine, requests[:2], 2)
    assert generate_cached(cache, who, open_engine, requests[:2], 2) == first
    assert len(opened) == 1
    generate_cached(cache, dataclasses.replace(who, adapter="another"), open_engine, requests[:2], 2)
    assert len(opened) == 2
    cache.close()


def test_prompts_read_a_few_rows_at_a_time_give_the_same_answers(engine, requests, monkeypatch):
    assert plan_reading([900, 200, 100, 90]) == [(0, 1), (1, 4)]
    whole = engine.generate(requests)
    monkeypatch.setattr("nichetune.generate.engine._READ_TOKENS", 1)
    assert [o.text for o in engine.generate(requests)] == [o.text for o in whole]


def test_the_fast_head_chooses_what_float32_would(base, monkeypatch):
    monkeypatch.setattr("nichetune.models.compute.bfloat16_gain", lambda: 2.4)
    fast = TransformersEngine(dataclasses.replace(base, dtype="bfloat16"))
    ids = torch.tensor([fast.loaded.tokenizer("The ear has three parts: the outer, the middle and")["input_ids"]])
    with torch.inference_mode():
        states = fast.loaded.model.get_decoder()(input_ids=ids).last_hidden_state[0]
        assert fast._fast_head is not None
        assert torch.equal(fast._choose(states).ids, fast._head(states).argmax(dim=-1))


def teacher_forced(engine, request, text_ids):
    """The sum of log p of these tokens after the prompt, by one plain pass over the whole sequence.

    Normalised in float64: over 49,152 words float32 would be off by 1e-5 a token.
    """
    ids = [*request.ids, *text_ids]
    with torch.inference_mode():
        logits = engine.loaded.model(input_ids=torch.tensor([ids])).logits[0, len(request.ids) - 1 : -1]
    return logits.double().log_softmax(-1).gather(1, torch.tensor(text_ids)[:, None]).sum().item()


def test_an_output_tells_the_log_probability_that_a_teacher_forced_pass_finds(engine, requests, monkeypatch):
    kept = {}

    def keep(row, shared, own=engine._output):
        kept[row.place] = [*row.written, *([ended[row.place]] if row.stopped == "end" else [])]
        return own(row, shared)

    ended = {}
    taken = engine._take

    def take(running, chosen):
        ended.update({row.place: token for row, token in zip(running, chosen.ids.tolist(), strict=True)})
        taken(running, chosen)

    monkeypatch.setattr(engine, "_output", keep)
    monkeypatch.setattr(engine, "_take", take)
    outputs = engine.generate(requests)
    assert {o.stopped for o in outputs} <= {"end", "length"}
    for n, output in enumerate(outputs):
        assert output.logprob == pytest.approx(teacher_forced(engine, requests[n], kept[n]), abs=1e-4)
        assert output.new_tokens == len(kept[n])
        others = [kept[n], kept[n][:2], [*kept[n], 5, 6, 7]]  # of three lengths: padding must count nothing
        scored = engine.score(requests[n].ids, others)
        assert scored == pytest.approx([teacher_forced(engine, requests[n], ids) for ids in others], abs=1e-3)


def test_the_fast_heads_log_probability_is_near_that_of_float32(base, monkeypatch):
    monkeypatch.setattr("nichetune.models.compute.bfloat16_gain", lambda: 2.4)
    fast = TransformersEngine(dataclasses.replace(base, dtype="bfloat16"))
    ids = torch.tensor([fast.loaded.tokenizer("The ear has three parts: the outer, the middle and")["input_ids"]])
    with torch.inference_mode():
        states = fast.loaded.model.get_decoder()(input_ids=ids).last_hidden_state[0]
        exact = fast._head(states).log_softmax(-1).max(-1).values
        assert torch.allclose(fast._choose(states).logprobs, exact, atol=0.01)


def test_the_bound_of_near_ties_is_ten_times_what_rounding_moves(base, requests, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import near_ties

    watched = near_ties.answer(near_ties.Watched(base, 4), requests)
    alone = near_ties.read_alone(base, requests, watched.written)
    apart = [abs(lead - alone[place][0]) for place, (lead, _) in watched.seen.items()]
    assert len(apart) > 20
    assert 0 < max(apart) < engines._NEAR_TIE / 10
