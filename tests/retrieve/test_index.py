"""The index stage: the same documents give the same digest, what is lost is rebuilt, mistakes are told."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nichetune.core.errors import UserError
from nichetune.core.files import iter_jsonl, read_json
from nichetune.core.records import Document, Source
from nichetune.core.stages import StageResult
from nichetune.retrieve.index import has_table
from nichetune.retrieve.search import open_index

DEMO = Path(__file__).parents[2] / "examples" / "icd10-eye-ear" / "build_corpus.py"
Build = Callable[[Path, list[Document]], StageResult]


def test_same_documents_in_another_order_give_the_same_digest(tmp_path: Path, build: Build, documents):
    one, two = build(tmp_path / "a", documents), build(tmp_path / "b", documents[::-1])
    assert one.digest == two.digest
    assert open_index(one.folder).version == open_index(two.folder).version


def test_changed_text_title_tenant_or_class_gives_another_version(tmp_path: Path, build: Build, documents):
    versions = set()
    for n, change in enumerate(({}, {"text": "x"}, {"title": "x"}, {"tenant": "x"}, {"document_class": "x"})):
        changed = [documents[0].model_copy(update=change), *documents[1:3]]
        versions.add(read_json(build(tmp_path / str(n), changed).folder / "index.json")["version"])
    assert len(versions) == 5


def test_finished_index_is_reused(tmp_path: Path, build: Build, documents):
    assert not build(tmp_path, documents).reused
    assert build(tmp_path, documents).reused


def test_lost_table_is_rebuilt_and_answers_as_before(tmp_path: Path, build: Build, documents):
    folder = build(tmp_path, documents).folder
    before = open_index(folder).search("rosacea dermatitis", "clinic", 3)
    shutil.rmtree(folder / "derived")
    os.utime(folder / "index.json")  # a new process would open it anew
    index = open_index(folder)
    assert index.search("rosacea dermatitis", "clinic", 3) == before
    assert has_table(folder, index.version)
    assert build(tmp_path, documents).reused  # the table stands outside the digest


def test_killed_build_leaves_no_index_and_the_next_run_makes_the_same(tmp_path: Path, build: Build, documents):
    whole = build(tmp_path / "whole", documents).digest
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from conftest import build_index, make_documents; "
        "from pathlib import Path; build_index(Path(sys.argv[2]), make_documents())"
    )
    run = tmp_path / "killed"
    child = subprocess.Popen([sys.executable, "-c", code, str(Path(__file__).parent), str(run)])
    while not list(run.glob(".index.work/.derived-*")) and child.poll() is None:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert not (run / "index").exists()
    assert build(run, documents).digest == whole
    assert not list((run / "index").glob(".derived-*"))


def test_repeated_document_is_dropped_and_counted(tmp_path: Path, build: Build, documents):
    manifest = build(tmp_path, [*documents, documents[0]]).manifest
    assert manifest["dropped"] == {"repeated document": 1} and manifest["counts"]["in"] == len(documents) + 1


def test_two_documents_with_one_id_are_refused_with_both_places(tmp_path: Path, build: Build, documents):
    other = documents[0].model_copy(update={"text": "another", "source": Source(file="b.csv", line=9)})
    with pytest.raises(UserError, match=r"id 'H10' \(list\.xml:None and b\.csv:9\)"):
        build(tmp_path, [*documents, other])


def test_no_documents_is_told_with_the_way_out(tmp_path: Path, build: Build):
    with pytest.raises(UserError, match="as: documents"):
        build(tmp_path, [])


def test_documents_longer_than_the_encoder_reads_are_counted(tmp_path: Path, build: Build, documents):
    long = documents[0].model_copy(update={"text": "word " * 400})
    assert build(tmp_path, [long, *documents[1:3]]).manifest["counts"]["longer than the encoder reads"] == 1


@pytest.mark.slow
def test_demos_questions_on_the_middle_ear_find_their_evidence_in_the_first_three(tmp_path: Path, build: Build):
    subprocess.run([sys.executable, DEMO, "--out", tmp_path / "corpus"], check=True, capture_output=True)
    source = Source(file="tabular_ear.jsonl")
    ear = [
        Document.model_validate(raw | {"source": source.model_dump()})
        for raw in iter_jsonl(tmp_path / "corpus" / "documents" / "tabular_ear.jsonl")
        if raw["id"].startswith(("H65", "H66", "H67", "H68", "H69", "H70", "H71", "H72", "H73", "H74", "H75"))
    ]
    index = open_index(build(tmp_path, ear).folder)
    asked = [
        raw
        for raw in iter_jsonl(tmp_path / "corpus" / "questions" / "coding_questions.jsonl")
        if set(raw["evidence"]) & {document.id for document in ear}
    ]
    hits = index.search_many([raw["question"] for raw in asked], "default", 3)
    found = [bool(set(raw["evidence"]) & {hit.id for hit in three}) for raw, three in zip(asked, hits, strict=True)]
    assert len(found) > 40 and sum(found) / len(found) >= 0.95
