"""The forecast of memory: it agrees with what others have published, and grows with what makes it grow."""

from __future__ import annotations

import pytest

from nichetune.models.machines import GIB, find_machine
from nichetune.models.memory import NESTED_SCALE_BITS, SCALE_BITS, MemoryPlan, plan_memory
from nichetune.models.shapes import find_shape, list_shapes

GPU = {"device": "cuda", "weight_bytes": 2}
FRUGAL = GPU | {"packed": True, "checkpointing": True}


def plan(name: str, method: str, batch: int = 1, length: int = 512, rank: int = 16, **how) -> MemoryPlan:
    return plan_memory(find_shape(name), method, rank, batch, length, **how)


@pytest.mark.parametrize(
    ("name", "billions"),
    [("smollm2-135m", 0.1345), ("llama-3.2-1b", 1.236), ("llama-3.1-8b", 8.03), ("llama-13b", 13.02),
     ("llama-65b", 65.3), ("qwen2.5-0.5b", 0.494)],
)  # fmt: skip
def test_known_shapes_have_the_parameters_that_their_makers_state(name, billions):
    assert find_shape(name).parameters / 1e9 == pytest.approx(billions, rel=0.005)
    assert name in list_shapes()


def test_nested_quantisation_saves_about_0_4_bit_a_parameter():
    assert pytest.approx(0.37, abs=0.01) == SCALE_BITS - NESTED_SCALE_BITS  # QLoRA paper, section 3
    shape = find_shape("llama-13b")
    plain, nested = (plan("llama-13b", "qlora", nested=nested, **FRUGAL) for nested in (False, True))
    bits = 8 * (plain.total - nested.total) / shape.linear_parameters
    assert bits == pytest.approx(0.4, abs=0.05)


def test_llama_13b_by_nested_nf4_fits_a_16_gb_t4():
    """Sequence 1,024, batch 1, accumulation 4: bitsandbytes in transformers, its notebook of 2023."""
    how = FRUGAL | {"accumulation": 4, "supervised_share": 1.0}
    free = find_machine("t4").memory_bytes
    assert plan("llama-13b", "qlora", 1, 1024, **how).total < free
    assert plan("llama-13b", "lora", 1, 1024, **(how | {"packed": False})).total > free  # 16 bits do not


def test_a_65b_model_by_qlora_fits_one_48_gb_gpu():
    """Rank 64 on all linear layers, batch 1, accumulation 16, sequence 512: Dettmers et al. 2023, appendix B."""
    how = FRUGAL | {"accumulation": 16, "supervised_share": 1.0}
    free = find_machine("a6000-48").memory_bytes
    assert plan("llama-65b", "qlora", 1, 512, rank=64, **how).total < free
    assert plan("llama-65b", "qlora", 1, 512, rank=64, **(how | {"packed": False})).total > 2 * free


def test_an_8b_model_by_qlora_takes_what_torchtune_measured():
    """7.4 GiB: Llama 3.1 8B on one RTX 4090, batch 2 of rows packed to 2,048 tokens, all of them supervised; rank 8,
    adapter and optimiser in bfloat16, flash attention, logits in chunks (torchtune's README, October 2024)."""
    how = FRUGAL | {"supervised_share": 1.0, "trained_bytes": 2}
    assert plan("llama-3.1-8b", "qlora", 2, 2048, rank=8, **how).total / GIB == pytest.approx(7.4, rel=0.1)


def test_lora_takes_about_a_third_of_full_tuning_with_adam():
    """Hu et al. 2021, section 4.2: up to two thirds less."""
    how = GPU | {"trained_bytes": 2}  # their trainings in 16 bits; ours trains full weights in 32
    full, lora = (plan("llama-3.1-8b", method, 1, 512, **how).total for method in ("full", "lora"))
    assert full / lora == pytest.approx(3, rel=0.15)


def test_what_is_kept_grows_with_batch_and_length_and_is_less_when_computed_again():
    base = plan("smollm2-135m", "lora", 2, 256)
    for more in (plan("smollm2-135m", "lora", 4, 256), plan("smollm2-135m", "lora", 2, 512)):
        assert more.total > base.total and more.activations > base.activations and more.weights == base.weights
    again = plan("smollm2-135m", "lora", 2, 256, checkpointing=True)
    assert again.activations < base.activations / 4 and again.weights == base.weights


def test_the_peak_is_at_one_moment_and_no_more_than_all_parts_together():
    full = plan("llama-3.1-8b", "full", 1, 512, **GPU)
    assert full.moment == "training" and full.total < sum(full.parts.values())
    small = plan("smollm2-135m", "qlora", 1, 64, rank=1)
    assert small.moment == "loading" and small.total == small.loading


def test_gradients_stay_while_the_next_batch_of_the_same_step_is_computed():
    one, two = (plan("smollm2-135m", "lora", 4, 256, rank=64, accumulation=n) for n in (1, 2))
    assert two.total - one.total == one.gradients


def test_packed_weights_take_a_quarter_of_16_bits():
    packed, held = (
        plan("llama-3.1-8b", "qlora", **FRUGAL),
        plan("llama-3.1-8b", "qlora", **(FRUGAL | {"packed": False})),
    )
    linear = find_shape("llama-3.1-8b").linear_parameters
    assert held.weights - packed.weights == pytest.approx(1.5 * linear, rel=1e-6)
    assert packed.constants == pytest.approx(linear * 0.127 / 8, rel=0.01) and held.constants == 0
