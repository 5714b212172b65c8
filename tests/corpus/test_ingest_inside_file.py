"""An ingest that is killed inside one large file goes on behind the records it had noted, with the same bytes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from corpus_tools import lines, make_settings

from nichetune.core.files import hash_folder
from nichetune.corpus import checkpoint, intake
from nichetune.pipeline import private

ROOT = Path(__file__).parents[2]
RECORDS, NOTED_EVERY, KILLED_AT = 3_000, 100, 2_050
SOURCES = [
    {"path": "corpus/a.jsonl", "task": "explain"},
    {"path": "corpus/b.csv", "task": "explain"},
    {"path": "corpus/c.tsv.gz", "task": "explain"},
    {"path": "corpus/d.zip", "task": "explain"},
    {"path": "corpus/e.md", "as": "documents"},
]
SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_ingest_inside_file
test_ingest_inside_file.die_inside_file(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
"""


def read_corpus(project, run_dir):
    return private.ingest(make_settings(SOURCES), project, run_dir, {"sources": SOURCES})


def die_inside_file(project, run_dir, number):
    """Ingests, and is killed inside file `number`, fifty records behind the last that were noted."""
    checkpoint._EVERY_S, save = 0.0, checkpoint.Checkpoint.save

    def save_or_die(self, harvest, writers):
        if harvest.part.records % NOTED_EVERY == 0:
            save(self, harvest, writers)
        if harvest.done_files == number and harvest.part.records == KILLED_AT:
            for writer in writers.values():
                writer.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoint.Checkpoint.save = save_or_die
    read_corpus(project, run_dir)


def make_rows(name):
    """Records with all that is counted: an id that comes again, mojibake, an empty text, a column that comes late."""
    for n in range(RECORDS):
        row = {"id": f"{name}{n if n != RECORDS - 100 else 10}", "text": f"note {n} of a señor", "answer": "Yes."}
        if n in (40, RECORDS - 40):
            row["text"] = "Meniâ\x80\x99s ear, and Ã©tude" if n == 40 else " "
        yield row | ({"valid_from": "2026-01-02"} if n > 1_500 else {})


def make_lines(name):
    return lines(*("{broken" if n % 1_100 == 7 else row for n, row in enumerate(make_rows(name))))


def make_table(name, delimiter):
    """Rows of one or two lines, the last third in another encoding."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["id", "text", "answer"])
    for n, row in enumerate(make_rows(name)):
        writer.writerow([row["id"], row["text"] + "\nand so on" * (n % 3 == 0), row["answer"], *["x"] * (n % 900 == 5)])
    rows = text.getvalue().splitlines(keepends=True)
    return b"".join(
        row.encode("latin-1" if n > len(rows) * 2 / 3 else "utf-8", "replace") for n, row in enumerate(rows)
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Five large files, one of each way to hold lines."""
    folder = tmp_path_factory.mktemp("inside") / "project"
    (folder / "corpus").mkdir(parents=True)
    (folder / "corpus/a.jsonl").write_text(make_lines("a"))
    (folder / "corpus/b.csv").write_bytes(make_table("b", ","))
    (folder / "corpus/c.tsv.gz").write_bytes(gzip.compress(make_table("c", "\t")))
    with zipfile.ZipFile(folder / "corpus/d.zip", "w") as archive:
        archive.writestr("first.jsonl", lines({"id": "d", "text": "short", "answer": "Yes."}))
        archive.writestr("second.bin", b"nothing to read")
        archive.writestr("third.jsonl", make_lines("d"))
    (folder / "corpus/e.md").write_text("".join(f"# Part {n % 9}\n\nRest, then step {n}.\n\n" for n in range(RECORDS)))
    return folder


@pytest.fixture(scope="module")
def whole(project):
    """An unbroken ingest."""
    return read_corpus(project, project.parent / "whole")


@pytest.mark.parametrize("number", range(len(SOURCES)))
def test_a_run_that_is_killed_inside_a_file_goes_on_there(project, whole, number, monkeypatch):
    killed, taken, take = project.parent / f"killed{number}", [], intake._Intake._take
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(project), str(killed), str(number)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    assert subprocess.run(command, env=environment, check=False, timeout=120).returncode == -signal.SIGKILL
    noted = json.loads((killed / ".ingest.work/derived/done.json").read_text())["harvest"]
    assert (noted["done_files"], noted["part"]["records"]) == (number, KILLED_AT - KILLED_AT % NOTED_EVERY)

    def watch(*args):
        taken.append(args[-1].line)
        take(*args)

    monkeypatch.setattr(intake._Intake, "_take", watch)
    again = read_corpus(project, killed)
    assert len(taken) == whole.manifest["counts"]["in"] - noted["read"]
    assert again.manifest["counts"] == whole.manifest["counts"] and again.digest == whole.digest
    assert hash_folder(killed / "private") == hash_folder(project.parent / "whole/private")
    assert hash_folder(killed / "ingest", frozenset({"timing.json"})) == hash_folder(
        project.parent / "whole/ingest", frozenset({"timing.json"})
    )


def test_the_corpus_of_this_test_holds_what_is_counted(whole, project):
    dropped = whole.manifest["dropped"]
    assert dropped["not JSON"] == 6 and dropped["duplicate id"] >= 3 and dropped["wrong column count"] > 4
    tallies = [json.loads(line) for line in (project.parent / "whole/ingest/reading.jsonl").read_text().splitlines()]
    assert any(one["repaired"] for one in tallies) and any(len(one["encodings"]) > 1 for one in tallies)
