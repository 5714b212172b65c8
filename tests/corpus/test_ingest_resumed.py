"""A killed ingest goes on behind the last file that was read to its end, and ends with the bytes of an unbroken one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from corpus_tools import lines, make_settings

from nichetune.core.files import hash_folder
from nichetune.corpus import checkpoint, ingest
from nichetune.pipeline import private

ROOT = Path(__file__).parents[2]
SOURCES = [{"path": "corpus/**/*.jsonl", "task": "explain"}, {"path": "docs/*.md", "as": "documents"}]
SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_ingest_resumed
test_ingest_resumed.die_in_file(Path(sys.argv[2]), int(sys.argv[3]))
"""


def read_corpus(folder, run_dir):
    settings = make_settings(SOURCES, ingest={"max_broken_share": 0.5})
    return private.ingest(settings, folder / "project", run_dir, {"sources": SOURCES})


def die_in_file(folder, number):
    """Reads the corpus and is killed in the middle of a file."""
    checkpoint._EVERY_S, read, seen = 0.0, ingest.take_part, []

    def read_half(harvest, settings, source, part):
        seen.append(part.name)
        if len(seen) > number:
            harvest.keep(make_half(), "nowhere:1")
            os.kill(os.getpid(), signal.SIGKILL)
        yield from read(harvest, settings, source, part)

    ingest.take_part = read_half
    read_corpus(folder, folder / "killed")


def make_half():
    from corpus_tools import make_example

    return make_example("half a file", "Maria Keller", "explain", answer="Yes.")


@pytest.fixture
def corpus(tmp_path):
    """Files of one name in two folders, an id that comes twice, a broken line, a file that no reader is for."""
    files = {
        "corpus/a/notes.jsonl": lines({"id": "n1", "text": "a first note", "answer": "Yes."}, "{broken"),
        "corpus/b/notes.jsonl": lines({"text": "a second note", "answer": "No."}, {"id": "n1", "text": "b",
                                      "answer": "x"}),
        "corpus/c/notes.jsonl": lines({"text": "third", "answer": "No."}, {"id": "n1", "text": "c", "answer": "x"},
                                      {"id": "notes.jsonl:1", "text": "d", "answer": "x"}),
        "docs/a.md": "# A\\n\\nAll is well.\\n",
        "docs/b.md": "# B\\n\\nAll is still well.\\n",
    }  # fmt: skip
    for name, text in files.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize("number", [0, 2, 4])
def test_a_killed_ingest_goes_on_with_the_file_it_was_killed_in(corpus, number, monkeypatch):
    whole = read_corpus(corpus, corpus / "whole")
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(corpus), str(number)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    assert subprocess.run(command, env=environment, check=False, timeout=60).returncode == -signal.SIGKILL
    killed, taken, read = corpus / "killed", [], ingest.take_part
    assert not (killed / "ingest").exists()

    def watch(*args):
        taken.append(args[-1].name)
        return read(*args)

    monkeypatch.setattr(ingest, "take_part", watch)
    again = read_corpus(corpus, killed)
    assert len(taken) == 5 - number
    assert again.manifest["counts"] == whole.manifest["counts"] and again.digest == whole.digest
    assert hash_folder(killed / "private") == hash_folder(corpus / "whole/private")
    assert (killed / "private").stat().st_mode & 0o077 == 0


def test_a_changed_file_starts_the_ingest_over(corpus):
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(corpus), "2"]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, check=False, timeout=60)
    (corpus / "project/corpus/a/notes.jsonl").write_text(lines({"id": "n9", "text": "mended", "answer": "Yes."}))
    read_corpus(corpus, corpus / "killed")
    read_corpus(corpus, corpus / "whole")
    assert hash_folder(corpus / "killed/private") == hash_folder(corpus / "whole/private")
