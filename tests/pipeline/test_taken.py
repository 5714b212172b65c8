"""A finished run's training taken into another run: the same weights, told by digest, or one line on why not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.train.train_tools import save_tiny

from nichetune.cli.app import run
from nichetune.core.files import read_json

SETTINGS = """\
project: PROJECT
rungs: [classical, base, lora]
sources: [{path: notes.csv, task: side}]
tasks: {side: {kind: exact, short_prompt: "Side?", max_new_tokens: 4}}
mask: {enabled: false, because: made by a test}
split: {holdout: 0.3, dev: 0.1}
base: {model: ../base, dtype: float32}
train: {rank: 4, alpha: 8, epochs: 1, batch_size: 8, learning_rate: 5.0e-3}
benchmark: {bootstrap: 1000}
"""
PARTS = ["eyelid", "cornea", "retina", "lens", "iris", "sclera", "macula", "cochlea", "eardrum", "mastoid"]


def write_project(folder: Path, word: str) -> Path:
    """Eighty notes that share no words with those of another project."""
    folder.mkdir()
    rows = [f"{word}{n} {part}{word} {n * 37 % 101}{word},{part}-{n}" for n, part in enumerate(PARTS * 8)]
    (folder / "notes.csv").write_text("text,answer\n" + "\n".join(rows) + "\n")
    (folder / "nichetune.yaml").write_text(SETTINGS.replace("PROJECT", word))
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """old/ with a finished training, new/ with none, on one tiny base."""
    folder = tmp_path_factory.mktemp("taken")
    save_tiny(folder / "base")
    write_project(folder / "old", "old")
    write_project(folder / "new", "new")
    assert run(["run", "--project", str(folder / "old"), "--until", "train"]) == 0
    return folder


def start(world: Path, *more: str, source: str = "../old/runs/old", project: str = "new") -> int:
    return run(["run", "--project", str(world / project), "--set", f"train.from_run={source}", *more])


def test_the_old_adapter_is_evaluated_on_the_new_benchmark_and_its_digest_stands_in_the_manifest(world, capsys):
    assert start(world, "--json") == 0
    stages = [s["stage"] for s in json.loads(capsys.readouterr().out)["stages"]]
    assert "train/lora" in stages
    old, new = world / "old/runs/old/train/lora", world / "new/runs/new/train/lora"
    assert (old / "adapter/adapter_model.safetensors").read_bytes() == (
        new / "adapter/adapter_model.safetensors"
    ).read_bytes()
    manifest = read_json(new / "manifest.json")
    assert manifest["inputs"]["taken"] == manifest["facts"]["taken_from"] == read_json(old / "manifest.json")["digest"]
    candidates = [read_json(world / f"new/runs/new/evaluate/{r}/candidate.json") for r in ("lora", "classical")]
    assert all(c["adapter_digest"] for c in candidates)
    assert str(world) not in json.dumps(read_json(world / "new/runs/new/report/manifest.json")["settings"]["train"])


def test_a_trace_does_not_say_that_a_taken_rung_was_trained_on_a_record(world, capsys):
    assert start(world) == 0
    record = json.loads((world / "new/runs/new/split/train.jsonl").read_text().splitlines()[0])["id"]
    capsys.readouterr()
    taken = ["--set", "train.from_run=../old/runs/old"]
    assert run(["trace", record, "--project", str(world / "new"), *taken, "--json"]) == 0
    told = capsys.readouterr().out
    assert "not trained on, taken from a finished run" in told and '"trained on' not in told


def test_taking_again_reuses_and_a_moved_run_is_the_same_one(world, capsys):
    assert start(world) == 0
    shutil.copytree(world / "old/runs/old", world / "moved", dirs_exist_ok=True)
    capsys.readouterr()
    assert start(world, "--json", source="../moved") == 0
    assert all(s["reused"] for s in json.loads(capsys.readouterr().out)["stages"])


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("none there", "has no train/classical: no finished training stands there"),
        ("not trained", "has no train/lora: it trained classical"),
        ("changed", "was changed after its training"),
        ("split lost", "has lost split/train.jsonl"),
        ("other base", "set base.model to that one, or train anew"),
        ("seen", "overlap this sealed benchmark"),
    ],
)
def test_what_does_not_fit_is_one_line(world, tmp_path, capsys, harm, words):
    copy = shutil.copytree(world / "old/runs/old", tmp_path / "copy")
    more, project = ["--run-dir", str(tmp_path / "run"), "--until", "train"], "new"
    if harm == "none there":
        shutil.rmtree(copy / "train")
    elif harm == "not trained":
        shutil.rmtree(copy / "train/lora")
    elif harm == "changed":
        (copy / "train/lora/loss.jsonl").write_text("{}\n")
    elif harm == "split lost":
        shutil.rmtree(copy / "split")
    elif harm == "other base":
        save_tiny(tmp_path / "other", hidden_size=16)
        more += ["--set", f"base.model={tmp_path / 'other'}"]
    else:
        project, more = "old", [*more, "--set", "split.salt=another"]
    capsys.readouterr()
    assert start(world, *more, source=str(copy), project=project) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert len(errors) == 1 and words in errors[0]


def test_check_names_a_training_that_is_not_there(world, capsys):
    command = ["check", "--project", str(world / "new"), "--set", "train.from_run=../old/runs/old"]
    assert run([*command, "--set", "rungs=[lora, qlora]"]) == 2
    assert "has no train/qlora: it trained classical, lora" in capsys.readouterr().out
    assert run(command) == 0
