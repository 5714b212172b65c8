"""Preference optimisation: from the SFT adapter, against the SFT policy, with nothing twice in memory."""

from __future__ import annotations

import gc
import math
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from preference_tools import make_pair, make_settings, ramble, write_masked, write_pairs
from transformers import LlamaConfig, LlamaForCausalLM
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, SFTConfig
from trl.experimental.orpo import ORPOTrainer

from nichetune.core.files import iter_jsonl, read_json, write_json
from nichetune.core.records import Message
from nichetune.core.settings import TrainSettings
from nichetune.models.adapters import attach_adapter, continue_adapter, load_with_adapter
from nichetune.models.loading import load_base
from nichetune.models.packaged import model_digest
from nichetune.models.token_tree import use_token_tree
from nichetune.train import preference, preference_trainer
from nichetune.train.batches import collate_padded, collate_tree
from nichetune.train.data import encode_examples
from nichetune.train.intervals import exact_interval
from nichetune.train.preference_data import add_unrelated, encode_pairs
from nichetune.train.preference_loss import log_odds, orpo_loss
from nichetune.train.preference_trainer import PairCollator, PreferenceTrainer, as_row, measure_answers
from nichetune.train.trainer import SupervisedTrainer

QUIET = {
    "bf16": False, "use_cpu": True, "gradient_checkpointing": False, "report_to": "none", "save_strategy": "no",
    "logging_steps": 1, "disable_tqdm": True, "dataloader_pin_memory": False, "seed": 7, "max_length": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def sft(tmp_path_factory):
    """The stage folder of an SFT by QLoRA that has learnt to ramble."""
    folder = tmp_path_factory.mktemp("sft")
    settings = make_settings()
    loaded = load_base(settings.base, "nf4")
    loaded.model = attach_adapter(loaded, settings.train, seed=7)
    chats = {}
    for n in range(16):
        pair = make_pair(n)
        said = Message(role="assistant", content=ramble(pair.messages[-1].content))
        chats[str(n)] = [Message(role="system", content="Say the side."), pair.messages[0], said]
    encoded = encode_examples(loaded.tokenizer, chats, 256, "refuse")
    rows = Dataset.from_list([as_row(e) for e in encoded.examples])
    args = SFTConfig(output_dir=str(folder / "work"), learning_rate=2e-3, per_device_train_batch_size=8, **QUIET)
    trainer = SupervisedTrainer(model=loaded.model, args=args, train_dataset=rows, processing_class=loaded.tokenizer)
    trainer.train()
    loaded.model.save_pretrained(folder / "adapter")
    loaded.tokenizer.save_pretrained(folder / "adapter")
    parameters = sum(p.numel() for p in loaded.model.parameters())
    facts = {"method": "qlora", "quantisation": "nf4", "dtype": "float32", "base_digest": model_digest(loaded.folder),
             "parameters": parameters, "tokens_per_epoch": 10, "epochs": 1.0, "trainable_parameters": 5}  # fmt: skip
    write_json(folder / "manifest.json", {"facts": facts})
    return folder


def move(tmp_path, sft, method: str, train: int = 8, **more):
    """Runs the stage; its report and the losses of its steps."""
    settings = make_settings(preference={"learning_rate": 2e-3, "epochs": 3.0, **more})
    inputs = {"mask": write_masked(tmp_path / "mask"), "sft": sft}
    inputs["preferences"] = write_pairs(tmp_path / "pairs", train, 6)
    out = tmp_path / "out"
    out.mkdir()
    report = preference.run(settings, inputs, out, method)
    return report, [row["loss"] for row in iter_jsonl(out / "loss.jsonl")], out


def count_models() -> int:
    gc.collect()
    return sum(type(one).__name__ == "LlamaForCausalLM" for one in gc.get_objects())


def test_dpo_starts_at_ln_2_wins_held_out_pairs_and_holds_one_base_and_one_adapter(tmp_path, sft, monkeypatch):
    before, seen = count_models(), []
    own = PreferenceTrainer.compute_loss

    def watch(self, model, inputs, *args, **kwargs):
        if not seen:
            seen.append((count_models(), set(model.peft_config), sum(p.numel() for p in model.parameters())))
        return own(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(preference_trainer.PreferenceTrainer, "compute_loss", watch)
    report, losses, out = move(tmp_path, sft, "qlora+dpo")
    assert losses[0] == pytest.approx(math.log(2), abs=1e-3) and losses[-1] < 0.6
    start = read_json(sft / "manifest.json")["facts"]
    assert seen[0] == (before + 1, {"default"}, start["parameters"])
    told = report.facts["preferences"]
    after = told["after"]["win_rate"]
    assert told["before"]["win_rate"]["value"] < 0.5 < 0.8 < after["value"] and after["n"] == 6
    assert told["won"] >= 2 and told["lost"] == 0 and after["low"] < after["value"] <= after["high"]
    assert report.facts["starts_from"] == start
    loaded = load_with_adapter(make_settings().base, "nf4", out / "adapter")  # as any adapter, and not an idle one
    assert loaded.quantisation == "nf4"


def test_a_reference_without_the_sft_adapter_would_not_start_at_ln_2(sft):
    settings = make_settings()
    base = load_base(settings.base, "nf4")
    base.model = continue_adapter(base, sft / "adapter")
    pairs = encode_pairs(settings, base.tokenizer, [make_pair(n) for n in range(4)], None).pairs
    rows = [row for pair in pairs for row in pair.rows]

    def measure():
        return measure_answers(base.model.get_base_model(), rows, collate_padded, torch.float32, 4).total.view(-1, 2)

    from peft.tuners.lora.layer import Linear

    policy = measure()
    for module in base.model.modules():
        if isinstance(module, Linear):
            module.__dict__.pop("forward", None)  # the fused pass knows no disabling
    with base.model.disable_adapter():
        wrong = measure()
    gap = 0.1 * ((policy - wrong)[:, 0] - (policy - wrong)[:, 1])
    assert abs(float(-torch.nn.functional.logsigmoid(gap).mean()) - math.log(2)) > 0.05


@pytest.mark.parametrize(("method", "first"), [("qlora+kto", 0.5), ("qlora+orpo", None)])
def test_kto_and_orpo_move_held_out_pairs_towards_the_chosen_answer(tmp_path, sft, method, first):
    report, losses, _ = move(tmp_path, sft, method)
    assert first is None or losses[0] == pytest.approx(first, abs=1e-3)
    assert losses[-1] < losses[0]
    assert report.facts["preferences"]["moved_towards_chosen"]["value"] > 0.8


@pytest.fixture
def tiny(tokenizer):
    """A small random model with an adapter, and three pairs."""
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    model = attach_adapter(
        SimpleNamespace(model=LlamaForCausalLM(config)), TrainSettings(rank=4, alpha=8), seed=7, fuse=False
    )
    pairs = encode_pairs(make_settings(), tokenizer, [make_pair(n) for n in range(3)], None).pairs
    return model, add_unrelated(pairs)


def shake(model) -> None:
    """Moves the policy off its reference."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name and ".ref." not in name:
                weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel())) * 0.3)


def our_loss(model, pairs, tokenizer, loss: str, tmp_path, collate):
    """Our loss and gradients on one batch, the reference having been measured before the policy moved."""
    base = model.get_base_model()
    if collate is collate_tree:
        assert use_token_tree(base)
    reference = measure_answers(base, [r for p in pairs for r in p.rows], collate, torch.float32, 4).total.view(3, 4)
    shown = 2 if loss != "kto" else 4
    rows = [
        {**as_row(p.chosen), "rows": [as_row(r) for r in p.rows[:shown]], "reference": told[:shown]}
        for p, told in zip(pairs, reference.tolist(), strict=True)
    ]
    args = SFTConfig(output_dir=str(tmp_path), **QUIET)
    trainer = PreferenceTrainer(
        loss=loss, beta=0.1, model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
    )
    shake(model)
    model.zero_grad()
    value = trainer.compute_loss(model, PairCollator(collate)(rows))
    value.backward()
    grads = torch.cat([p.grad.flatten() for n, p in model.named_parameters() if p.requires_grad and ".ref." not in n])
    return value.item(), grads.clone()


def answer_of(one) -> tuple[list[int], list[int]]:
    start = next(n for n, label in enumerate(one.labels) if label != -100)
    return one.ids[:start], one.ids[start:]


@pytest.mark.parametrize("loss", ["dpo", "kto"])
def test_loss_and_gradients_are_those_of_the_upstream_trainer(tiny, tokenizer, tmp_path, loss):
    """TRL holds a second adapter, pads, computes prompts twice and asks the reference each step: the same numbers."""
    import copy

    model, pairs = tiny
    upstream = copy.deepcopy(model)
    ours = our_loss(model, pairs, tokenizer, loss, tmp_path, collate_tree)
    if loss == "dpo":
        rows = [
            {"prompt_ids": answer_of(p.chosen)[0], "chosen_ids": answer_of(p.chosen)[1],
             "rejected_ids": answer_of(p.rejected)[1]}
            for p in pairs
        ]  # fmt: skip
        config, trainer_class = DPOConfig(output_dir=str(tmp_path), beta=0.1, **QUIET), DPOTrainer
    else:
        rows = [
            {"prompt_ids": answer_of(a)[0], "completion_ids": answer_of(a)[1], "KL_completion_ids": answer_of(k)[1],
             "label": n == 0}
            for p in pairs for n, (a, k) in enumerate(zip(p.rows[:2], p.unrelated, strict=True))
        ]  # fmt: skip
        config = KTOConfig(output_dir=str(tmp_path), beta=0.1, per_device_train_batch_size=6, **QUIET)
        trainer_class = KTOTrainer

    class Given(trainer_class):
        def _prepare_dataset(self, dataset, *args, **kwargs):
            return dataset  # the ids are ours: templates are compared elsewhere

    trainer = Given(model=upstream, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)
    shake(trainer.model)
    trainer.model.zero_grad()
    theirs = trainer.compute_loss(trainer.model, trainer.data_collator(rows))
    theirs.backward()
    grads = [p.grad.flatten() for n, p in trainer.model.named_parameters() if p.grad is not None and ".ref." not in n]
    assert ours[0] == pytest.approx(theirs.item(), abs=1e-5)
    assert abs(ours[0] - (math.log(2) if loss == "dpo" else 0.5)) > 1e-3  # the policy has moved
    assert torch.allclose(ours[1], torch.cat(grads), atol=1e-6, rtol=1e-3)


def test_the_odds_ratio_is_that_of_the_upstream_trainer():
    chosen, rejected = torch.tensor([-0.01, -1.5, -0.7]), torch.tensor([-2.0, -0.4, -0.7])
    held = SimpleNamespace(beta=0.1, accelerator=SimpleNamespace(device="cpu"))
    theirs = ORPOTrainer.odds_ratio_loss(held, chosen, rejected)[0]
    assert torch.allclose(orpo_loss(chosen, rejected, 0.1), -chosen - theirs, atol=1e-6)
    assert torch.isfinite(log_odds(torch.tensor([0.0, -1e-9, -200.0]))).all()


def test_a_tree_of_pairs_gives_the_loss_of_padded_pairs_and_computes_a_prompt_once(tiny, tokenizer, tmp_path):
    import copy

    model, pairs = tiny
    other = copy.deepcopy(model)
    padded = our_loss(other, pairs, tokenizer, "dpo", tmp_path, collate_padded)
    tree = our_loss(model, pairs, tokenizer, "dpo", tmp_path, collate_tree)
    assert padded[0] == pytest.approx(tree[0], abs=1e-5)
    assert torch.allclose(padded[1], tree[1], atol=1e-6, rtol=1e-3)
    rows = [{"rows": [as_row(p.chosen), as_row(p.rejected)], "reference": [0.0, 0.0]} for p in pairs]
    computed = PairCollator(collate_tree)(rows)["ids"].numel()
    prompts = sum(len(answer_of(p.chosen)[0]) for p in pairs)
    assert computed <= sum(len(r.ids) for p in pairs for r in p.rows[:2]) - prompts


def test_the_exact_interval_counts_groups_and_never_says_zero_of_nothing():
    assert exact_interval([], []).value is None
    single = exact_interval([True] * 6, [str(n) for n in range(6)])
    assert (single.low, single.high) == (pytest.approx(0.025 ** (1 / 6), abs=1e-5), 1.0)
    grouped = exact_interval([True] * 6, ["a", "a", "a", "b", "b", "b"])
    assert grouped.n == 6 and grouped.low == pytest.approx(0.025**0.5, abs=1e-5)
