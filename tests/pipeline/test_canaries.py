"""Canaries go the way of the corpus: masked as it is, and into training alone."""

from __future__ import annotations

import pytest

from nichetune.core.errors import SettingsError
from nichetune.core.files import read_records
from nichetune.core.records import Example
from nichetune.core.settings import Settings
from nichetune.core.settings_file import load_settings
from nichetune.corpus.canaries import is_canary, make_canaries
from nichetune.pipeline.flow import Project, run_one

STAGES = ("ingest", "mask", "format", "dedupe", "split")
WORDS = ["gate", "lamp", "door", "roof", "wall", "path", "yard", "well", "barn", "shed"]


def make_project(folder, **more) -> Project:
    rows = [f"n{n},The {WORDS[n % 10]} number {n * 37 % 1009} {WORDS[n // 10]} is open,answer {n}" for n in range(100)]
    (folder / "notes.csv").write_text("id,text,answer\n" + "\n".join(rows) + "\n")
    plain = {
        "project": "yard", "sources": [{"path": "notes.csv", "task": "note"}], "tasks": {"note": {"kind": "exact"}},
        "canaries": {"count": 3, "repeats": 4},
    }  # fmt: skip
    return Project(Settings.model_validate(plain | more), folder, folder / "run")


def test_every_canary_is_masked_and_trained_on_and_none_is_sealed(tmp_path):
    project = make_project(tmp_path, split={"max_train": {"note": 20}})
    for stage in STAGES:
        run_one(project, stage)
    parts = {p: read_records(project.path(f"split/{p}.jsonl"), Example) for p in ("train", "dev", "holdout")}
    assert sum(map(is_canary, parts["train"])) == 12
    assert not any(map(is_canary, [*parts["dev"], *parts["holdout"]]))
    assert len(parts["train"]) == 32 and len(parts["holdout"]) >= 20
    secrets = [canary.secret for canary in make_canaries(project.settings)]
    texts = [path.read_text(errors="replace") for path in project.run_dir.rglob("*") if path.is_file()]
    assert len(set(secrets)) == 3
    assert not [secret for secret in secrets if any(secret in text for text in texts)]


def test_unmasked_they_stand_in_training_as_they_are(tmp_path):
    project = make_project(tmp_path, mask={"enabled": False, "because": "a control"})
    for stage in STAGES:
        run_one(project, stage)
    answers = [e.expected.answer for e in read_records(project.path("split/train.jsonl"), Example) if is_canary(e)]
    assert sorted(answers) == sorted(c.secret for c in make_canaries(project.settings) for _ in c.records)


def test_a_project_without_text_of_its_own_cannot_have_canaries(tmp_path):
    (tmp_path / "nichetune.yaml").write_text(
        "project: p\nsources: [{path: a.csv, task: t}]\ntasks: {t: {kind: choice, values: [a, b]}}\n"
        "canaries: {count: 2}\n"
    )
    with pytest.raises(SettingsError, match="canaries stand in answers of free text"):
        load_settings(tmp_path / "nichetune.yaml")
