"""The GPU bench's paths, on a model of a few thousand weights; and its word where there is no GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_bench(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bench" / "gpu.py"), *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_every_method_runs_beside_stock_and_has_its_forecast(tmp_path):
    done = run_bench("--tiny", "--methods", "qlora", "full", "--peers", "ours", "stock", "--json", str(tmp_path / "f"))
    assert done.returncode == 0, done.stderr[-2000:]
    runs = json.loads((tmp_path / "f").read_text())["runs"]
    assert set(runs) == {f"tiny/{m}/{p}" for m in ("qlora", "full") for p in ("ours", "stock")}
    for [figures] in runs.values():
        assert figures["tokens_per_s"] > 0 and figures["mfu"] > 0 and figures["forecast_bytes"] > 0
    for method in ("qlora", "full"):  # both were given the same examples, and start from the same model
        ours, stock = (runs[f"tiny/{method}/{peer}"][0]["mean_loss"] for peer in ("ours", "stock"))
        assert ours == pytest.approx(stock, abs=0.05)
    assert "| tiny | full | stock TRL |" in done.stdout and "mean nothing" in done.stdout


def test_without_a_gpu_no_figure_is_shown():
    import torch

    if torch.cuda.is_available():
        pytest.skip("a GPU is here")
    done = run_bench()
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: no CUDA GPU is visible here")
