"""A desk that a model of two small layers learns within a second: real stages' files, and a sweep over them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nichetune.benchmark import seal
from nichetune.core.files import write_json, write_jsonl
from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings import Settings
from nichetune.models.loading import load_tokenizer, quiet_libraries
from nichetune.models.packaged import resolve_model
from nichetune.sweep.result import read_result
from nichetune.sweep.study import open_sweep, run_trials

SIDES = ["left", "right", "both", "none"]
SPACE = {"train.learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}, "train.rank": {"choices": [2, 4]}}


def make_model(folder: Path) -> Path:
    """A Llama of two layers with weights drawn at random, and SmolLM2's tokenizer."""
    with quiet_libraries():
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

        torch.manual_seed(5)
        tokenizer = load_tokenizer(resolve_model("smollm2-135m", ""))
        config = LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True,
        )  # fmt: skip
        LlamaForCausalLM(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def make_settings(model: str, **sweep) -> Settings:
    """The desk's settings; a pass over its training examples is eight steps of a few milliseconds."""
    return Settings.model_validate(
        {
            "project": "desk", "sources": [{"path": "x.jsonl", "task": "side"}], "rungs": ["lora"],
            "tasks": {"side": {"kind": "form", "fields": {"side": {"values": SIDES}}, "max_new_tokens": 12}},
            "base": {"model": model, "dtype": "float32"},
            "train": {"epochs": 1, "rank": 4, "learning_rate": 1e-2},
            "sweep": {"space": SPACE, "trials": 3, "looks": 2} | sweep,
        }
    )  # fmt: skip


def make_examples(first: int, count: int) -> list[Example]:
    """Notes whose side is written in them."""
    made = []
    for n in range(first, first + count):
        text = f"Note {n}: it hurts on the {SIDES[n % 4]} since {n} days."
        made.append(
            Example(
                id=f"e{n}", group=f"g{n}", task="side", messages=[Message(role="user", content=text)],
                expected=Expected(fields={"side": SIDES[n % 4]}), source=Source(file="x.jsonl", line=n),
            )
        )  # fmt: skip
    return made


def make_inputs(folder: Path, settings: Settings) -> dict[str, Path]:
    """What stands before training: masked, split and sealed."""
    write_json(folder / "mask" / "manifest.json", {"facts": {"masked": True}})
    write_jsonl(folder / "mask" / "documents.jsonl", [])
    for part, first, count in (("train", 0, 32), ("dev", 100, 8), ("holdout", 200, 24)):
        write_jsonl(folder / "split" / f"{part}.jsonl", make_examples(first, count))
    write_json(folder / "split" / "boilerplate.json", [])
    seal.run(settings, {"split": folder / "split"}, folder / "benchmark")
    return {name: folder / name for name in ("mask", "split", "benchmark")}


def sweep_desk(settings: Settings, inputs: dict[str, Path], out: Path):
    """A whole sweep; its result."""
    sweep = open_sweep(settings, inputs, out, "lora")
    run_trials(sweep)
    return read_result(sweep)


def shown(result) -> list[tuple]:
    """What two equal sweeps have in common: all but their seconds."""
    return [(t.number, t.state, t.values, t.figure, t.looks) for t in result.trials]


if __name__ == "__main__":  # a process to be killed
    folder = Path(sys.argv[1])
    chosen = Settings.model_validate(json.loads((folder / "settings.json").read_text()))
    places = {name: folder / name for name in ("mask", "split", "benchmark")}
    print(len(sweep_desk(chosen, places, folder / "sweep").trials))
