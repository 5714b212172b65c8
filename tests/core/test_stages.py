"""Stages: whole or absent, reused or run again, told by their content alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nichetune.core.errors import SystemFailure
from nichetune.core.files import read_json
from nichetune.core.stages import Report, Stage, run_stage


def make_stage(source: Path, **settings) -> Stage:
    return Stage("upper", ("corpus",), {"source": source}, settings)


def upper(source: Path):
    def work(out: Path) -> Report:
        (out / "text.txt").write_text(source.read_text().upper())
        return Report(counts={"in": 1, "out": 1})

    return work


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.txt"
    path.write_text("abc")
    return path


def test_an_unchanged_stage_is_reused(source, tmp_path):
    first = run_stage(make_stage(source), tmp_path / "out", upper(source))
    second = run_stage(make_stage(source), tmp_path / "out", upper(source))
    assert (first.reused, second.reused) == (False, True)
    assert first.digest == second.digest


def test_a_changed_input_runs_the_stage_again(source, tmp_path):
    run_stage(make_stage(source), tmp_path / "out", upper(source))
    source.write_text("xyz")
    assert not run_stage(make_stage(source), tmp_path / "out", upper(source)).reused
    assert (tmp_path / "out" / "text.txt").read_text() == "XYZ"


def test_a_changed_setting_runs_the_stage_again(source, tmp_path):
    run_stage(make_stage(source, k=1), tmp_path / "out", upper(source))
    assert not run_stage(make_stage(source, k=2), tmp_path / "out", upper(source)).reused


def test_a_tampered_output_is_not_reused(source, tmp_path):
    run_stage(make_stage(source), tmp_path / "out", upper(source))
    (tmp_path / "out" / "text.txt").write_text("forged")
    assert not run_stage(make_stage(source), tmp_path / "out", upper(source)).reused
    assert (tmp_path / "out" / "text.txt").read_text() == "ABC"


def test_a_failed_stage_leaves_no_folder_that_looks_whole(source, tmp_path):
    def fail(out: Path) -> Report:
        (out / "half.txt").write_text("half")
        raise ValueError

    with pytest.raises(ValueError):
        run_stage(make_stage(source), tmp_path / "out", fail)
    assert not (tmp_path / "out").exists()


def test_digests_hold_no_clock(source, tmp_path):
    one = run_stage(make_stage(source), tmp_path / "one", upper(source))
    two = run_stage(make_stage(source), tmp_path / "two", upper(source))
    assert one.manifest == two.manifest
    assert "seconds" not in one.manifest and read_json(tmp_path / "one" / "timing.json")["seconds"] >= 0


def test_a_killed_stage_goes_on_in_its_own_work(source, tmp_path):
    script = f"""
import os, signal
from pathlib import Path
from nichetune.core.stages import Stage, run_stage
def work(out):
    (out / "part.txt").write_text("done before the kill")
    os.kill(os.getpid(), signal.SIGKILL)
run_stage(Stage("upper", ("corpus",), {{"source": Path({str(source)!r})}}, {{}}), Path({str(tmp_path / "out")!r}), work)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    seen = []

    def work(out: Path) -> Report:
        seen.append((out / "part.txt").exists())
        return upper(source)(out)

    run_stage(make_stage(source), tmp_path / "out", work)
    assert seen == [True]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line_and_leaves_nothing(source, tmp_path):
    def work(out: Path) -> Report:
        with open("/dev/full", "w") as full:
            full.write("x" * 10_000)
        return Report()

    with pytest.raises(SystemFailure, match="disk is full"):
        run_stage(make_stage(source), tmp_path / "out", work)
    assert not (tmp_path / "out").exists()
