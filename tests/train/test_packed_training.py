"""Training on weights that stay in 4 bits: loaded without a copy, with the same adapter, split without a change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nichetune.core.settings import BaseSettings, TrainSettings
from nichetune.core.settings_file import load_settings
from nichetune.models.adapters import attach_adapter
from nichetune.models.loading import load_base
from nichetune.models.weights import open_weights
from nichetune.train.arguments import make_arguments
from nichetune.train.fit import Fit

EXAMPLE = Path(__file__).parents[2] / "examples" / "icd10-eye-ear"


@pytest.fixture(scope="module")
def packed():
    return load_base(BaseSettings(dtype="float32", device="cpu"), "nf4", packed=True)


def test_no_weight_is_mapped_from_the_file(base):
    with open_weights(base.folder) as weights:
        name = "model.norm.weight"
        assert torch.equal(weights[name][...], base.model.get_parameter(name))
    if (maps := Path("/proc/self/maps")).is_file():
        assert str(base.folder) not in maps.read_text()


def test_the_model_knows_its_folder_and_its_generation_settings(base):
    assert base.model.name_or_path == base.model.config.name_or_path == str(base.folder)
    assert base.model.generation_config.eos_token_id is not None


def test_an_adapter_on_packed_weights_is_trained_in_float32_from_the_same_start(packed, base):
    from datasets import Dataset
    from trl import SFTConfig

    from nichetune.train.trainer import SupervisedTrainer

    model = attach_adapter(packed, TrainSettings(rank=2), seed=7)
    start = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    rows = [{"input_ids": [5, 6, 7, 8], "labels": [-100, 6, 7, 8]}]
    args = SFTConfig(output_dir="unused", use_cpu=True, bf16=False, report_to="none", max_length=None)
    SupervisedTrainer(model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=base.tokenizer)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.dtype == torch.float32 and torch.equal(parameter, start[name])


def test_a_split_batch_gives_the_optimiser_the_same_examples(base, tmp_path):
    settings = load_settings(EXAMPLE, ["train.batch_size=8", "train.accumulation=2"])
    args = make_arguments(base, settings, "lora", 10, tmp_path, Fit(False, False, "float32", splits=4))
    assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == (2, 8)
