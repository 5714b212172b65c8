"""Settings: every mistake gets its line and its mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from nichetune.core.errors import SettingsError, UserError
from nichetune.core.settings_file import load_settings

GOOD = """\
project: x
sources: [{path: a.csv, task: t, map: {text: note}}]
tasks:
  t:
    kind: form
    fields: {side: {values: [left, right]}}
"""


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "nichetune.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "empty"),
        ("a: [1", 1, "not valid YAML"),
        (GOOD + "train: {learning_rat: 1}\n", 7, "did you mean `learning_rate`"),
        (GOOD + "train:\n  epochs: -1\n", 8, "train.epochs"),
        (GOOD.replace("task: t", "task: tt"), 2, "is no task"),
        (GOOD.replace("text: note", "fields.sid: s"), 2, "did you mean `fields.side`"),
        (GOOD + "rungs: [base, qlorra]\n", 7, "did you mean `qlora`"),
        (GOOD + "benchmark: {primary: u.exact}\n", 7, "names no task"),
        (GOOD + "mask: {enabled: false}\n", 7, "say why"),
        (GOOD.replace("kind: form", "kind: forms"), 5, "kind"),
        ("project: x\n", 1, "missing"),
    ],
)
def test_a_mistake_names_its_line_and_its_mend(tmp_path, text, line, words):
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, text))
    first = caught.value.problems[0]
    assert first.startswith(f"nichetune.yaml:{line}:") or (line == 1 and first.startswith("nichetune.yaml:")), first
    assert words in " ".join(caught.value.problems)


def test_all_problems_are_told_at_once(tmp_path):
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, GOOD + "train: {rank: 0, batch_size: 0}\nsplit: {holdout: 2}\n"))
    assert len(caught.value.problems) == 3


def test_an_override_wins_and_reads_scientific_numbers(tmp_path):
    settings = load_settings(write(tmp_path, GOOD), ["train.learning_rate=1e-4", "base.model=/models/mine"])
    assert settings.train.learning_rate == 1e-4
    assert settings.base.model == "/models/mine"


def test_an_override_that_is_no_assignment_is_refused(tmp_path):
    with pytest.raises(UserError, match="key=value"):
        load_settings(write(tmp_path, GOOD), ["train.epochs"])


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(UserError, match="nichetune init"):
        load_settings(tmp_path / "nowhere")
