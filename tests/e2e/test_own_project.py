"""A user's own CSV, from file to served version, with only nichetune.yaml written."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import make_project, nichetune, read_digests

pytestmark = pytest.mark.slow
RUNS = Path("runs/characters")


def test_an_own_csv_runs_through_to_a_verdict_a_report_and_a_version(own_project):
    verdict = json.loads((own_project / RUNS / "decide/verdict.json").read_text())
    assert verdict["ship"] in ("classical", "base", "qlora")
    assert verdict["rungs"]["classical"]["metrics"]["kind.exact"]["n"] >= 20
    assert "<html" in (own_project / RUNS / "report/report.html").read_text()
    versions = json.loads(nichetune("registry", "list", "--project", str(own_project), "--json").stdout)
    assert versions[0]["aliases"] == ["production"]


@pytest.mark.parametrize("rung", ["classical", "base", "qlora"])
def test_every_rung_is_timed_alone_and_in_batches(own_project, rung):
    clock = json.loads((own_project / RUNS / "evaluate" / rung / "timing.json").read_text())
    alone, batched = clock["speed"]["alone"], clock["speed"]["batched"]
    assert alone["n"] == 20 and 0 < alone["p50_s"] <= alone["p95_s"] and alone["p99_s"] is None
    assert batched["seconds"] > 0 and clock["machine"]
    writes = rung != "classical"  # which picks a label and writes no token
    assert all((speed["tokens_per_s"] is not None) == writes for speed in (alone, batched))
    assert f'row">{rung}</th>' in (own_project / RUNS / "report/derived/speed.html").read_text()


def test_a_second_run_reuses_every_stage(own_project):
    result = json.loads(nichetune("run", "--project", str(own_project), "--json").stdout)
    assert [s["stage"] for s in result["stages"] if not s["reused"]] == []


def test_unmasked_text_is_gone_after_a_run(own_project):
    assert not (own_project / RUNS / "private").exists()


def test_the_shipped_version_answers_in_a_chat(own_project):
    asked = nichetune("chat", "--ask", "ARABIC-INDIC DIGIT FOUR", "--json", "--project", str(own_project))
    assert json.loads(asked.stdout)["text"]


def test_a_finished_run_compared_with_itself_shows_no_difference(own_project):
    run = str(own_project / RUNS)
    result = json.loads(nichetune("compare", run, run, "--metric", "kind.exact", "--json").stdout)
    assert result["difference"] == 0 and result["decision"] in ("equivalent", "inconclusive")


def test_a_changed_item_is_found_by_verify_and_stops_the_evaluation(own_project, tmp_path):
    copy = shutil.copytree(own_project, tmp_path / "copy")
    items = copy / RUNS / "benchmark/items.jsonl"
    items.write_text(items.read_text().replace('"answer": "digit"', '"answer": "punctuation"', 1))
    done = nichetune("benchmark", "verify", "--project", str(copy), check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr


def wait_for(pattern: str, run_dir: Path, process: subprocess.Popen) -> None:
    """Waits until a file of this pattern stands in the run's folder."""
    deadline = time.monotonic() + 180
    while not list(run_dir.glob(pattern)):
        assert process.poll() is None, f"the run ended before {pattern} stood there"
        assert time.monotonic() < deadline, f"{pattern} never stood there"
        time.sleep(0.02)


def test_a_run_killed_at_several_points_ends_with_the_digests_of_an_unbroken_one(own_project, tmp_path):
    folder = make_project(tmp_path / "killed")
    command = [sys.executable, "-m", "nichetune.cli.app", "run", "--project", str(folder)]
    for pattern in (".mask.work", "train/.qlora.work/checkpoints/checkpoint-*/trainer_state.json",
                    "evaluate/.qlora.work"):  # fmt: skip
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for(pattern, folder / RUNS, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    nichetune("run", "--project", str(folder))
    assert read_digests(folder / RUNS) == read_digests(own_project / RUNS)
