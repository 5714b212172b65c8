"""One corpus, one result: whatever runs the heavy part, in however many parts, killed or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np
import pytest
from corpus_tools import make_example, make_settings

from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.files import hash_folder, write_jsonl
from nichetune.core.records import Source
from nichetune.core.settings import DataSettings
from nichetune.corpus import cleaning, dataplane, dedupe, shuffles, split
from nichetune.corpus.engine import start_engine
from nichetune.corpus.neighbours import find_neighbours

ROOT = Path(__file__).parents[2]
PART = 100
SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_engines
from nichetune.corpus import dataplane
dataplane.PART = int(sys.argv[4])
test_engines.run_stages(Path(sys.argv[2]), Path(sys.argv[3]))
"""


def run_stages(corpus, out, **data):
    """Dedupes and splits a corpus; the dedupe's report."""
    settings = make_settings(data=data)
    report = dedupe.run(settings, {"format": corpus}, out / "dedupe")
    split.run(settings, {"dedupe": out / "dedupe"}, out / "split")
    return report


def make_corpus(count):
    """Notes of 20 to 60 words: some are copies, near copies, or the same with another answer."""
    draw = Random(11)
    words = [f"word{a}{b}" for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrst"]
    notes: list[list[str]] = []
    for n in range(count):
        note = draw.choices(words, k=draw.randint(20, 60))
        if n % 4 == 3:
            note = list(draw.choice(notes))
            if draw.random() < 0.7:
                note[draw.randrange(len(note))] = draw.choice(words)
        notes.append(note)
    for n, note in enumerate(notes):
        source = Source(file=f"notes{n % 3}.jsonl", line=n)
        answer = "Yes." if n % 7 else "No."
        one = make_example(f"n{n}", " ".join(note), "explain", f"g{n // 2}", answer=answer)
        yield one.model_copy(update={"source": source})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engines") / "format"
    write_jsonl(folder / "examples.jsonl", make_corpus(600))
    return folder


@pytest.fixture(scope="module")
def whole(corpus):
    """The digests of one part on this machine's cores."""
    out = corpus.parent / "whole"
    report = run_stages(corpus, out)
    assert report.dropped["exact duplicate"] > 10 and report.dropped["near duplicate"] > 30
    assert report.counts["contradictions"] > 1 and report.counts["joined_groups"] > 10
    assert (out / "split" / "contamination.jsonl").stat().st_size > 0
    return hash_folder(out)


def command(corpus, out, part):
    return [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(corpus), str(out), str(part)]


def environment():
    return os.environ | {"PYTHONPATH": str(ROOT / "src")}


def test_neither_parts_nor_shares_of_keys_change_the_result(corpus, whole, monkeypatch):
    monkeypatch.setattr(dataplane, "PART", PART)
    monkeypatch.setattr(shuffles, "_MOST_ROWS", 150)
    run_stages(corpus, corpus.parent / "parts")
    assert hash_folder(corpus.parent / "parts") == whole


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_parts_that_are_done(corpus, whole, monkeypatch):
    out = corpus.parent / "killed"
    work = out / "dedupe/derived/work"
    with subprocess.Popen(command(corpus, out, 30), env=environment(), start_new_session=True) as process:
        while not list(work.glob("bands/0*.parquet")) and process.poll() is None:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    assert not (out / "dedupe" / "examples.jsonl").exists()
    done = {file: file.stat().st_mtime_ns for file in work.glob("*/0*.parquet")}
    later = {}

    def watch(*args):
        found = find_neighbours(*args)
        later.update({file: file.stat().st_mtime_ns for file in done})
        return found

    monkeypatch.setattr(dataplane, "PART", 30)
    monkeypatch.setattr(cleaning, "find_neighbours", watch)
    run_stages(corpus, out)
    assert len(done) > 20 and later == done  # none was made again
    assert hash_folder(out) == whole


@pytest.mark.slow
def test_a_worker_that_dies_is_one_line_and_leaves_no_part(tmp_path, monkeypatch):
    monkeypatch.setattr(dataplane, "PART", 5)
    died, parent = str(tmp_path / "died"), os.getpid()

    def die(first, places):
        if os.getpid() != parent:
            open(died, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(SystemFailure, match=r"a worker of data\.engine was lost .* the same command again"):
        dataplane.write_parts("dying", die, np.arange(20), tmp_path)
    assert Path(died).exists() and not list(tmp_path.glob("*.parquet"))


def test_a_cluster_that_does_not_answer_is_one_line(monkeypatch):
    pytest.importorskip("ray")
    with pytest.raises(SystemFailure, match=r"Ray at 127\.0\.0\.1:9 does not answer"):
        start_engine(DataSettings(engine="ray", address="127.0.0.1:9"))
    with pytest.raises(UserError, match="'nowhere' is no address"):
        start_engine(DataSettings(engine="ray", address="nowhere"))


def test_without_ray_its_engine_is_refused_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install nichetune\[ray\]"):
        start_engine(DataSettings(engine="ray"))
