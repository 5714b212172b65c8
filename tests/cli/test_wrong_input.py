"""Each mistake: one line that says what, where and how to fix it, exit status 2, no traceback."""

from __future__ import annotations

import errno
import json
import unicodedata
from pathlib import Path

import pytest
from safetensors import SafetensorError

from nichetune.cli.app import run
from nichetune.models.packaged import find_local
from nichetune.pipeline.checks import find_problems

FORM = """\
project: x
sources: [{path: data.csv, task: t, map: {text: note}}]
tasks: {t: {kind: form, fields: {side: {values: [left, right]}}}}
"""
NAMES = [unicodedata.name(chr(code)) for code in range(0x3A3, 0x3FF)]  # texts that are no copies of each other
ROWS = "note,side\n" + "".join(f"{name},{'left' if n % 2 else 'right'}\n" for n, name in enumerate(NAMES))


def project(tmp_path: Path, settings: str = FORM, data: str = ROWS) -> Path:
    (tmp_path / "nichetune.yaml").write_text(settings)
    (tmp_path / "data.csv").write_text(data)
    return tmp_path


def fails(capsys, *arguments: str) -> str:
    assert run([*arguments]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("settings", "data", "words"),
    [
        ("", ROWS, "empty"),
        ("a: [", ROWS, "not valid YAML"),
        (FORM + "trian: {}\n", ROWS, "did you mean `train`"),
        (FORM.replace("data.csv", "gone.csv"), ROWS, "gone.csv"),
        (FORM.replace(", map: {text: note}", ""), ROWS.replace("note,", "zzz,"), "zzz"),
        (FORM.replace("text: note", "fields.sied: side"), ROWS, "fields.side"),
        (FORM, ROWS + "pain,middle\n", "middle"),
        (FORM, "note,side\n", "corpus is empty"),
        (FORM.replace("side:", "parsed:"), ROWS, "a metric has that name"),
        (FORM + "rungs: [qlora, qlora+dpo]\n", ROWS, "no source holds any"),
    ],
    ids=["empty settings", "broken settings", "unknown key", "missing file", "no known column", "unknown field",
         "unknown label", "empty corpus", "a metric's name", "no preferences"],
)  # fmt: skip
def test_a_mistake_in_a_project_is_one_line(tmp_path, capsys, settings, data, words):
    line = fails(capsys, "ingest", "--project", str(project(tmp_path, settings, data)))
    assert words in line


def test_a_base_model_that_is_not_there_is_told_before_anything_runs(tmp_path, capsys):
    folder = project(tmp_path)
    line = fails(capsys, "run", "--project", str(folder), "--set", "base.model=/no/such/folder")
    assert "/no/such/folder" in line
    assert not (folder / "runs").exists()


def test_a_gguf_file_is_no_mistake_and_a_folder_without_weights_is(tmp_path):
    folder, file, empty = project(tmp_path), tmp_path / "own" / "base.gguf", tmp_path / "empty"
    file.parent.mkdir()
    file.write_bytes(b"GGUF")
    empty.mkdir()
    assert find_problems(folder, [f"base.model={file}"]) == []
    assert "no config.json" in find_problems(folder, [f"base.model={empty}"])[0]
    assert find_local("gpt2") is None  # a hub's id without an owner: a run leaves it to the hub


def test_too_few_items_say_how_many_are_needed(tmp_path, capsys):
    folder = project(tmp_path, data="".join(ROWS.splitlines(keepends=True)[:40]))
    line = fails(capsys, "run", "--until", "benchmark", "--project", str(folder))
    assert "20" in line


def test_a_line_without_text_is_named_and_nothing_is_written(tmp_path, capsys):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps({"text": "fine"}) + "\n" + json.dumps({"note": "no text"}) + "\n")
    assert "2" in fails(capsys, "mask", str(source), str(target))
    assert not target.exists()


def test_a_missing_project_says_how_to_make_one(tmp_path, capsys):
    assert "nichetune init" in fails(capsys, "run", "--project", str(tmp_path / "none"))


def test_an_unknown_stage_names_the_known_ones(tmp_path, capsys):
    assert "ingest" in fails(capsys, "run", "--until", "inges", "--project", str(project(tmp_path)))


def test_an_unknown_template_names_the_known_ones(tmp_path, capsys):
    assert "starter" in fails(capsys, "init", str(tmp_path / "new"), "--template", "nothing")


def test_check_lists_all_problems_at_once(tmp_path, capsys):
    folder = project(tmp_path, FORM + "trian: {}\nseeed: 3\n")
    assert run(["check", "--project", str(folder)]) == 2
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_an_unknown_version_names_what_exists(tmp_path, capsys):
    assert "version" in fails(capsys, "chat", "--ask", "x", "--project", str(project(tmp_path)))


@pytest.mark.parametrize(
    "error",
    [
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        RuntimeError("[enforce fail at inline_container.cc] . unexpected pos 64 vs 0"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_a_full_disk_is_one_line_whatever_library_met_it(tmp_path, capsys, monkeypatch, error):
    def meet_it(*_: object) -> None:
        raise error

    monkeypatch.setattr("nichetune.pipeline.run.run_one", meet_it)
    assert run(["run", "--project", str(project(tmp_path))]) == 3
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: the disk is full")


def test_ctrl_c_is_told_in_one_line(capsys, monkeypatch, tmp_path):
    from nichetune.cli import app

    def press(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("nichetune.pipeline.run.run_project", press)
    assert app.run(["ingest", "--project", str(project(tmp_path))]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "error: stopped; the same command goes on where it stood"
