"""Our training against stock TRL on a CUDA GPU: models of Llama 3.2's shape with random weights, nothing downloaded.

    python bench/gpu.py [--shapes 1b 3b] [--methods lora qlora full] [--steps 40] [--batch 8] [--json FILE]

Weights and token streams are drawn at random: speed and memory depend on shapes and lengths alone, and what is learnt
is no question here. Lengths are those of instruction data (median 256 tokens, 64 to 1,024), 28% of the tokens are
supervised, as in the demo's training set, and no two examples share a prefix. All peers train on the same examples in
the same order and batches, with the same rank, rate and number format (bfloat16; trained weights in float32), each in
a process of its own, in turn (ours, stock, ours, …). Stock is `SFTTrainer` with its defaults; "plain" is stock
without its gradient checkpointing.

    tokens/s   real tokens, padding left out, after the first steps
    MFU        operations of the tokens that were computed (see `count_flops`) over this GPU's measured bfloat16 rate
    peak       the allocator's peak, less what it held before the model was loaded
    forecast   the fit plan's, for the batch with most tokens, beside that peak

`--tiny` runs every path on a model of a few thousand weights, on the processor too; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SHAPES: dict[str, dict[str, Any]] = {
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
           "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256},
    "3b": {"hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28, "num_attention_heads": 24,
           "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 128256},
    "tiny": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
             "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 512},
}  # fmt: skip
# The rest of Llama 3.2's configuration, the same for both.
COMMON: dict[str, Any] = {
    "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": True,
    "attention_bias": False, "mlp_bias": False, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2,
    "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0,
                        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
}  # fmt: skip
PEERS = {"ours": "ours", "stock": "stock TRL", "plain": "stock TRL, no checkpointing"}
METHODS = ("lora", "qlora", "full")
AIMS = "Aims: LoRA ≥ 1.5 × stock, QLoRA ≥ 1.3 ×, MFU ≥ 0.5, forecast within 10% of the peak."


def main() -> None:
    """Draws the models, runs every peer in turn and prints the table."""
    options = parse_options()
    if not options.tiny and not has_gpu():
        print("error: no CUDA GPU is visible here: run this on a machine with one, or --tiny anywhere", file=sys.stderr)
        sys.exit(2)
    with tempfile.TemporaryDirectory() as folder:
        runs: dict[str, list[dict[str, Any]]] = {}
        for shape in options.shapes:
            draw_model(shape, Path(folder) / shape)
            for method in options.methods:
                for repeat in range(options.repeats):
                    for peer in options.peers:
                        result = run_peer(peer, method, Path(folder) / shape, options)
                        print(f"{shape} {method} {peer} {repeat + 1}: {result}", file=sys.stderr, flush=True)
                        runs.setdefault(f"{shape}/{method}/{peer}", []).append(result)
    print_table(runs, options)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "runs": runs}, indent=2) + "\n")


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=["1b", "3b"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--steps", type=int, default=40, help="optimiser steps; the first quarter is not timed")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tiny", action="store_true", help="a smoke test of every path")
    options = parser.parse_args()
    if options.tiny:
        options.shapes, options.steps, options.batch, options.repeats = ["tiny"], 4, 2, 1
    return options


def has_gpu() -> bool:
    """Whether a CUDA GPU is visible."""
    import torch

    return torch.cuda.is_available()


def draw_model(shape: str, folder: Path) -> None:
    """Writes a model of this shape with random weights, and a tokenizer that nobody will ask anything."""
    import torch
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(7)
    config = LlamaConfig(**COMMON, **SHAPES[shape])
    with torch.device("cuda" if has_gpu() else "cpu"):
        torch.set_default_dtype(torch.bfloat16)
        model = LlamaForCausalLM(config)
        torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({"<s>": 0, "</s>": 1, "<pad>": 2, "<unk>": 3}, unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
        chat_template="{% for m in messages %}{{ m.content }}{% endfor %}",
    )  # fmt: skip
    tokenizer.save_pretrained(folder)


def run_peer(peer: str, method: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One peer in a fresh process."""
    script = Path(__file__).with_name("gpu_peer.py")
    numbers = [str(options.steps), str(options.batch)]
    command = [sys.executable, str(script), peer, method, str(folder), *numbers]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if "out of memory" in done.stderr.lower():
            return {"failed": "out of memory"}
        sys.exit(f"error: {peer} {method} failed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def machine() -> str:
    """What this was measured on."""
    import torch

    names = ["torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate", "liger-kernel", "flash-attn"]
    versions = ", ".join(f"{n} {v}" for n in names if (v := version_of(n)))
    gpu = f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}" if has_gpu() else "no GPU"
    return f"{gpu}, {platform.machine()}, Python {platform.python_version()}, {versions}"


def version_of(name: str) -> str:
    """A package's version; empty where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def print_table(runs: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> None:
    """Markdown, as docs/gpu.md shows it."""
    print(f"\n{machine()}; {options.steps} steps of batch {options.batch}, rank 16, n = {options.repeats}; median "
          "(lowest to highest)\n")  # fmt: skip
    if options.tiny:
        print("A smoke test: these figures mean nothing.\n")
    print("| shape | method | trainer | tokens/s | ratio to stock | MFU | peak GiB | forecast GiB |")
    print("|---|---|---|---|---|---|---|---|")
    for name, results in runs.items():
        shape, method, peer = name.split("/")
        whole = [r for r in results if "failed" not in r]
        if not whole:
            print(f"| {shape} | {method} | {PEERS[peer]} | {results[0]['failed']} | | | | |")
            continue
        stock = [r for r in runs.get(f"{shape}/{method}/stock", []) if "failed" not in r]
        ratio = f"{middle(whole, 'tokens_per_s') / middle(stock, 'tokens_per_s'):.2f}" if stock else ""
        speeds = [r["tokens_per_s"] for r in whole]
        forecast = f"{middle(whole, 'forecast_bytes') / 2**30:.2f}" if peer == "ours" else ""
        speed = f"{statistics.median(speeds):.0f} ({min(speeds):.0f} to {max(speeds):.0f})"
        print(f"| {shape} | {method} | {PEERS[peer]} | {speed} | {ratio} | {middle(whole, 'mfu'):.2f} | "
              f"{middle(whole, 'peak_bytes') / 2**30:.2f} | {forecast} |")  # fmt: skip
    print(f"\n{AIMS}")


def middle(results: list[dict[str, Any]], key: str) -> float:
    """The median of one figure."""
    return statistics.median(r[key] for r in results)


if __name__ == "__main__":
    main()
