"""A user's own small project: real data that is not ICD, in a CSV with columns of its own, run once in full."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

SETTINGS = """\
project: characters
rungs: [classical, base, qlora]
sources:
  - {path: data/*.csv, task: kind, map: {text: name, answer: kind}}
tasks:
  kind:
    kind: choice
    prompt: A Unicode character has this name. Say what kind of character it is.
    short_prompt: Kind?
    values: [lower-case letter, upper-case letter, digit, mathematical symbol, punctuation, combining mark]
    max_new_tokens: 8
split: {holdout: 0.15, dev: 0.1, max_train: {kind: 48}}
train: {epochs: 1, rank: 4, alpha: 8, batch_size: 8, checkpoint_every_s: 1}
evaluate: {shots: [0, 4], shot_choices: 1, choice_items: 4, latency_items: 20}
benchmark: {bootstrap: 1000}
"""


def nichetune(*arguments: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs the command line as a user does."""
    command = [sys.executable, "-m", "nichetune.cli.app", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return done


def make_project(folder: Path) -> Path:
    """The project's folder: settings and a CSV of 240 rows."""
    builder = ROOT / "examples" / "starter" / "build_corpus.py"
    subprocess.run([sys.executable, builder, "--out", folder / "data"], check=True, capture_output=True)
    (folder / "nichetune.yaml").write_text(SETTINGS)
    return folder


def read_digests(run_dir: Path) -> dict[str, str]:
    """Content digest of every stage of a run, by its folder."""
    return {
        p.parent.relative_to(run_dir).as_posix(): json.loads(p.read_text())["digest"]
        for p in sorted(run_dir.rglob("manifest.json")) if "registry" not in p.parts
    }  # fmt: skip


@pytest.fixture(scope="session")
def own_project(tmp_path_factory) -> Path:
    """A project after one unbroken run."""
    folder = make_project(tmp_path_factory.mktemp("own") / "mine")
    nichetune("run", "--project", str(folder))
    return folder
