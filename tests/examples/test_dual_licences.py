"""The second real task: from its settings alone, out of a pinned package, to a sealed benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nichetune.cli.app import run
from nichetune.core.files import read_json

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project made of the template, its data stages run; no model is touched."""
    folder = tmp_path_factory.mktemp("desk") / "licences"
    assert run(["init", str(folder), "--template", "dual-licences"]) == 0
    command = ["run", "--project", str(folder), "--run-dir", str(folder / "run"), "--until", "benchmark"]
    assert run(command) == 0
    return folder


def read_manifest(project: Path, stage: str) -> dict:
    return read_json(project / "run" / stage / "manifest.json")


def read_answers(project: Path, part: str) -> dict[str, str]:
    lines = (project / "run" / "split" / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return {one["id"]: one["expected"]["answer"] for one in map(json.loads, lines)}


def test_the_project_is_its_settings_alone(project: Path):
    made = {one.name for one in project.iterdir()} - {"run"}
    assert made == {"nichetune.yaml", "README.md", ".gitignore"}


def test_every_file_of_the_package_is_accounted_for(project: Path):
    manifest = read_manifest(project, "ingest")
    assert manifest["counts"]["files"] == 3199
    assert manifest["counts"]["examples"] + sum(manifest["dropped"].values()) == 3199
    assert manifest["dropped"].keys() == {"text too long", "duplicate id"}
    assert all(name.startswith("licensedcode-data==32.1.0/licensedcode/data/rules/") for name in manifest["inputs"])


def test_false_alarms_of_the_scanner_are_no_examples(project: Path):
    assert read_manifest(project, "format")["dropped"] == {"no answer": 5}


def test_hundreds_of_items_are_sealed_and_keep_their_labels(project: Path):
    sealed, train = read_answers(project, "holdout"), read_answers(project, "train")
    assert len(sealed) == 406 and 550 <= len(train) <= 600
    assert not sealed.keys() & train.keys()
    assert not any("[" in answer for answer in [*sealed.values(), *train.values()])  # no key taken for a name
    assert any(" AND (" in answer for answer in sealed.values())
    assert len(set(sealed.values()) - set(train.values())) >= 100  # expressions that have to be put together
