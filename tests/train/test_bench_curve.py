"""The learning curve's bench, on a small real corpus and the rung that learns in a second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = """\
project: characters
sources: [{path: data/*.csv, task: kind, map: {text: name, answer: kind}}]
tasks: {kind: {kind: exact, prompt: Say what kind of character has this name.}}
mask: {enabled: false, because: names of Unicode characters}
split: {holdout: 0.15, max_train: {kind: 60}}
"""


def run_bench(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    given = ["--project", folder, "--out", folder / "curve", "--json", folder / "curve.json"]
    chosen = ["--rungs", "classical", "--metric", "kind.exact", *options]
    command = [sys.executable, str(ROOT / "bench/curve.py"), *map(str, given), *chosen]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_each_size_is_a_look_of_its_own_at_the_same_sealed_items(tmp_path):
    builder = ROOT / "examples/starter/build_corpus.py"
    subprocess.run([sys.executable, builder, "--out", tmp_path / "data"], check=True, capture_output=True)
    (tmp_path / "nichetune.yaml").write_text(SETTINGS)
    done = run_bench(tmp_path, "--sizes", "40", "12")
    assert done.returncode == 0, done.stderr[-2000:]
    few, many = json.loads((tmp_path / "curve.json").read_text())["rungs"]["classical"]
    assert [few["examples"], many["examples"]] == [12, 40]
    assert few["n"] == many["n"] == many["gain"]["n"] > 20
    assert many["gain"]["difference"] == pytest.approx(many["value"] - few["value"], abs=1e-5)
    manifests = [json.loads((tmp_path / f"curve/{n}/train/classical/manifest.json").read_text()) for n in (12, 40)]
    assert [m["counts"]["out"] for m in manifests] == [12, 40]
    sealed = {(tmp_path / f"curve/{name}/benchmark/benchmark.json").read_bytes() for name in ("data", "12", "40")}
    assert len(sealed) == 1
    log = (tmp_path / "curve/40/benchmark.log.jsonl").read_text()
    assert log.count('"look"') == 1
    assert f"| classical | 40 | – | {many['value']:.3f} (" in done.stdout
    refused = run_bench(tmp_path, "--sizes", "61")
    assert refused.returncode == 2
    assert "train.examples is 61, and 60 training examples are there" in refused.stderr
