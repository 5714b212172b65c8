"""What tests of training share: a tiny base and a small job on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from train_tools import Job, make_job, save_tiny


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    """A Llama of two narrow layers, weights drawn at random, with SmolLM2's tokenizer."""
    folder = tmp_path_factory.mktemp("tiny") / "base"
    save_tiny(folder)
    return folder


@pytest.fixture
def job(tiny_folder, tmp_path) -> Job:
    """Twenty-four examples in six steps, and six to judge by."""
    return make_job(tmp_path / "run", tiny_folder)
