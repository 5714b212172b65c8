"""A project with a decoder of two small layers, trained by one process or several, for the tests of ranks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from nichetune.benchmark import seal
from nichetune.core.files import iter_jsonl, write_json, write_jsonl
from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings import Settings
from nichetune.core.stages import Report
from nichetune.train import spread

SIDES = ["left", "right", "both", "none"]


def make_tiny_base(folder: Path, tokenizer: Any) -> Path:
    """A Llama of two layers with random weights, and a real tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, max_position_embeddings=512,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_example(n: int, part: str) -> Example:
    """A note and its side; notes are of different lengths."""
    text = f"{part} note {n}: " + f"{part} pain of day {n} and " * (n % 5) + f"{part} now on the {SIDES[n % 4]}."
    return Example(
        id=f"{part}-{n}", group=f"{part}-{n}", task="side", messages=[Message(role="user", content=text)],
        expected=Expected(answer=SIDES[n % 4]), source=Source(file="notes.jsonl", line=n),
    )  # fmt: skip


def make_settings(base: Path, **train: Any) -> Settings:
    """Nine examples, batches of four: the last device step has one row, too few for two ranks."""
    given = {"rank": 4, "alpha": 8, "batch_size": 4, "accumulation": 2, "epochs": 2.33, "learning_rate": 3e-3} | train
    return Settings.model_validate({
        "project": "sides", "sources": [], "tasks": {"side": {"kind": "choice", "values": SIDES}},
        "base": {"model": str(base), "dtype": "float32", "device": "cpu"}, "train": given,
    })  # fmt: skip


def make_inputs(folder: Path, settings: Settings) -> dict[str, Path]:
    """The stages' folders that training reads."""
    inputs = {name: folder / name for name in ("mask", "split", "benchmark")}
    for path in inputs.values():
        path.mkdir(parents=True)
    write_json(inputs["mask"] / "manifest.json", {"facts": {"masked": True}})
    write_jsonl(inputs["split"] / "train.jsonl", [make_example(n, "train") for n in range(9)])
    write_jsonl(inputs["split"] / "holdout.jsonl", [make_example(n, "sealed") for n in range(20)])
    write_json(inputs["split"] / seal.BOILERPLATE, [])
    seal.run(settings, {"split": inputs["split"]}, inputs["benchmark"])
    return inputs


def train(
    settings: Settings, inputs: dict[str, Path], out: Path, method: str, resume: bool = False
) -> tuple[Report, list[float], Any]:
    """Report, loss curve and weights of one training."""
    from safetensors.torch import load_file

    if not resume:
        shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    report = spread.run(settings, inputs, out, method)  # type: ignore[arg-type]
    losses = [step["loss"] for step in iter_jsonl(out / "loss.jsonl")]
    name = "model.safetensors" if method == "full" else "adapter_model.safetensors"
    return report, losses, load_file(out / "adapter" / name)


def differ(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    """How far weights lie apart, as a share of their size."""
    assert a.keys() == b.keys()
    apart = sum(float((a[k] - b[k]).double().pow(2).sum()) for k in a)
    return float((apart / sum(float(b[k].double().pow(2).sum()) for k in b)) ** 0.5)
