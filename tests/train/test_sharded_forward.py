"""Our loss inside the forward pass of a model that FSDP2 has sharded: the gradients of the whole one.

Accelerate shards on GPUs only; here PyTorch's own FSDP2 does, over two processes on the processor, in the units that
accelerate makes of a model.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import test_sharded_forward
test_sharded_forward.compare()
"""


def compare():
    """One rank: loss and gradients of a sharded model against those of the same model whole."""
    import torch
    import torch.distributed as dist
    from peft import LoraConfig, get_peft_model
    from torch.distributed.fsdp import fully_shard
    from transformers import LlamaConfig, LlamaForCausalLM

    from nichetune.models.head_loss import sum_losses
    from nichetune.models.token_tree import use_token_tree
    from nichetune.train.batches import collate_tree, predicting_states
    from nichetune.train.rank_trainer import run_inside_forward

    dist.init_process_group("gloo")
    config = LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    rows = [{"input_ids": [3, 4, 5, n + 6, 9], "labels": [-100, -100, -100, n + 6, 9]} for n in range(3)]
    batch, results = collate_tree(rows), []
    for sharded in (False, True):
        torch.manual_seed(1)
        base = LlamaForCausalLM(config)
        adapted = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
        model = get_peft_model(base, adapted)
        assert use_token_tree(base)
        run_inside_forward(base)
        if sharded:
            for layer in base.model.layers:
                fully_shard(layer)
            fully_shard([base.model.norm, base.model.embed_tokens, base.lm_head], reshard_after_forward=False)
            fully_shard(model)

        def lose(base=base):
            states = predicting_states(base.get_decoder(), batch)
            return sum_losses(states, base.get_output_embeddings(), batch["shift_labels"], torch.float32)

        loss = model(inside=lose)
        loss.backward()
        trained = {n: p.grad for n, p in model.named_parameters() if p.requires_grad}
        whole = {n: g.full_tensor() if sharded else g for n, g in trained.items()}
        results.append((loss.item(), whole))
    assert len(results[0][1]) == 28 and abs(results[0][0] - results[1][0]) < 1e-5
    for name, grad in results[0][1].items():
        assert grad.abs().max() > 0 and torch.allclose(grad, results[1][1][name], atol=1e-5), name
    dist.destroy_process_group()
    print("same")


@pytest.mark.slow
def test_the_loss_within_a_sharded_models_forward_has_the_gradients_of_the_whole_one():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    for rank in range(2):
        environment = os.environ | {
            "PYTHONPATH": str(HERE.parents[1] / "src"), "RANK": str(rank), "WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        command = [sys.executable, "-c", SCRIPT, str(HERE)]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    for process in processes:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0 and out.split() == [b"same"], err.decode()[-2000:]
