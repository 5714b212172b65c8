"""A tiny causal model with a real tokenizer, and a training job beside it as the earlier stages would leave it."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import LlamaConfig, LlamaForCausalLM

from nichetune.benchmark import seal
from nichetune.core.files import hash_folder, write_json, write_jsonl
from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings import Settings
from nichetune.models.packaged import resolve_model
from nichetune.train import sft

SIDES = ["left", "right", "both", "none"]
SECRET = "Quizzaciously"  # stands in every training text, and must stand in no tracker, log or error
TASKS = {"side": {"kind": "choice", "values": SIDES, "short_prompt": "Side?", "max_new_tokens": 4}}


def save_tiny(folder: Path, **config: Any) -> None:
    """Writes such a model; `config` changes its configuration."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 49152, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True}  # fmt: skip
    LlamaForCausalLM(LlamaConfig(**(sizes | config))).save_pretrained(folder)
    own = resolve_model("smollm2-135m")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (own / name).is_file():
            shutil.copyfile(own / name, folder / name)


def example(n: int, name: str, text: str = "", answer: str = "") -> Example:
    question = Message(role="user", content=text or f"{name} note {n}: {SECRET} pain, {SIDES[n % 4]} since day {n}.")
    return Example(
        id=f"{name}-{n}", group=f"{name}-{n}", task="side", messages=[question],
        expected=Expected(answer=answer or SIDES[n % 4]), source=Source(file="notes.csv", line=n + 2),
    )  # fmt: skip


@dataclass
class Job:
    """One training: settings and the stages before it; `run` trains into a folder and gives its digests."""

    folder: Path
    base: str
    examples: list[Example]
    dev: list[Example]
    train: dict[str, Any] = field(default_factory=dict)
    base_settings: dict[str, Any] = field(default_factory=dict)

    def settings(self, **train: Any) -> Settings:
        usual = {"epochs": 1, "rank": 4, "alpha": 8, "batch_size": 4, "learning_rate": 5e-3}
        return Settings.model_validate({
            "project": "tiny", "tasks": TASKS, "sources": [{"path": "notes.csv", "task": "side"}],
            "base": {"model": self.base, "dtype": "float32", **self.base_settings},
            "train": usual | self.train | train,
        })  # fmt: skip

    def inputs(self) -> dict[str, Path]:
        """Writes the stages before training, once."""
        folders = {name: self.folder / name for name in ("mask", "split", "benchmark")}
        if not (self.folder / "benchmark").is_dir():
            write_json(folders["mask"] / "manifest.json", {"facts": {"masked": True}})
            write_jsonl(folders["split"] / "train.jsonl", self.examples)
            write_jsonl(folders["split"] / "dev.jsonl", self.dev)
            sealed = [example(n, "sealed", f"{n} x", SIDES[0]) for n in range(20)]
            write_jsonl(folders["split"] / "holdout.jsonl", sealed)
            write_json(folders["split"] / "boilerplate.json", [])
            seal.run(self.settings(), {"split": folders["split"]}, folders["benchmark"])
        return folders

    def run(self, out: Path, method: str = "lora", **train: Any) -> dict[str, str]:
        out.mkdir(parents=True, exist_ok=True)
        sft.run(self.settings(**train), self.inputs(), out, method)
        return hash_folder(out)


def make_job(folder: Path, base: Path) -> Job:
    """The same, anywhere."""
    return Job(folder, str(base), [example(n, "train") for n in range(24)], [example(n, "dev") for n in range(6)])


def main() -> None:
    """`train_tools.py RUN BASE OUT METHOD key=value…` trains as the command line does, with its lines and statuses."""
    from nichetune.cli.app import app, run

    def train(folder: Path, base: Path, out: Path, method: str, settings: list[str]) -> None:
        chosen = {key: yaml.safe_load(value) for key, _, value in (one.partition("=") for one in settings)}
        make_job(folder, base).run(out, method, **chosen)

    app.command("job")(train)
    sys.exit(run(["job", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
