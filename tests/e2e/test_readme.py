"""The README's lines do what they say: each `nichetune` line is run as it stands there, in its order."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from nichetune.core.settings import ServeSettings
from tests.conftest import ROOT
from tests.e2e.conftest import nichetune

pytestmark = pytest.mark.slow
README = (ROOT / "README.md").read_text()
BLOCK = [line.split("#")[0].split()[1:] for line in README.splitlines() if line.startswith("nichetune ")]
INLINE = [shlex.split(code)[1:] for code in re.findall(r"`(nichetune [^`]+)`", README)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("newcomer")


def serve_and_ask(folder: Path, arguments: list[str]) -> str:
    """Starts the server as it is written, asks whether it is well, and stops it."""
    command = [sys.executable, "-m", "nichetune.cli.app", *arguments]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            assert server.poll() is None, "the server ended by itself"
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{ServeSettings().port}/healthz", timeout=2) as answer:
                    return str(json.load(answer))
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server never answered")
    finally:
        server.terminate()
        server.wait(20)


SMALLER = """
# What is learnt is no question here.
split: {holdout: 0.15, max_train: {kind_of_character: 48}}
train: {epochs: 1}
"""


def test_the_lines_of_the_first_project_run_in_their_order(folder):
    said = {}
    for line in BLOCK:
        verb = line[0]
        if verb == "serve":
            said[verb] = serve_and_ask(folder, line)
            continue
        typed = {"input": "DIGIT SEVEN\n"} if verb == "chat" else {"stdin": subprocess.DEVNULL}
        said[verb] = nichetune(*line, cwd=folder, **typed).stdout
        if verb == "init":
            with (folder / "mine/nichetune.yaml").open("a") as settings:
                settings.write(SMALLER)
    assert list(said)[:2] == ["init", "check"] and {"run", "chat", "serve", "registry"} <= set(said)
    assert (folder / "mine/runs/starter/report/report.html").is_file()
    assert "ingest" in said["trace"]
    assert "production" in said["registry"] and said["chat"].strip()


def test_the_lines_without_a_project_run_on_any_file(folder):
    texts = ["Call Maria Keller at 617-555-0142.", "Nothing to hide here.", "nothing to hide  here."]
    (folder / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    own = [line for line in INLINE if line[0] in ("mask", "dedupe", "doctor")]
    assert len(own) == 4
    for line in own:
        done = nichetune(*line, cwd=folder)
        if "--explain" in line:
            assert "line 2" in done.stdout
        elif line[0] != "doctor":
            (folder / f"{line[0]}.jsonl").write_text((folder / "out.jsonl").read_text())
            (folder / "out.jsonl").unlink()
    masked = (folder / "mask.jsonl").read_text()
    assert "Keller" not in masked and "555-0142" not in masked and len(masked.splitlines()) == 3
    assert len((folder / "dedupe.jsonl").read_text().splitlines()) == 2
