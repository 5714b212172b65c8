"""The bench of the rule, on few worlds: what it counts and writes, not the rates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _run_bench(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bench" / "verdicts.py"), *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def test_fifty_worlds_of_each_kind_are_judged_and_written(tmp_path):
    done = _run_bench("--worlds", "50", "--resamples", "499", "--seed", "3", "--json", str(tmp_path / "f"))
    assert done.returncode in (0, 1), done.stderr[-2000:]
    told = json.loads((tmp_path / "f").read_text())
    assert done.returncode == bool(told["failures"])
    assert done.stdout.count("FAILED: ") == len(told["failures"])
    names = {"single", "latent", "uneven", "copies", "patches", "seeds", "nights"}
    assert set(told["generators"]) == names | {"retrained, alike", "retrained, unlike"}
    assert told["false_better_rate_seeds"]["n"] == 2 * 50
    assert told["false_better_rate"]["n"] == 6 * 50
    assert told["false_better_rate_clustered"]["n"] == 5 * 50
    assert told["false_better_rate_peeking"]["n"] >= 20
    for rate in ("false_better_rate", "false_better_rate_clustered", "false_better_rate_peeking", "power_at_margin"):
        assert 0 <= told[rate]["low"] <= told[rate]["value"] <= told[rate]["high"] <= 1
    assert told["worlds"] >= 6 * 50
    assert "| latent | plain t |" in done.stdout and "| nights | unplanned |" in done.stdout


@pytest.fixture
def verdicts(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import verdicts

    return verdicts


@pytest.mark.parametrize(
    ("what", "counts", "fails"),
    [("false_better", [220, 4000], True), ("false_better", [190, 4000], False), ("false_better", [9, 200], True),
     ("false_climb", [220, 4000], True), ("power", [790, 1000], True), ("power", [801, 1000], False),
     ("power_to_climb", [0, 1000], True)],
)  # fmt: skip
def test_each_bound_fails_by_itself(verdicts, what, counts, fails):
    """9 of 200 is 4.5%, whose upper bound is above 6.5%: too few worlds prove nothing."""
    tally = verdicts.Tally()
    tally.counts[what] = counts
    assert bool(verdicts.find_failures({"latent": tally})) == fails
