"""The traps of the field, each with a test that fails without its guard."""

from __future__ import annotations

import copy
import functools

import pytest
import torch
from datasets import Dataset
from trl import SFTConfig

from nichetune.core.errors import UserError
from nichetune.core.records import Message
from nichetune.core.settings import BaseSettings, TrainSettings
from nichetune.models import compute
from nichetune.models.adapters import attach_adapter, load_with_adapter
from nichetune.models.compute import frozen_linears
from nichetune.models.loading import load_base
from nichetune.models.token_tree import use_token_tree
from nichetune.train.arguments import choose_rate
from nichetune.train.batches import collate_padded, collate_tree, predicting_states
from nichetune.train.data import IGNORED, encode_examples, plan_order
from nichetune.train.trainer import SupervisedTrainer

EXACT = BaseSettings(dtype="float32")
WORDS = ["left", "right ear", "both eyes at once", "none"]


def chat(n: int) -> list[Message]:
    return [
        Message(role="system", content="Say the side."),
        Message(role="user", content=f"Note {n}: pain on the {WORDS[n % 4]}, since {n} days."),
        Message(role="assistant", content=WORDS[n % 4]),
    ]


@pytest.fixture(scope="module")
def encoded(tokenizer):
    return encode_examples(tokenizer, {str(n): chat(n) for n in range(8)}, 512, "refuse")


def train(model, tokenizer, encoded, tmp_path, batch_size: int, accumulation: int, steps: int = 2):
    rows = [encoded.examples[i] for i in plan_order([len(e.ids) for e in encoded.examples], 8, steps, 7)]
    args = SFTConfig(
        output_dir=str(tmp_path), seed=7, learning_rate=1e-2, lr_scheduler_type="constant", max_steps=steps,
        optim="sgd",  # Adam would turn the rounding of a gradient near zero into a full step
        per_device_train_batch_size=batch_size, gradient_accumulation_steps=accumulation, bf16=False, use_cpu=True,
        gradient_checkpointing=False, max_length=None, report_to="none", save_strategy="no", logging_steps=1,
        disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
    data = Dataset.from_list([{"input_ids": r.ids, "labels": r.labels} for r in rows])
    trainer = SupervisedTrainer(model=model, args=args, train_dataset=data, processing_class=tokenizer)
    trainer.train()
    return [log["loss"] for log in trainer.state.log_history if "loss" in log], trainer.model


@pytest.fixture
def fresh(base):
    """The base with a fresh adapter; the shared base itself is never touched."""

    def make(fuse: bool = True):
        own = copy.copy(base)
        own.model = copy.deepcopy(base.model)
        return attach_adapter(own, TrainSettings(rank=4, alpha=8), seed=7, fuse=fuse)

    return make


def test_accumulating_eight_single_examples_equals_one_batch_of_eight(fresh, tokenizer, encoded, tmp_path):
    ones, small = train(fresh(), tokenizer, encoded, tmp_path / "a", 1, 8)
    eight, large = train(fresh(), tokenizer, encoded, tmp_path / "b", 8, 1)
    assert ones == pytest.approx(eight, abs=2e-4)
    for a, b in zip(small.parameters(), large.parameters(), strict=True):
        assert torch.allclose(a, b, atol=2e-5)


def test_the_loss_is_that_of_the_models_own_labels(fresh, tokenizer, encoded, tmp_path):
    model = fresh()
    losses, _ = train(model, tokenizer, encoded, tmp_path, 8, 1, steps=1)
    reference = fresh()
    total = count = 0.0
    for example in encoded.examples:
        labels = torch.tensor([example.labels])
        supervised = int((labels[:, 1:] != IGNORED).sum())
        with torch.no_grad():
            loss = reference(input_ids=torch.tensor([example.ids]), labels=labels).loss
        total, count = total + float(loss) * supervised, count + supervised
    assert losses[0] == pytest.approx(total / count, abs=2e-4)


def test_a_fresh_adapter_equals_the_base(base, fresh, encoded):
    ids = torch.tensor([encoded.examples[0].ids])
    with torch.no_grad():
        assert torch.equal(fresh()(input_ids=ids).logits, base.model(input_ids=ids).logits)


def test_an_adapter_that_changes_nothing_is_refused(fresh, tokenizer, tmp_path):
    fresh().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="changes nothing"):
        load_with_adapter(EXACT, "none", tmp_path)


