"""Answers from elsewhere: scored as a rung, on every sealed item or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nichetune.benchmark.lock import Lock
from nichetune.benchmark.seal import HEADER, ITEMS, load_benchmark, seal_benchmark
from nichetune.cli.app import run
from nichetune.core.files import read_json, write_json, write_jsonl
from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings_file import load_settings
from nichetune.corpus.split import BOILERPLATE
from nichetune.pipeline.run import open_project
from nichetune.pipeline.sealing import count_looks

SETTINGS = """\
project: desk
sources: [{path: data.csv, task: side}]
tasks: {side: {kind: form, fields: {side: {values: [left, right]}}}}
"""
N = 24


@pytest.fixture
def project(tmp_path) -> Path:
    (tmp_path / "nichetune.yaml").write_text(SETTINGS)
    settings = load_settings(tmp_path)
    items = [
        Example(id=f"i{n}", group=f"g{n}", task="side", messages=[Message(role="user", content=f"Pain, {n}")],
                expected=Expected(fields={"side": "left"}), source=Source(file="data.csv", line=n))
        for n in range(N)
    ]  # fmt: skip
    run_dir = tmp_path / "runs/desk"
    write_jsonl(run_dir / "benchmark" / ITEMS, items)
    write_json(run_dir / "benchmark" / BOILERPLATE, [])
    inside = {"items", "boilerplate", "suite_items"}
    sealed = seal_benchmark(settings, items, []).model_dump(mode="json", exclude=inside)
    write_json(run_dir / "benchmark" / HEADER, sealed)
    write_jsonl(run_dir / "mask/documents.jsonl", [])
    return tmp_path


def answers(right: int) -> list[dict[str, str]]:
    sides = ["left"] * right + ["right"] * (N - right)
    return [{"id": f"i{n}", "output": f'Sure: {{"side": "{side}"}} {{more}}'} for n, side in enumerate(sides)]


def score(project: Path, lines: list[dict], name: str, *more: str) -> int:
    write_jsonl(project / f"{name}.jsonl", lines)
    return run(["evaluate", "--project", str(project), "--from", str(project / f"{name}.jsonl"), "--as", name, *more])


def test_answers_are_scored_as_a_rung_and_compared(project, capsys):
    assert score(project, answers(18), "theirs", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["metrics"]["side.exact_form"]["value"] == 0.75
    assert score(project, answers(6)[::-1], "other") == 0
    folder = project / "runs/desk/evaluate"
    assert read_json(folder / "theirs/manifest.json")["facts"]["benchmark_digest"]
    assert "{more}" in (folder / "theirs/predictions.jsonl").read_text()
    capsys.readouterr()
    assert run(["compare", str(folder / "other"), str(folder / "theirs"), "--metric", "side.exact_form", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["difference"] == 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a[:-2], "2 of 24 sealed items have no answer, the first is i22"),
        (lambda a: [*a, a[3]], "record 25: id i3 stands twice"),
        (lambda a: [*a, {"id": "j1", "output": ""}], "id j1 is no item"),
        (lambda a: [{"id": "i0", "text": "left"}, *a[1:]], "record 1: each line is an object"),
        (lambda a: [{"id": "i0", "output": None}, *a[1:]], "record 1: each line is an object"),
    ],
)
def test_a_missing_doubled_or_strange_answer_is_one_line(project, capsys, change, words):
    assert score(project, change(answers(12)), "theirs") == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(told) == 1 and words in told[0]
    assert not (project / "runs/desk/evaluate/theirs").exists()


@pytest.mark.parametrize("name", ["qlora", "remote:big", "../out", ""])
def test_a_name_that_is_a_rung_or_no_folder_is_refused(project, capsys, name):
    write_jsonl(project / "a.jsonl", answers(3))
    assert run(["evaluate", "--project", str(project), "--from", str(project / "a.jsonl"), "--as", name]) == 2
    assert "--as" in capsys.readouterr().err


def test_an_unfinished_line_and_a_missing_file_are_told(project, capsys):
    assert run(["evaluate", "--project", str(project), "--from", "nowhere.jsonl", "--as", "theirs"]) == 2
    assert "no such file" in capsys.readouterr().err
    (project / "b.jsonl").write_text('{"id": "i0", "output": "x"}\n{"id": ')
    assert run(["evaluate", "--project", str(project), "--from", str(project / "b.jsonl"), "--as", "theirs"]) == 2
    assert "b.jsonl:2: not a JSON object" in capsys.readouterr().err


def test_an_import_is_a_look_and_leaves_the_benchmark_intact(project):
    settings = load_settings(project)
    opened = open_project(settings, project)
    benchmark = load_benchmark(opened.path("benchmark"))
    Lock(opened.run_dir).note_seal(benchmark, opened.path("benchmark"), "", locked=True)
    assert score(project, answers(18), "theirs") == 0
    assert run(["benchmark", "verify", "--project", str(project)]) == 0
    assert score(project, answers(18), "theirs") == 0  # the same file again is no second look
    looks = count_looks(opened)
    assert looks["total"] == 1 and [one["rung"] for one in looks["candidates"]] == ["theirs"]
