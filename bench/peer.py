"""One full peer, LLaMA-Factory, in an environment of its own: the same examples, model, batch and rank, on this CPU.

Reads the demo's training examples, or chats that it is given -> tokens a second, peak memory and losses:

    python bench/peer.py --steps 10 --json out.json [--rows chats.jsonl] [--method lora|full] [--env DIR]

    {"peer": "llamafactory 0.9.5", "tokens_per_s": 96.1, "peak_bytes": 1771000000, "losses": [3.1, ...], ...}

LLaMA-Factory wants other versions of transformers, TRL and PEFT than we do: the environment (1.9 GB) is made at the
first call. It is a full peer that a registry brings and that trains on a CPU: axolotl's wheel asks for xformers and
triton, which are for CUDA. Two things in that environment are not as its maker lists them: torchvision is left out
(pictures only), and torchaudio, which it imports and does not use for text, stands without its native library, since
the registry's build of that wants CUDA.

Its own rows are those of `bench/training.py`, in the same batches. As there, speed is the median over the steps behind
one that warms up, over tokens without padding; memory is the peak resident set less that just before the model loads.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
WARM_UP = 1
PEER, VERSION = "llamafactory", "0.9.5"
# What it imports to train on texts, in the versions that its own metadata allows.
NEEDS = [
    "accelerate<=1.11.0", "datasets<=4.0.0", "peft>=0.18.0,<=0.18.1", "transformers>=4.55.0,<=5.6.0",
    "trl>=0.18.0,<=0.24.0", "tyro<0.9.0", "torchdata>=0.10.0,<=0.11.0", "av<=16.0.0", "einops", "fire", "hf-transfer",
    "matplotlib", "modelscope", "numpy", "omegaconf", "packaging", "pandas", "protobuf", "psutil", "pydantic",
    "pyyaml", "safetensors", "scipy", "sentencepiece", "tiktoken",
]  # fmt: skip


def main() -> None:
    """Makes the environment if it is missing, trains in it, and prints what came of it."""
    options = parse_options()
    if options.inside:
        print(json.dumps(train_inside(json.loads(options.inside.read_text()))))
        return
    from nichetune.core.wheels import cache_dir

    python = make_environment(options.env or cache_dir() / "peers" / f"{PEER}-{VERSION}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = options.rows.read_text() if options.rows else own_rows(options.steps + WARM_UP)
        found = run_peer(python, folder, rows, options)
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10, help="timed optimiser steps")
    parser.add_argument("--batch", type=int, default=4, help="examples a step")
    parser.add_argument("--method", choices=("lora", "full"), default="lora")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate; constant")
    parser.add_argument("--model", default="smollm2-135m", help="a packaged name or a local folder")
    parser.add_argument("--template", default="smollm2", help="its name for the model's chat template")
    parser.add_argument("--rows", type=Path, help='JSON Lines with {"messages": [...]}, in the order of training')
    parser.add_argument("--checkpointing", action="store_true", help="leave its gradient checkpointing on")
    parser.add_argument("--env", type=Path, help="the peer's environment (default: with the models' cache)")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def make_environment(folder: Path) -> Path:
    """The interpreter of the peer's environment, which is made if it is not whole."""
    python, whole = folder / "bin" / "python", folder / ".whole"
    if whole.is_file():
        return python
    torch = importlib.metadata.version("torch").partition("+")[0]
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    print(f"making {folder} (some minutes, once)", file=sys.stderr)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [*pip, f"torch=={torch}"],
        [*pip, *NEEDS],
        [*pip, "--no-deps", f"{PEER}=={VERSION}", "torchaudio"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no word why"])[-1]
            print(f"error: {PEER} {VERSION} does not install here: {last}", file=sys.stderr)
            sys.exit(3)
    for library in folder.glob("lib/python3*/site-packages/torchaudio/lib/*.so"):
        library.unlink()
    whole.touch()
    return python


def own_rows(steps: int) -> str:
    """The batches of the demo's training examples that `bench/training.py` trains on, as chats."""
    from trainers import peers

    if not (peers.RUN / "split" / "train.jsonl").is_file():
        sys.exit("error: no split of the demo: run `make demo` first, or give --rows")
    return "".join(json.dumps({"messages": chat}) + "\n" for chat in peers.choose_chats(steps))


def run_peer(python: Path, folder: Path, rows: str, options: argparse.Namespace) -> dict[str, Any]:
    """Writes its data and configuration, and trains in a process of its own."""
    from nichetune.models.packaged import resolve_model

    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
            "system_tag": "system"}  # fmt: skip
    table = {"file_name": "rows.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": tags}
    (folder / "rows.jsonl").write_text(rows)
    (folder / "dataset_info.json").write_text(json.dumps({"rows": table}))
    config = {
        "model_name_or_path": str(resolve_model(options.model, "")), "stage": "sft", "do_train": True,
        "finetuning_type": options.method, "lora_target": "all", "lora_rank": options.rank,
        "lora_alpha": 2 * options.rank, "lora_dropout": 0.0, "dataset_dir": str(folder), "dataset": "rows",
        "template": options.template, "cutoff_len": 1024, "disable_shuffling": True, "output_dir": str(folder / "out"),
        "per_device_train_batch_size": options.batch, "gradient_accumulation_steps": 1,
        "max_steps": options.steps + WARM_UP, "learning_rate": options.rate, "lr_scheduler_type": "constant",
        "use_cpu": True, "bf16": False, "fp16": False,
        "disable_gradient_checkpointing": not options.checkpointing, "include_num_input_tokens_seen": "non_padding",
        "logging_steps": 1, "save_strategy": "no", "report_to": "none", "disable_tqdm": True, "seed": 7,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    # Neither a model site nor a GPU is looked for; that torchvision is missing is known.
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "DISABLE_VERSION_CHECK": "1"}
    environment.pop("PYTHONPATH", None)
    command = [str(python), str(Path(__file__).resolve()), "--inside", str(folder / "config.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no word why"])[-1]
        print(f"error: {PEER} {VERSION} failed: {last}", file=sys.stderr)
        sys.exit(3)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return {"peer": f"{PEER} {VERSION}", "method": options.method, "batch": options.batch} | found


def train_inside(config: dict[str, Any]) -> dict[str, Any]:
    """In the peer's environment: trains by its own entry point, with a clock beside its steps."""
    import resource

    import psutil
    from llamafactory.train.tuner import run_exp
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        """When each step ended, and how many tokens all steps up to it had."""

        def __init__(self) -> None:
            self.ends: list[float] = []
            self.tokens: list[int] = []
            self.losses: list[float] = []

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            """Called by its trainer after each step."""
            self.ends.append(time.perf_counter())
            self.tokens.append(int(state.num_input_tokens_seen))

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            """Called by its trainer for each logged step."""
            if logs and "loss" in logs:
                self.losses.append(float(logs["loss"]))

    clock = Clock()
    before = psutil.Process().memory_info().rss
    run_exp(config, callbacks=[clock])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "trl", "peft")}
    behind = range(WARM_UP, len(clock.ends))
    rates = [(clock.tokens[i] - clock.tokens[i - 1]) / (clock.ends[i] - clock.ends[i - 1]) for i in behind]
    return {
        "steps": len(rates), "tokens": clock.tokens[-1] - clock.tokens[WARM_UP - 1],
        "tokens_per_s": statistics.median(rates), "peak_bytes": peak - before, "losses": clock.losses,
        "versions": versions,
    }  # fmt: skip


if __name__ == "__main__":
    main()
