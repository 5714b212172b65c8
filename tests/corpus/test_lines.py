"""Records of a file by their place: the same as all of them read at once."""

from __future__ import annotations

import pickle
from itertools import pairwise

import pytest
from corpus_tools import make_example
from hypothesis import given, settings
from hypothesis import strategies as st

from nichetune.core.errors import UserError
from nichetune.core.files import write_jsonl
from nichetune.core.records import Example
from nichetune.corpus import lines
from nichetune.corpus.lines import Lazy, RecordFile, find_lines

TEXTS = ["Pinguecula, OD.", "Ménière’s\u2028disease", "眼 \n\r\t \x85 end", "x" * 300]


@pytest.fixture
def corpus():
    return [make_example(f"n{n}", text) for n, text in enumerate(TEXTS)]


def test_each_record_is_read_by_its_place_and_travels(tmp_path, corpus):
    write_jsonl(tmp_path / "examples.jsonl", corpus)
    read = RecordFile(tmp_path / "examples.jsonl", tmp_path / "index.npy", Example)
    assert list(read) == corpus and read[2] == corpus[2] and read[1:3] == corpus[1:3]
    assert list(pickle.loads(pickle.dumps(read))) == corpus  # noqa: S301
    assert b"".join(map(read.line, range(len(read)))) == (tmp_path / "examples.jsonl").read_bytes()


def test_a_last_line_without_an_end_counts_and_an_empty_file_has_none(tmp_path):
    (tmp_path / "a").write_bytes(b"one\ntwo")
    (tmp_path / "b").write_bytes(b"")
    assert find_lines(tmp_path / "a").tolist() == [0, 4, 7]
    assert find_lines(tmp_path / "b").tolist() == [0]
    with pytest.raises(UserError, match="no such file"):
        find_lines(tmp_path / "c")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"") + b"\n"), max_size=9), st.integers(1, 7)
)
def test_lines_are_found_wherever_blocks_are_cut(tmp_path_factory, held: list[bytes], block: int):
    path = tmp_path_factory.mktemp("lines") / "file"
    path.write_bytes(b"".join(held))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_BLOCK", block)
        starts = find_lines(path).tolist()
    assert [b - a for a, b in pairwise(starts)] == [len(line) for line in held]


def test_what_is_lazy_is_made_only_when_it_is_asked_for():
    made = []
    lazy = Lazy([5, 6, 7], lambda n: made.append(n) or n * 10)
    assert len(lazy) == 3 and not made
    assert lazy[1] == 60 and made == [6]
    assert list(lazy[1:]) == [60, 70]
