"""A source is a file, a folder of anything, a glob or a URL; what is not read is told, and breaks nothing."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time

import fsspec
import pytest
from corpus_tools import ingest_files, lines, make_settings, read_lines
from reading_tools import message, pdf_bytes, word_bytes, workbook_bytes, zip_bytes

from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.urls import show_url
from nichetune.corpus.reading.locate import find_files

MAIL = {"path": "mail", "task": "route"}
ROW = {"text": "Where is my bill?", "label": "billing"}


@pytest.fixture
def store():
    """fsspec's store in memory, empty before and after."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """What a new user has: a folder of everything, some of it broken, locked, in Latin-1, or long."""
    folder = tmp_path_factory.mktemp("mixed")
    long = "".join(f'{{"text": "call {n} about the bill", "label": "billing"}}\n' for n in range(200_000))
    files = {
        "mail/long.jsonl": long,
        "mail/latin.csv": "text,label\nWo ist die Möbelrechnung?,billing\n".encode("latin-1"),
        "mail/book.xlsx": workbook_bytes({"Tickets": [["text", "label"], ["Hello", "front desk"]]}),
        "mail/more.zip": zip_bytes({"in/a.jsonl.gz": gzip.compress(lines(ROW).encode()), "notes.xyz": b"?"}),
        "mail/broken.json": b'[{"text": "x", "label": "billing"}, {"te',
        "mail/broken.xlsx": workbook_bytes()[:900],
        "mail/cut.jsonl.gz": gzip.compress(lines(ROW).encode() * 50)[:-9],
        "mail/old.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "mail/.hidden/x.jsonl": "not read",
        "book/guide.pdf": pdf_bytes(),
        "book/locked.pdf": pdf_bytes("secret"),
        "book/rules.docx": word_bytes(),
        "book/a.eml": message().as_bytes(),
        "book/page.html": "<h1>Über uns</h1><p>Grüße".encode("latin-1"),
        "book/picture.png": b"\x89PNG",
    }
    started = time.monotonic()
    settings = make_settings([MAIL, {"path": "book", "as": "documents"}])
    out, report = ingest_files(folder, files, settings)
    return out, report, time.monotonic() - started


def test_a_folder_of_mixed_files_is_read_and_what_is_not_is_told(mixed):
    _, report, _ = mixed
    assert report.counts["examples"] == 200_000 + 4
    assert report.counts["documents"] == 6
    assert report.dropped == {
        "compressed data ends early": 1, "damaged office file": 1, "not JSON from line 1 on": 1, "password-protected": 1
    }  # fmt: skip
    assert report.facts["skipped_files"] == {
        "no reader for .doc: save it as .docx": 1, "no reader for .png": 1, "no reader for .xyz": 1
    }  # fmt: skip
    assert report.counts["in"] == report.counts["examples"] + report.counts["documents"] + sum(report.dropped.values())


def test_each_put_aside_file_keeps_its_name_and_digest(mixed):
    aside = {one["source"]["file"]: one for one in read_lines(mixed[0] / "quarantine.jsonl")}
    assert set(aside) == {"mail/broken.json", "mail/broken.xlsx", "mail/cut.jsonl.gz", "book/locked.pdf"}
    assert all(len(one["source"]["sha256"]) == 64 for one in aside.values())
    assert aside["book/locked.pdf"]["reason"] == "password-protected"


def test_latin_1_in_tables_and_pages_is_read_right(mixed):
    out = mixed[0]
    with (out / "examples.jsonl").open() as handle:
        assert any('"Wo ist die Möbelrechnung?"' in line for line in handle)
    documents = {one["title"]: one["text"] for one in read_lines(out / "documents.jsonl")}
    assert documents["Über uns"] == "Grüße"


def test_each_file_has_a_line_that_says_how_it_was_read(mixed):
    told = {one["file"]: one for one in read_lines(mixed[0] / "reading.jsonl")}
    assert told["mail/long.jsonl"]["kept"] == 200_000
    assert told["mail/latin.csv"]["encodings"] == {"cp1252": 1}
    assert told["mail/more.zip/in/a.jsonl.gz"]["read_as"] == "JSON Lines"
    assert told["mail/old.doc"]["passed_over"].startswith("no reader for .doc")
    assert told["book/locked.pdf"]["put_aside"] == {"password-protected": 1}


def test_a_passage_of_a_pdf_is_traced_to_its_page_and_a_row_to_its_sheet(mixed):
    sources = [one["source"] for one in read_lines(mixed[0] / "documents.jsonl")]
    assert [one["page"] for one in sources if one["file"] == "book/guide.pdf"] == [1, 2]
    with (mixed[0] / "examples.jsonl").open() as handle:
        [cell] = [json.loads(line)["source"] for line in handle if "book.xlsx" in line]
    assert (cell["part"], cell["line"]) == ("Tickets", 2)
    assert "page" not in cell


def test_200_000_lines_take_seconds(mixed):
    assert mixed[2] < 60  # some 8 s on two cores; the bound is for a busy machine


