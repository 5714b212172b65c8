"""Masking by parts: one result on any number of processes, in parts of any size, on Ray, killed or not."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest
from corpus_tools import make_document, make_example, make_settings, read_lines

from nichetune.core.files import hash_folder, list_files, write_json, write_jsonl
from nichetune.core.records import Example
from nichetune.corpus import mask, mask_file, mask_parts, masker

ROOT = Path(__file__).parents[2]
BLOCK = masker.BLOCK
NAMES = ["Maria Keller", "Olivia Chen", "Julia Welch", "John Osgood", "Peter Brandt", "Anna Lindow"]
POLICY = "identifiers: {all: [PERSON, PHONE_NUMBER, EMAIL_ADDRESS]}\nactions: {PERSON: surrogate, PHONE_NUMBER: hash}\n"
SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_mask_parts
from nichetune.corpus import dataplane
test_mask_parts.mask_all(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], processes=2)
print(dataplane.is_on_ray())
if dataplane.is_on_ray():
    import ray
    print(ray._private.worker._global_node.get_session_dir_path())
"""


def mask_all(corpus, out, engine="native", processes=1, key="a"):
    """Masks a corpus; the stage's report."""
    rules = {"policy": ["own.yaml"], "key_file": str(corpus / f"{key}.key"), "consistency": "corpus",
             "processes": processes}  # fmt: skip
    settings = make_settings(mask=rules, data={"engine": engine})
    out.mkdir(exist_ok=True)
    return mask.run(settings, {"ingest": corpus / "private", "project": corpus / "project"}, out)


