"""Archives and compressed files are read without unpacking them anywhere, and cannot do harm."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile

import pytest
from reading_tools import PAGES, pdf_bytes, problems, read_all, read_bytes, texts, word_bytes, zip_bytes

from nichetune.corpus.reading import archives, parts
from nichetune.corpus.reading.locate import find_files

NOTES = b'{"text": "one"}\n{"text": "two"}\n'


def zstd_bytes(data: bytes) -> bytes:
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def tar_bytes(members: dict[str, bytes], mode: str = "w:gz", links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return buffer.getvalue()


PACKED = {".gz": gzip.compress, ".zst": zstd_bytes, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("suffix", PACKED)
def test_a_compressed_file_reads_as_the_file_itself(tmp_path, suffix):
    found = read_bytes(tmp_path, f"a.jsonl{suffix}", PACKED[suffix](NOTES))
    assert found == read_bytes(tmp_path, "a.jsonl", NOTES)


@pytest.mark.parametrize("suffix", PACKED)
def test_a_compressed_file_that_is_cut_off_or_damaged_is_put_aside(tmp_path, suffix):
    data = PACKED[suffix](os.urandom(20_000))
    for broken in (data[:15_000], b"not compressed at all"):
        [problem] = problems(read_bytes(tmp_path, f"a.jsonl{suffix}", broken))
        assert problem.startswith(("damaged", "compressed data ends early"))


def test_several_zstd_frames_in_one_file_are_all_read(tmp_path):
    found = read_bytes(tmp_path, "a.jsonl.zst", zstd_bytes(NOTES) + zstd_bytes(b'{"text": "three"}\n'))
    assert texts(found) == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.zip", zip_bytes), ("a.tar", lambda m: tar_bytes(m, "w")), ("a.tar.gz", tar_bytes), ("a.tgz", tar_bytes),
     ("a.tar.xz", lambda m: tar_bytes(m, "w:xz")), ("a.tar.zst", lambda m: zstd_bytes(tar_bytes(m, "w")))],
)  # fmt: skip
def test_an_archive_of_mixed_files_is_read_member_by_member(tmp_path, name, pack):
    members = {"in/a.jsonl": NOTES, "b.docx": word_bytes(), "c.pdf": pdf_bytes(), "d.jsonl.gz": gzip.compress(NOTES)}
    found = read_bytes(tmp_path, name, pack(members))
    assert not problems(found)
    pages = [text.partition("\n\n")[0] for text in texts(found)]
    assert sorted(pages) == sorted(["one", "two"] * 2 + [text for _, text in PAGES] * 2)


def test_a_member_is_named_behind_its_archive(tmp_path):
    (tmp_path / "a.zip").write_bytes(zip_bytes({"in/a.jsonl": NOTES}))
    [found] = find_files(tmp_path, "a.zip").files
    assert [part.name for part in parts.open_parts(found, 100, tmp_path)] == ["a.zip/in/a.jsonl"]


OUTSIDE = ["../evil.jsonl", "/etc/evil.jsonl", "a/../../evil.jsonl", "C:\\evil.jsonl", "a\x1b[2J.jsonl"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_a_member_that_points_out_of_its_archive_is_put_aside_unnamed(tmp_path, name, suffix):
    data = zip_bytes({name: NOTES}) if suffix == ".zip" else tar_bytes({name: NOTES})
    assert problems(read_bytes(tmp_path, f"a{suffix}", data)) == ["unsafe path in an archive"]
    assert [one.name for one in tmp_path.iterdir()] == [f"a{suffix}"]


def test_links_in_an_archive_lead_nowhere(tmp_path):
    data = tar_bytes({"a.jsonl": NOTES}, links={"passwords.txt": "/etc/passwd"})
    assert problems(read_bytes(tmp_path, "a.tgz", data)) == ["a link in an archive"]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.zip", "a.tar.gz", "a.jsonl.zst"])
def test_a_bomb_is_left_before_it_fills_the_disk(tmp_path, monkeypatch, name):
    monkeypatch.setattr(parts, "_HARMLESS_BYTES", 1 << 20)
    bomb = b"0" * (1 << 24)
    packed = {
        "a.jsonl.gz": gzip.compress, "a.zip": lambda data: zip_bytes({"a.jsonl": data}),
        "a.tar.gz": lambda data: tar_bytes({"a.jsonl": data}), "a.jsonl.zst": zstd_bytes,
    }[name](bomb)  # fmt: skip
    assert problems(read_bytes(tmp_path, name, packed, max_expansion=20)) == [parts.BOMB]
    assert parts.BOMB not in problems(read_all(tmp_path / name, max_expansion=100_000))


def test_many_small_members_are_one_bomb_together(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "_HARMLESS_BYTES", 1 << 20)
    data = zip_bytes({f"{n}.txt": b"0" * (1 << 18) for n in range(40)})
    assert problems(read_bytes(tmp_path, "a.zip", data, max_expansion=2))[-1] == parts.BOMB


def test_an_archive_of_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    data = zip_bytes({f"{n}.jsonl": NOTES for n in range(4)})
    assert problems(read_bytes(tmp_path, "a.zip", data)) == ["an archive of more than 3 files: unpack it"]


def test_a_locked_member_costs_only_itself(tmp_path):
    data = bytearray(zip_bytes({"a.jsonl": NOTES, "b.jsonl": NOTES}))
    entry = data.index(b"PK\x01\x02")  # the directory's entry of the first member; its flags stand 8 bytes behind
    data[entry + 8] |= 1
    found = read_bytes(tmp_path, "a.zip", bytes(data))
    assert (problems(found), texts(found)) == (["password-protected"], ["one", "two"])


def test_a_damaged_member_costs_only_itself(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.jsonl", NOTES)
        archive.writestr("b.jsonl", NOTES)
    data = buffer.getvalue().replace(b"one", b"0n3", 1)  # the checksum no longer fits
    found = read_bytes(tmp_path, "a.zip", data)
    assert (problems(found), texts(found)) == (["damaged archive"], ["one", "two"])


def test_an_archive_in_an_archive_and_a_broken_or_empty_one_say_so(tmp_path):
    inner = "archive inside an archive: unpack it"
    assert problems(read_bytes(tmp_path, "a.zip", zip_bytes({"b.zip": zip_bytes({"c.txt": b"x"})}))) == [inner]
    assert problems(read_bytes(tmp_path, "a.zip", b"no zip")) == ["damaged zip archive"]
    assert problems(read_bytes(tmp_path, "a.tar", b"no tar" * 200)) == ["damaged tar archive"]
    assert read_bytes(tmp_path, "a.zip", zip_bytes({})) == []
