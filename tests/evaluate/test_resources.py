"""Counted resources: the same on any machine."""

from __future__ import annotations

from nichetune.core.records import Answer, Prediction
from nichetune.evaluate.resources import count_resources, training_flops


def _prediction(prompt: int, cached: int, new: int) -> Prediction:
    return Prediction(
        item="1", text="", answer=Answer(), prompt_tokens=prompt, cached_prompt_tokens=cached, new_tokens=new
    )


def test_a_token_costs_two_operations_a_parameter_and_a_cached_one_nothing():
    resources = count_resources([_prediction(100, 60, 10), _prediction(50, 0, 5)], parameters=1000)
    assert resources.serve_flops == 2 * 1000 * (40 + 10 + 50 + 5)
    assert (resources.items, resources.prompt_tokens, resources.new_tokens) == (2, 150, 15)


def test_training_an_adapter_costs_two_thirds_of_full_tuning_and_the_adapter_on_top():
    assert training_flops("full", 1000, 0, 10) == 60_000
    assert training_flops("qlora", 1000, 50, 10) == 40_000 + 3_000
