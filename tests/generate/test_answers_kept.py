"""Answers are kept one by one under all that decides them, and do not depend on who else was asked."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.conftest import ROOT
from tests.tiny_models import save_tiny

from nichetune.core.settings import BaseSettings
from nichetune.generate import engine as engines
from nichetune.generate.cache import PredictionCache, generate_cached
from nichetune.generate.engine import Request, TransformersEngine, plan_batches
from nichetune.generate.identity import Identity
from nichetune.models.loading import LoadedModel, load_base

WHO = Identity(weights="b", adapter="a")


def make_requests(count: int) -> list[Request]:
    """Prompts of several lengths with answers of several lengths, so that rows end at different steps."""
    return [Request([1, 9, 8, *(100 + n * k % 900 for k in range(3 + n % 7))], 2 + n % 9) for n in range(count)]


def make_near_ties(model: torch.nn.Module) -> None:
    """Every second token becomes the twin of the one before it, all but for rounding: all choices are near ties."""
    head = model.get_output_embeddings()
    with torch.no_grad():
        weight = head.weight.clone()
        weight[1::2] = weight[0::2] * (1 + 1e-7 * torch.randn(weight[0::2].shape, generator=torch.manual_seed(3)))
        head.weight = torch.nn.Parameter(weight)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tokenizer) -> Path:
    return save_tiny(tmp_path_factory.mktemp("model") / "tiny", tokenizer, tie_word_embeddings=False)


@pytest.fixture
def loaded(folder) -> LoadedModel:
    return load_base(BaseSettings(model=str(folder), dtype="float32", device="cpu"))


def test_the_batch_does_not_decide_a_text_in_float32(loaded, monkeypatch):
    make_near_ties(loaded.model)
    requests = make_requests(70)
    texts = {size: [o.text for o in TransformersEngine(loaded, size).generate(requests)] for size in (1, 8, 64)}
    assert texts[1] == texts[8] == texts[64]
    monkeypatch.setattr(engines, "_NEAR_TIE", 0.0)  # without it, rounding decides
    assert [o.text for o in TransformersEngine(loaded, 64).generate(requests)] != texts[1]


def test_near_ties_are_decided_as_plain_greedy_decoding_decides_them(loaded):
    make_near_ties(loaded.model)
    request = make_requests(9)[8]
    ids, engine = list(request.ids), TransformersEngine(loaded)
    with torch.inference_mode():
        for _ in range(request.max_new_tokens):
            last = loaded.model(input_ids=torch.tensor([ids]), use_cache=False, logits_to_keep=1).logits[0, -1]
            ids.append(int(last.argmax()))
    output = engine.generate(make_requests(9))[8]
    assert output.text == engine._decode(ids[len(request.ids) :]).strip()


@pytest.mark.parametrize("part", [field.name for field in dataclasses.fields(Identity)])
def test_whatever_decides_a_text_decides_its_key(part):
    changed = {"seed": 1, "versions": {"torch": "9"}}.get(part, "another")
    assert dataclasses.replace(WHO, **{part: changed}).key([1]) != WHO.key([1])
    assert WHO.key([1]) != WHO.key([2])
    assert WHO.key([1]) == Identity(weights="b", adapter="a").key([1])


class Asked:
    """A real engine, and what it was asked."""

    def __init__(self, loaded: LoadedModel, size: int) -> None:
        self.engine, self.requests = TransformersEngine(loaded, size), []

    def generate(self, requests, **options):
        self.requests += requests
        return self.engine.generate(requests, **options)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.generate.test_answers_kept import *

loaded = load_base(BaseSettings(model=sys.argv[1], dtype="float32", device="cpu"))
kept = 0

def count(n):
    global kept
    kept += n
    if kept >= 9:
        os.kill(os.getpid(), signal.SIGKILL)

cache = PredictionCache(Path(sys.argv[2]))
generate_cached(cache, WHO, lambda: TransformersEngine(loaded, 8), make_requests(24), 8, count)
"""


def test_a_killed_evaluation_asks_only_the_batches_that_are_not_whole(folder, loaded, tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", KILLED, folder, tmp_path / "c.db"], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    requests, asked = make_requests(24), Asked(loaded, 8)
    outputs = generate_cached(PredictionCache(tmp_path / "c.db"), WHO, lambda: asked, requests, 8)
    _, *others = plan_batches(requests, 8)
    assert asked.requests == [requests[n] for batch in others for n in batch]
    unbroken = generate_cached(PredictionCache(tmp_path / "d.db"), WHO, lambda: asked.engine, requests, 8)
    assert outputs == unbroken == asked.engine.generate(requests)


def test_a_cut_batch_is_asked_again_whole_in_bfloat16_too(loaded, tmp_path):
    who, cache, requests = (
        dataclasses.replace(WHO, dtype="bfloat16"),
        PredictionCache(tmp_path / "c.db"),
        make_requests(8),
    )
    asked = Asked(loaded, 4)

    class Cut(Exception):
        pass

    def stop(n):
        if len(asked.requests) == 8 and n:
            raise Cut

    with pytest.raises(Cut):
        generate_cached(cache, who, lambda: asked, requests, 4, stop)
    asked.requests.clear()
    outputs = generate_cached(cache, who, lambda: asked, requests, 4)
    assert asked.requests == [requests[n] for n in plan_batches(requests, 4)[1]]
    assert outputs == asked.engine.generate(requests)


def test_equal_requests_in_another_batch_are_asked_again_and_answered_alike(loaded, tmp_path):
    asked, counted = Asked(loaded, 4), []
    requests = make_requests(2) * 2
    outputs = generate_cached(PredictionCache(tmp_path / "c.db"), WHO, lambda: asked, requests, 4, counted.append)
    assert sum(counted) == len(asked.requests) == 4
    assert [o.text for o in outputs[:2]] == [o.text for o in outputs[2:]]