def test_memory_does_not_grow_with_the_number_of_lines(tmp_path):
    """Ten times the records in a process of their own: the peak stays, since no more than a few are held."""
    script = """
import resource, sys
from pathlib import Path
from nichetune.core.settings import Settings
from nichetune.corpus import ingest
folder = Path(sys.argv[1])
with (folder / "a.jsonl").open("w") as handle:
    for n in range(int(sys.argv[2])):
        handle.write('{"text": "call %d %s", "label": "billing"}\\n' % (n, "about the bill " * 40))
(folder / "out").mkdir()
source = {"path": "a.jsonl", "task": "route"}
task = {"kind": "choice", "values": ["billing"]}
settings = Settings.model_validate({"project": "p", "sources": [source], "tasks": {"route": task}})
ingest.run(settings, {"project": folder}, folder / "out")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    peaks = []
    for count in (2_000, 20_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", script, folder, str(count)], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] - peaks[0] < 10  # MiB; the corpus itself grew by 12 MB, its records by several times that


def test_a_url_is_read_like_a_folder_and_nothing_stays_behind(tmp_path, store):
    store.pipe("/corpus/a.jsonl", lines(ROW).encode())
    store.pipe("/corpus/sub/b.csv.gz", gzip.compress(b"text,label\nHello,front desk\n"))
    store.pipe("/corpus/.hidden", b"x")
    out, report = ingest_files(tmp_path, {}, make_settings([{"path": "memory://corpus", "task": "route"}]))
    sources = [one["source"]["file"] for one in read_lines(out / "examples.jsonl")]
    assert sources == ["memory:///corpus/a.jsonl", "memory:///corpus/sub/b.csv.gz"]
    assert not report.dropped
    names = {path.name for path in out.iterdir()}
    assert names == {"examples.jsonl", "documents.jsonl", "quarantine.jsonl", "reading.jsonl", "published.json"}


def test_a_remote_glob_and_a_single_remote_file_are_found(store):
    store.pipe("/corpus/a.jsonl", b"{}")
    store.pipe("/corpus/b.jsonl", b"{}")
    assert len(find_files(None, "memory://corpus/*.jsonl").files) == 2
    assert len(find_files(None, "memory://corpus/a.jsonl").files) == 1


def test_a_remote_file_s_version_changes_with_its_content(store):
    store.pipe("/corpus/a.jsonl", b"{}")
    first = find_files(None, "memory://corpus/a.jsonl").files[0].version()
    store.pipe("/corpus/a.jsonl", b"{} {}")
    assert find_files(None, "memory://corpus/a.jsonl").files[0].version() != first


def test_a_file_url_is_a_file(tmp_path):
    (tmp_path / "a b.jsonl").write_text("{}")
    [found] = find_files(tmp_path, f"file://{tmp_path}/a%20b.jsonl").files
    assert found.name == "a b.jsonl"


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("memory://nothing", UserError, "no such file: memory://nothing"),
        ("memory://nothing/*.csv", UserError, "no file matches"),
        ("nosuch://x/a.csv", UserError, "unknown kind of URL nosuch://"),
        ("http://user:hunter2@127.0.0.1:9/a.csv?token=hunter2", SystemFailure, "the store does not answer"),
    ],
)
def test_a_url_that_leads_nowhere_is_one_line_without_its_keys(tmp_path, store, url, error, words):
    with pytest.raises((UserError, SystemFailure), match=words) as caught:
        find_files(tmp_path, url)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_url_is_shown_without_its_keys():
    assert show_url("https://kim:pw@host/a.csv?sig=abc#x") == "https://host/a.csv"
    assert show_url("s3://key:secret@bucket/a.csv") == "s3://bucket/a.csv"
    assert show_url("notes/what?.csv") == "notes/what?.csv"


def test_settings_are_written_down_without_a_url_s_keys():
    settings = make_settings([{"path": "https://kim:hunter2@host/a.csv?sig=hunter2", "task": "route"}])
    assert "hunter2" not in settings.model_dump_json()
    assert settings.sources[0].path.endswith("sig=hunter2")


def test_a_share_of_broken_files_stops_and_names_the_first(tmp_path):
    files = {"mail/a.jsonl": lines(ROW), "mail/b.xlsx": workbook_bytes()[:900]}
    with pytest.raises(UserError, match=r"1 of 2 records .*the first is mail/b\.xlsx \(damaged office file\)"):
        ingest_files(tmp_path, files, make_settings([MAIL]))
    assert [path for path in (tmp_path / "private").iterdir() if path.name.endswith((".part", ".jsonl"))] == []


def test_a_folder_of_nothing_readable_says_what_lies_there(tmp_path):
    with pytest.raises(UserError, match=r"no readable file in mail .*no reader for \.doc: save it as \.docx"):
        ingest_files(tmp_path, {"mail/a.doc": "x"}, make_settings([MAIL]))


def test_a_column_that_comes_late_is_found_and_a_needed_one_is_waited_for(tmp_path):
    late = [{"body_text": "x", "n": n} for n in range(1_500)] + [
        {"text": "Hello", "label": "billing", "tenant": "north"}
    ]
    settings = make_settings([{"path": "a.jsonl", "task": "route"}], ingest={"max_broken_share": 1})
    out, report = ingest_files(tmp_path, {"a.jsonl": lines(*late)}, settings)
    [example] = read_lines(out / "examples.jsonl")
    assert (example["tenant"], example["source"]["line"]) == ("north", 1_501)
    assert report.dropped == {"no text": 1_500}


def test_two_runs_over_the_same_files_write_the_same_bytes(tmp_path):
    files = {"mail/a.zip": zip_bytes({"b.jsonl": lines(ROW).encode()}), "mail/c.eml": message().as_bytes()}
    source = MAIL | {"map": {"answer": "label"}}
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        settings = make_settings([source | {"path": "mail/a.zip"}])
        out, _ = ingest_files(tmp_path / name, files, settings)
        written.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert written[0] == written[1]
