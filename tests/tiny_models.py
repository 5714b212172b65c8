"""Small models with random weights and the embedded model's tokenizer, each saved as a folder."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

SHAPE = {
    "vocab_size": 49152, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "initializer_range": 0.3, "bos_token_id": 1,
    "eos_token_id": 2, "pad_token_id": 2,
}  # fmt: skip


def save_tiny(folder: Path, tokenizer, family: str = "llama", **changed) -> Path:
    """Writes a model of a family; even its norms and biases are random, so that none can be left out unseen."""
    torch.manual_seed(7)
    config = AutoConfig.for_model(family, **(SHAPE | changed))
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.copy_(torch.rand_like(weight) + (0.5 if "norm" in name else -0.5))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_adapter(folder: Path, model, tokenizer, size: float = 0.05) -> Path:
    """Writes an adapter on all linear layers whose B is random and not zero."""
    torch.manual_seed(8)
    tuned = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, size)
    tuned.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