def test_a_loaded_adapter_answers_as_it_did_in_training_and_as_if_merged(fresh, tokenizer, encoded, tmp_path):
    _, model = train(fresh(), tokenizer, encoded, tmp_path / "t", 8, 1)
    model.save_pretrained(tmp_path / "adapter")
    tokenizer.save_pretrained(tmp_path / "adapter")
    loaded = load_with_adapter(EXACT, "none", tmp_path / "adapter").model
    ids = torch.tensor([encoded.examples[0].ids])
    with torch.no_grad():
        trained = model(input_ids=ids).logits
        assert torch.allclose(loaded(input_ids=ids).logits, trained, atol=1e-4)
        assert torch.allclose(model.merge_and_unload()(input_ids=ids).logits, trained, atol=1e-3)


def test_weights_dequantised_once_are_those_that_packed_nf4_computes_with(base):
    from bitsandbytes.functional import dequantize_4bit

    once = load_base(EXACT, "nf4")
    packed = load_base(EXACT, "nf4", packed=True)
    own, theirs = frozen_linears(once.model), dict(packed.model.named_modules())
    for name in list(own)[:7] + list(own)[-7:]:
        weight = theirs[name].weight
        assert torch.equal(own[name].weight, dequantize_4bit(weight.data, weight.quant_state).float()), name
    name = next(iter(own))
    assert not torch.equal(own[name].weight, base.model.get_submodule(name).weight)


def test_a_too_long_example_is_refused_by_its_id_or_dropped_and_counted(tokenizer):
    chats = {"fits": chat(1), "long": [*chat(2)[:1], Message(role="user", content="word " * 90), chat(2)[2]]}
    with pytest.raises(UserError, match="example long has"):
        encode_examples(tokenizer, chats, 64, "refuse")
    kept = encode_examples(tokenizer, chats, 64, "drop")
    assert [e.id for e in kept.examples] == ["fits"] and kept.dropped == {"too long": 1}


def test_every_example_supervises_its_answer_and_its_end(encoded, tokenizer):
    for example in encoded.examples:
        taught = [label for label in example.labels if label != IGNORED]
        assert taught[-1] == tokenizer.eos_token_id and len(taught) > 1


def test_a_rate_that_suits_another_method_is_said(capsys):
    assert choose_rate(TrainSettings(), "qlora") == pytest.approx(10 * choose_rate(TrainSettings(), "full"))
    choose_rate(TrainSettings(learning_rate=2e-5), "qlora")
    assert "warning: train.learning_rate 2e-05" in capsys.readouterr().err


def test_the_order_is_planned_once_and_sees_every_example_each_epoch():
    lengths = [5, 9, 7, 30, 6, 8, 31, 10]
    order = plan_order(lengths, 2, 2, 7)
    assert sorted(order[:8]) == sorted(order[8:]) == list(range(8))
    assert order == plan_order(lengths, 2, 2, 7) != plan_order(lengths, 2, 2, 8)


def test_the_fused_adapter_computes_peft_own_outputs_and_gradients(fresh, tokenizer, encoded, tmp_path):
    from nichetune.models.fused_lora import fuse_lora

    _, trained = train(fresh(fuse=False), tokenizer, encoded, tmp_path, 8, 1)  # B is no longer zero
    trained.eval()
    ids = torch.tensor([encoded.examples[0].ids])
    results = []
    for fuse in (False, True):
        if fuse:
            assert fuse_lora(trained) == 7 * trained.config.num_hidden_layers
        trained.zero_grad()
        loss = trained(input_ids=ids, labels=ids).loss
        loss.backward()
        results.append((loss.detach(), [p.grad.clone() for p in trained.parameters() if p.requires_grad]))
    assert torch.allclose(results[0][0], results[1][0], atol=1e-5)
    for plain, fused in zip(results[0][1], results[1][1], strict=True):
        assert torch.allclose(plain, fused, atol=1e-5, rtol=1e-3)


def test_layers_that_read_the_same_input_are_multiplied_as_one_and_hold_no_weight_twice(fresh):
    model = fresh()
    layer = model.get_base_model().get_decoder().layers[0]
    q, k, v, o = (getattr(layer.self_attn, name).base_layer.weight for name in ("q_proj", "k_proj", "v_proj", "o_proj"))
    gate, up = layer.mlp.gate_proj.base_layer.weight, layer.mlp.up_proj.base_layer.weight
    homes = [w.untyped_storage().data_ptr() for w in (q, k, v, o, gate, up)]
    assert homes[0] == homes[1] == homes[2] != homes[3] != homes[4] == homes[5]
    assert q.untyped_storage().nbytes() == sum(w.nbytes for w in (q, k, v))


