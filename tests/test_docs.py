"""Documents never disagree with the code: settings, examples, README, command line."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nichetune.cli.app import run
from nichetune.core.settings import RUNGS
from nichetune.core.settings_file import load_settings
from nichetune.core.settings_reference import render_reference

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(ROOT.glob("examples/*/nichetune.yaml"))
VERBS = re.findall(r"nichetune ((?:benchmark|registry|models) \w+|\w+)", (ROOT / "README.md").read_text())


def test_the_settings_page_is_what_the_models_say():
    assert (ROOT / "docs/settings.md").read_text() == render_reference(), (
        "run: python -m nichetune.core.settings_reference > docs/settings.md"
    )


def test_examples_are_found():
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_every_shipped_settings_file_is_valid(path):
    assert load_settings(path).project == path.parent.name


def read_runs(target: str) -> list[list[str]]:
    """The words of every `nichetune run` that a target of the Makefile makes."""
    shown = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [shlex.split(line) for line in shown.replace("\\\n", " ").splitlines() if "nichetune run" in line]


def test_make_ladder_asks_for_settings_that_there_are():
    words, *drift = read_runs("ladder")
    assert drift == read_runs("drift")
    asked = [words[n + 1] for n, word in enumerate(words) if word == "--set"]
    settings = load_settings(ROOT / words[words.index("--project") + 1], asked)
    assert settings.benchmark.seeds == 3
    assert (settings.economics.usd_per_wrong_answer, settings.economics.trainings) == (1.5, 4)
    assert {"classical", "base", "fewshot", "rag", "qlora", "lora", "full"} <= set(settings.rungs) <= set(RUNGS)


def test_make_drift_takes_the_first_arms_training_into_the_second():
    old, reindexed, retrained = read_runs("drift")
    (taken,) = [word for word in reindexed if word.startswith("train.from_run=")]
    assert taken.endswith(old[old.index("--run-dir") + 1]) and "--set" not in old + retrained
    settings = load_settings(ROOT / "examples/icd10-eye-ear/drift.yaml", [taken])
    assert settings.train.from_run.endswith("runs/drift/old") and "drift" in settings.suites


def test_the_readme_names_verbs():
    assert len(VERBS) >= 5


@pytest.mark.parametrize("verb", sorted(set(VERBS)))
def test_every_verb_in_the_readme_exists(verb, capsys):
    assert run([*verb.split(), "--help"]) == 0
    assert "Usage:" in capsys.readouterr().out


def test_help_imports_no_torch():
    code = (
        "import sys; from nichetune.cli.app import run; run(['--help']); print([m for m in ('torch', 'transformers', "
    )
    code += "'lancedb', 'spacy', 'daft', 'sqlalchemy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
