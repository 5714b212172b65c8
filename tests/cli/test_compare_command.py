"""`nichetune compare A B` as a script or a CI gate meets it: output, exit status, time."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from nichetune.cli.app import run

KEYS = ["difference", "low", "high", "p", "n", "groups", "margin", "decision"]


def write_scores(path: Path, scores: list[float], prefix: str = "q") -> Path:
    path.write_text("".join(json.dumps({"id": f"{prefix}{n}", "score": s}) + "\n" for n, s in enumerate(scores)))
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """B is better than A by 30 points on 100 items."""
    a = write_scores(tmp_path / "a.jsonl", [float(n < 50) for n in range(100)])
    b = write_scores(tmp_path / "b.jsonl", [float(n < 80) for n in range(100)])
    return str(a), str(b)


def test_json_is_one_object_with_the_promised_keys_and_nothing_else(files, capsys):
    assert run(["compare", *files, "--json"]) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert len(lines) == 1 and not told.err
    found = json.loads(lines[0])
    assert list(found) == KEYS
    assert (found["decision"], found["n"], found["margin"]) == ("better", 100, 0.02)


def test_a_person_reads_one_line(files, capsys):
    assert run(["compare", *files]) == 0
    line = capsys.readouterr().out
    assert line.count("\n") == 1 and line.startswith("better: B - A = +0.3000 (+0.") and "n = 100" in line


def test_only_a_worse_b_fails_the_gate_and_only_where_it_was_asked_for(files, capsys):
    a, b = files
    assert run(["compare", a, b, "--fail-on-regression"]) == 0
    assert run(["compare", b, a]) == 0
    assert run(["compare", a, a, "--fail-on-regression"]) == 0
    capsys.readouterr()
    assert run(["compare", b, a, "--fail-on-regression", "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["decision"] == "worse" and told.err == "error: B is worse than A\n"


def test_the_margin_alone_makes_equal_of_open(tmp_path, capsys):
    scores = [float(n % 3 > 0) for n in range(300)]
    a, b = (str(write_scores(tmp_path / name, scores)) for name in "ab")
    decisions = {}
    for margin in ("0.001", "0.1"):
        assert run(["compare", a, b, "--margin", margin, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        decisions[found["margin"]] = found["decision"]
    assert decisions == {0.001: "inconclusive", 0.1: "equivalent"}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"q0": 1}, "1 ids of "),
        ({"q0": 1, "q1": 1, "q2": 0}, "1 ids of "),
    ],
)
def test_a_missing_id_is_refused_on_either_side(tmp_path, capsys, other, words):
    a = write_scores(tmp_path / "a.jsonl", [1, 0])
    b = tmp_path / "b.jsonl"
    b.write_text("".join(json.dumps({"id": i, "score": s}) + "\n" for i, s in other.items()))
    assert run(["compare", str(a), str(b), "--json"]) == 2
    told = capsys.readouterr()
    assert not told.out and told.err.count("\n") == 1 and words in told.err


def test_a_doubled_id_is_refused(tmp_path, capsys):
    a = write_scores(tmp_path / "a.jsonl", [1, 0])
    a.write_text(a.read_text() + '{"id": "q0", "score": 1}\n')
    assert run(["compare", str(a), str(a)]) == 2
    assert "id q0 stands twice" in capsys.readouterr().err


def test_a_thousand_items_take_less_than_three_seconds(tmp_path):
    """Measured as processor time, which other work on the machine does not stretch."""
    a = write_scores(tmp_path / "a.jsonl", [float(n % 2) for n in range(1000)])
    b = write_scores(tmp_path / "b.jsonl", [float(n % 3 > 0) for n in range(1000)])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "nichetune.cli.app", "compare", str(a), str(b), "--json"]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=alone)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert json.loads(done.stdout)["n"] == 1000
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3


def test_the_page_is_written_beside_the_json(files, tmp_path, capsys):
    page = tmp_path / "deep" / "pair.html"
    assert run(["compare", *files, "--json", "--html", str(page)]) == 0
    assert list(json.loads(capsys.readouterr().out)) == KEYS
    assert "<h1>B is better than A: +30.0 points.</h1>" in page.read_text()
