"""The verbs that need no project: mask and dedupe on any JSON Lines file with `text`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from corpus_tools import lines, read_lines

from nichetune.core.errors import UserError
from nichetune.corpus.dedupe_file import dedupe_file
from nichetune.corpus.mask_file import mask_file


def test_one_line_out_for_each_line_in_with_offsets_into_the_original(tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    records = [{"n": 1.50, "text": "é Pt: Maria Keller", "x": {"y": [None, "ü"]}}, {"text": "nothing", "n": 2}]
    source.write_text(lines(records[0]) + "\n" + lines(records[1]))
    report = mask_file(source, target)
    first, blank, second = target.read_text(encoding="utf-8").splitlines()
    assert blank == ""
    assert report.counts == {"lines": 3, "texts": 2, "masked": 1}
    masked = json.loads(first)
    assert masked["entities"] == [{"start": 6, "end": 18, "type": "PERSON", "replacement": "[PERSON_1]"}]
    assert records[0]["text"][6:18] == "Maria Keller"
    assert {k: v for k, v in masked.items() if k not in ("text", "entities")} == {"n": 1.5, "x": {"y": [None, "ü"]}}
    assert '"entities": []' in second


def test_half_characters_and_other_odd_text_come_through(tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"text": "\\ud800 Pt: Maria Keller \\u2028 end"}\n')
    mask_file(source, target)
    assert "\\ud800 Pt: [PERSON_1] \\u2028 end" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", r"in\.jsonl:3: not JSON"),
        ('["a"]', r"in\.jsonl:3: not a JSON object"),
        ('{"note": "x"}', r"in\.jsonl:3: no `text` \(it has: note\)"),
        ('{"text": 7}', r"in\.jsonl:3: `text` is no text"),
    ],
)
@pytest.mark.parametrize("verb", [mask_file, dedupe_file])
def test_a_line_that_cannot_be_masked_is_named_and_nothing_is_written(tmp_path, line, message, verb):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(lines({"text": "a"}, {"text": "b"}, line))
    with pytest.raises(UserError, match=message):
        verb(source, target)
    assert list(tmp_path.iterdir()) == [source]


def test_deduping_a_file_drops_copies_and_groups_twins(tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    note = (
        "The patient was seen this morning for a central corneal opacity of the {} eye and is to come back in two "
        "weeks, with drops twice daily until then and a photograph taken at the next visit."
    )
    source.write_text(
        lines(
            {"id": "a", "text": note.format("right"), "side": "right"},
            {"id": "b", "text": note.format("right").upper(), "side": "right"},
            {"id": "c", "text": note.format("left"), "side": "left"},
            {"id": "d", "text": note.format("right") + " Ok.", "side": "right"},
            {"id": "e", "text": "Something else.", "side": "right"},
            {"id": "f", "text": "Something else!", "side": "left"},
        )
    )
    counts = dedupe_file(source, target)
    assert counts == {"in": 6, "out": 4, "exact_duplicates": 1, "near_duplicates": 1, "contradictions": 2}
    assert [(one["id"], one["group"]) for one in read_lines(target)] == [("a", "a"), ("c", "a"), ("e", "e"), ("f", "e")]


def test_kept_lines_come_out_as_they_came_with_their_group_behind(tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(
        b'\xef\xbb\xbf{"text":"One thing.", "n":1.50 }\r\n\n  {"id": "b", "group": "own", "text": "\\u00dc \\ud800"}\n'
        b'{"id": "\xc3\xa9", "text": "Another."}'
    )
    dedupe_file(source, target)
    assert target.read_bytes() == (
        b'{"text":"One thing.", "n":1.50, "group": "line 1"}\n{"id": "b", "group": "own", "text": "\\u00dc \\ud800"}\n'
        b'{"id": "\xc3\xa9", "text": "Another.", "group": "\xc3\xa9"}\n'
    )


def test_lines_of_one_id_keep_their_own_groups(tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(lines({"id": "a", "group": "g", "text": "One."}, {"id": "a", "group": "h", "text": "Two."}))
    dedupe_file(source, target)
    assert [one["group"] for one in read_lines(target)] == ["g", "h"]


def test_deduping_a_file_loads_no_engine(tmp_path):
    (tmp_path / "in.jsonl").write_text(lines({"text": "One thing."}, {"text": "one thing"}))
    script = """
import sys
from pathlib import Path
from nichetune.corpus.dedupe_file import dedupe_file
print(dedupe_file(Path(sys.argv[1]) / "in.jsonl", Path(sys.argv[1]) / "out.jsonl")["out"])
print({"daft", "pyarrow", "pandas", "torch"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "set()"]
