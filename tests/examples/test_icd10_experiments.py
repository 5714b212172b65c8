"""The demo's experiments ask for settings that there are."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from tests.conftest import ROOT

from nichetune.core.settings_file import load_settings

EXAMPLE = ROOT / "examples/icd10-eye-ear"


def test_both_arms_of_the_canaries_train_on_the_same_and_differ_by_masking(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import canaries

    masked, bare = (load_settings(EXAMPLE, [*canaries.COMMON, *own]) for own in canaries.ARMS.values())
    assert masked.canaries == bare.canaries and masked.canaries.count == 10
    assert masked.train == bare.train and masked.train.examples == 80
    assert (masked.mask.enabled, bare.mask.enabled) == (True, False) and bare.mask.because


@pytest.mark.parametrize("target", ["curve", "canaries", "serving"])
def test_make_runs_what_there_is(target):
    shown = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    scripts = [
        word for line in shown.replace("\\\n", " ").splitlines() for word in shlex.split(line) if word.endswith(".py")
    ]
    assert scripts and all((ROOT / name).is_file() for name in scripts)
