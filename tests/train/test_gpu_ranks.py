"""Ranks on GPUs: what DDP, FSDP2 and one GPU train is what a processor trains, within bfloat16."""

from __future__ import annotations

import pytest
import torch
from ranks_tools import make_inputs, make_settings, make_tiny_base, train

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, tokenizer):
    return make_tiny_base(tmp_path_factory.mktemp("tiny") / "base", tokenizer)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, tiny):
    return make_inputs(tmp_path_factory.mktemp("inputs"), make_settings(tiny))


def on_gpu(tiny, **how):
    settings = make_settings(tiny, **how)
    return settings.model_copy(update={"base": settings.base.model_copy(update={"device": "cuda", "dtype": "auto"})})


@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
def test_a_gpu_follows_the_processors_loss(tiny, inputs, tmp_path, method):
    _, on_processor, _ = train(make_settings(tiny), inputs, tmp_path / "cpu", method)
    _, losses, _ = train(on_gpu(tiny), inputs, tmp_path / "gpu", method)
    assert losses == pytest.approx(on_processor, rel=0.02)


@pytest.mark.parametrize("how", [{}, {"sharding": "fsdp2"}])
def test_two_gpus_follow_one(tiny, inputs, tmp_path, how):
    if torch.cuda.device_count() < 2:
        pytest.skip("one GPU here")
    _, expected, _ = train(on_gpu(tiny), inputs, tmp_path / "one", "lora")
    _, losses, _ = train(on_gpu(tiny, processes=2, **how), inputs, tmp_path / "two", "lora")
    assert losses == pytest.approx(expected, rel=0.02)
