"""What ranks share of a model: the trainer's own arguments for FSDP2 and DeepSpeed."""

from __future__ import annotations

from typing import Any

from nichetune.core.settings import TrainSettings


def sharding_arguments(train: TrainSettings) -> dict[str, Any]:
    """Keyword arguments for the trainer's configuration; none where each rank holds the whole model.

    Weights are loaded by every rank and then sharded, so that a packaged model needs no format of its own.
    """
    if train.sharding == "fsdp2":
        return {
            "fsdp": True,
            "fsdp_config": {"version": 2, "reshard_after_forward": True, "state_dict_type": "FULL_STATE_DICT"},
        }
    if train.sharding == "deepspeed":
        return {
            "deepspeed": {
                "zero_optimization": {
                    "stage": 3, "overlap_comm": True, "stage3_gather_16bit_weights_on_model_save": True,
                },
                "bf16": {"enabled": "auto"}, "gradient_clipping": "auto", "train_micro_batch_size_per_gpu": "auto",
                "gradient_accumulation_steps": "auto", "train_batch_size": "auto",
            }
        }  # fmt: skip
    return {}