def test_rows_that_share_no_token_in_the_tree_give_the_same_states(base, encoded):
    own = copy.deepcopy(base.model)
    assert use_token_tree(own)
    rows = [{"input_ids": e.ids, "labels": e.labels} for e in encoded.examples[:3]]
    shared, apart = collate_tree(rows), collate_tree(rows, share=False)
    assert shared["ids"].numel() < apart["ids"].numel() <= sum(len(row["input_ids"]) for row in rows)
    with torch.no_grad():
        states = [predicting_states(own.get_decoder(), batch) for batch in (shared, apart)]
    assert torch.allclose(*states, atol=1e-4)


def test_a_tree_of_tokens_gives_the_loss_and_the_gradients_of_padded_rows(fresh, encoded):
    model = fresh()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.02, generator=torch.Generator().manual_seed(1))
    rows = [{"input_ids": e.ids, "labels": e.labels} for e in encoded.examples[:5]]
    base, results = model.get_base_model(), []
    for collate in (collate_padded, collate_tree):
        if collate is collate_tree:
            assert use_token_tree(base)
        batch = collate(rows)
        logits = base.get_output_embeddings()(predicting_states(base.get_decoder(), batch))
        model.zero_grad()
        loss = torch.nn.functional.cross_entropy(logits, batch["labels"])
        loss.backward()
        results.append((loss.item(), torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])))
    assert results[0][0] == pytest.approx(results[1][0], abs=1e-5)
    assert torch.allclose(results[0][1], results[1][1], atol=1e-5, rtol=1e-3)
    assert batch["ids"].numel() < sum(len(row["input_ids"]) for row in rows) - 4 * 8  # what they share stands once


def test_a_token_tree_is_not_used_where_attention_is_of_another_kind(base):
    windowed = copy.deepcopy(base.model)
    windowed.config.sliding_window = 64
    assert not use_token_tree(windowed)


@pytest.mark.parametrize(("cap", "fits"), [(None, True), (50.0, False)])
def test_a_token_tree_is_not_used_where_scores_are_capped_however_small_they_are(cap, fits):
    from transformers import LlamaConfig, LlamaForCausalLM

    plain = LlamaConfig(
        vocab_size=97, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, attn_implementation="eager",
    )  # fmt: skip
    model = LlamaForCausalLM(plain).eval()
    attention = model.model.layers[1].self_attn
    attention.forward = functools.partial(attention.forward, softcap=cap)  # as Gemma 2 calls it
    assert use_token_tree(model) == fits


def test_a_token_tree_is_used_for_nf4_values_in_bfloat16_whose_own_noise_is_large(monkeypatch):
    monkeypatch.setattr(compute, "bfloat16_gain", lambda: 2.4)
    loaded = load_base(BaseSettings(dtype="bfloat16"), "nf4")
    assert loaded.dtype == "bfloat16"
    assert use_token_tree(loaded.model)


def test_bfloat16_weights_give_nearly_the_float32_loss_and_their_values_are_the_same_on_a_slow_machine(
    encoded, monkeypatch
):
    rows = [{"input_ids": e.ids, "labels": e.labels} for e in encoded.examples]
    losses, weights = {}, {}
    for gain in (0.1, 2.4):
        monkeypatch.setattr(compute, "bfloat16_gain", lambda gain=gain: gain)
        loaded = load_base(BaseSettings(dtype="bfloat16"), "nf4")
        batch = collate_padded(rows)
        with torch.no_grad():
            logits = loaded.model.get_output_embeddings()(predicting_states(loaded.model.get_decoder(), batch))
        losses[gain] = torch.nn.functional.cross_entropy(logits, batch["labels"]).item()
        weights[gain] = next(iter(compute.frozen_linears(loaded.model).values())).weight.data
    assert weights[0.1].dtype == torch.float32 and weights[2.4].dtype == torch.bfloat16
    assert torch.equal(weights[0.1], weights[2.4].float())
    assert losses[0.1] == pytest.approx(losses[2.4], rel=0.02)