def make_corpus(folder, documents, examples):
    """Examples of every kind; answers quote documents that name people."""
    draw = Random(5)
    texts = [f"Step {n}: call {draw.choice(NAMES)} at (503) 555-01{n % 100:02d}; then rest." for n in range(documents)]
    made = []
    for n in range(examples):
        name, group = draw.choice(NAMES), draw.choice([f"Dr. {NAMES[n % 6]}, {n // 40}", f"g{n // 3}"])
        kind, at = ("triage", "ask", "repair", "route")[n % 4], draw.randrange(documents)
        expected = {"ask": {"answer": texts[at][: draw.randint(20, 50)], "evidence": [f"d{n}x", f"d{at}"]},
                    "repair": {"steps": [f"tell {name}"]}, "route": {"answer": "billing"}, "triage": {}}  # fmt: skip
        made.append(make_example(f"Dr. {name}, {n}", f"Pt: {name}, visit {n}.", kind, group, **expected[kind]))
    source = folder / "private"
    write_jsonl(source / "examples.jsonl", made)
    write_jsonl(source / "documents.jsonl", [make_document(f"d{n}", text, "Steps") for n, text in enumerate(texts)])
    write_jsonl(source / "quarantine.jsonl", [])
    write_json(source / "published.json", [])
    (folder / "project").mkdir()
    (folder / "project" / "own.yaml").write_text(POLICY)
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Blocks of documents and examples that are no whole number."""
    return make_corpus(tmp_path_factory.mktemp("parts"), BLOCK + 9, 3 * BLOCK + 9)


@pytest.fixture(scope="module")
def whole(corpus):
    """The digests of one part in one process."""
    before, mask._LEAST_BLOCKS = mask._LEAST_BLOCKS, 100
    report = mask_all(corpus, corpus / "whole")
    mask._LEAST_BLOCKS = before
    assert report.facts["entities"]["PERSON"] > 400
    written = (corpus / "whole/examples.jsonl").read_text() + (corpus / "whole/documents.jsonl").read_text()
    assert not any(name in written for name in NAMES)
    assert not (corpus / "private" / mask.WORDS).exists()
    return hash_folder(corpus / "whole")


def test_neither_parts_nor_processes_change_the_result(corpus, whole):
    mask_all(corpus, corpus / "parts", processes=2)
    assert hash_folder(corpus / "parts") == whole


def test_quotations_stay_verbatim_and_a_group_keeps_one_name_across_parts(corpus, whole):
    texts = {one["id"]: one["text"] for one in read_lines(corpus / "whole/documents.jsonl")}
    examples = read_lines(corpus / "whole/examples.jsonl")
    quotes = [one["expected"] for one in examples if one["task"] == "ask"]
    assert all(one["answer"] in texts[one["evidence"][1]] for one in quotes) and len(quotes) > BLOCK / 2
    before = [one["group"] for one in read_lines(corpus / "private/examples.jsonl")]
    pairs = {(old, new["group"]) for old, new in zip(before, examples, strict=True)}
    assert len(pairs) == len({old for old, _ in pairs})
    assert sum(new.startswith("masked-") for _, new in pairs) > 20


def count_examples():
    return sum(type(one) is Example for one in gc.get_objects())


def test_no_more_than_a_block_of_examples_is_in_memory(corpus, whole, monkeypatch):
    alive = []

    def watch(*args):
        alive.append(count_examples())
        return masker.mask_block(*args)

    monkeypatch.setattr(mask_parts, "mask_block", watch)
    monkeypatch.setattr(mask, "_LEAST_BLOCKS", 100)
    before = count_examples()
    mask_all(corpus, corpus / "watched")
    assert len(alive) == 2 + 4 and max(alive) - before <= BLOCK + 1  # documents, examples
    assert hash_folder(corpus / "watched") == whole


def test_masking_a_file_holds_no_more_of_it_than_the_workers_do(tmp_path, monkeypatch):
    count, read, ahead = 6 * BLOCK, [], []
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    write_jsonl(source, ({"text": f"Pt: Maria Keller, visit {n}"} for n in range(count)))
    iter_lines, rewrite = mask_file.iter_text_lines, mask_file._rewrite

    def watch_lines(path):
        read.clear()  # it is read through before, for mistakes
        for one in iter_lines(path):
            read.append(1)
            yield one

    def watch_rewriting(*args):
        ahead.append(len(read) - len(ahead))
        return rewrite(*args)

    monkeypatch.setattr(mask_file, "iter_text_lines", watch_lines)
    monkeypatch.setattr(mask_file, "_rewrite", watch_rewriting)
    report = mask_file.mask_file(source, target, mask_file.MaskChoices(processes=1))
    assert report.counts == {"lines": count, "texts": count, "masked": count}
    assert max(ahead) <= 2 * BLOCK
    assert [one["text"] for one in read_lines(target)] == [f"Pt: [PERSON_1], visit {n}" for n in range(count)]


def test_parts_that_were_masked_with_another_key_are_made_again(tmp_path, monkeypatch):
    corpus = make_corpus(tmp_path, 3, 9)
    with monkeypatch.context() as crash:
        crash.setattr(mask, "add_counts", lambda files: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            mask_all(corpus, corpus / "other", key="b")
    assert list((corpus / "other/derived/work").glob("*/*.parquet"))
    mask_all(corpus, corpus / "other", key="c")
    mask_all(corpus, corpus / "fresh", key="c")
    assert hash_folder(corpus / "other") == hash_folder(corpus / "fresh")


def start(corpus, out, engine):
    """Masks in another process; a corpus of several parts in two workers."""
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(corpus), str(out), engine]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_a_killed_masking_goes_on_with_the_parts_that_are_done(corpus, whole, monkeypatch):
    out = corpus / "killed"
    work = out / "derived/work"
    with start(corpus, out, "native") as process:
        while not list(work.glob("examples/0*.parquet")) and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    wait_for_end(process.pid)
    assert not (out / "examples.jsonl").exists()
    done = {file: file.stat().st_mtime_ns for file in work.glob("*/0*.parquet")}
    assert 2 < len(done) < 6
    assert_masked(work)
    later = {}

    def watch(files):
        later.update({file: file.stat().st_mtime_ns for file in done})
        return real(files)

    real = mask.add_counts
    monkeypatch.setattr(mask, "add_counts", watch)
    mask_all(corpus, out)
    assert later == done  # none was made again
    assert hash_folder(out) == whole


def wait_for_end(group):
    """The workers of a killed process end, too."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    pytest.fail("a worker outlived the process that started it")


def assert_masked(work):
    """Nothing that stands in an unfinished stage names anybody."""
    for file in list_files(work):
        text = file.read_bytes()
        if file.suffix == ".parquet":
            text = json.dumps(pq.read_table(file).to_pylist(), default=bytes.decode).encode()
        assert not any(name.encode() in text for name in NAMES), file


@pytest.mark.slow
def test_a_ray_cluster_masks_to_the_same_result_and_keeps_the_key_to_itself(corpus, whole):
    pytest.importorskip("ray")
    out = corpus / "ray"
    with start(corpus, out, "ray") as process:
        told, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors[-2000:]
    on_ray, session = told.split()[:2]
    assert on_ray == "True"
    assert hash_folder(out) == whole
    key = (corpus / "a.key").read_text().strip()
    logs = [file for file in list_files(Path(session)) if not file.is_socket()]
    assert len(logs) > 5
    for file in [*logs, *list_files(out)]:
        text = file.read_bytes()
        assert key.encode() not in text and bytes.fromhex(key) not in text, file
        assert not any(name.encode() in text for name in NAMES), file
