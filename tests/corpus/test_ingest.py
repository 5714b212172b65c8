"""Users' files become examples and documents; what cannot be read is put aside without its text."""

from __future__ import annotations

import stat

import pytest
from corpus_tools import ingest_files, lines, make_settings, read_lines

from nichetune.core.errors import UserError

NOTES = {"path": "notes.jsonl", "task": "triage", "map": {"text": "note", "group": "condition"}}
NOTE = {"id": "n1", "note": "Pinguecula, OD.", "condition": "pinguecula", "finding": "Pinguecula", "side": "right"}
CHOICE = {"path": "mail", "task": "route"}


def note(number: int, **changes):
    return NOTE | {"id": f"n{number}", "hint": ""} | changes


def test_mapped_columns_become_an_example(tmp_path):
    out, _ = ingest_files(tmp_path, {"notes.jsonl": lines(note(1))}, make_settings([NOTES]))
    [example] = read_lines(out / "examples.jsonl")
    assert (example["id"], example["group"], example["task"]) == ("n1", "pinguecula", "triage")
    assert example["messages"] == [{"role": "user", "content": "Pinguecula, OD."}]
    assert example["expected"]["fields"] == {"finding": "Pinguecula", "side": "right", "hint": ""}
    assert example["source"]["file"] == "notes.jsonl"
    assert example["source"]["line"] == 1


def test_a_label_is_stored_in_the_vocabulary_s_own_spelling(tmp_path):
    out, _ = ingest_files(tmp_path, {"notes.jsonl": lines(note(1, side=" RIGHT. "))}, make_settings([NOTES]))
    assert read_lines(out / "examples.jsonl")[0]["expected"]["fields"]["side"] == "right"


def test_the_declared_field_value_makes_an_abstention(tmp_path):
    records = lines(note(1), note(2, side="none"))
    out, _ = ingest_files(tmp_path, {"notes.jsonl": records}, make_settings([NOTES]))
    assert [one["expected"]["abstain"] for one in read_lines(out / "examples.jsonl")] == [False, True]


def test_broken_records_are_counted_by_reason_and_leave_no_text(tmp_path):
    good = [note(n) for n in range(40)]
    bad = ['{"id": "secretname', "[1, 2]", note(90, note="  "), note(91, note="word " * 500), note(3)]
    settings = make_settings([NOTES], ingest={"max_broken_share": 0.1})
    out, report = ingest_files(tmp_path, {"notes.jsonl": lines(*good, *bad)}, settings)
    assert report.dropped == {
        "duplicate id": 1, "empty text": 1, "not JSON": 1, "not a JSON object": 1, "text too long": 1
    }  # fmt: skip
    aside = read_lines(out / "quarantine.jsonl")
    assert [one["source"]["line"] for one in aside] == [41, 42, 43, 44, 45]
    assert all(len(one["source"]["sha256"]) == 64 for one in aside)
    assert "secretname" not in (out / "quarantine.jsonl").read_text()
    assert report.counts["in"] == report.counts["examples"] + sum(report.dropped.values())


def test_too_large_a_share_of_broken_lines_stops_and_names_the_first(tmp_path):
    with pytest.raises(UserError, match=r"1 of 4 records .*notes\.jsonl:2 \(not JSON\)"):
        records = lines(note(1), "{broken", note(2), note(3))
        ingest_files(tmp_path, {"notes.jsonl": records}, make_settings([NOTES]))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_is_read_whatever_its_delimiter_and_quoting(tmp_path, delimiter):
    rows = [["text", "label"], ['"Where is my bill?\nIt is late, too."', "Billing"], ["Hello", "front desk"]]
    text = "\ufeff" + "\r\n".join(delimiter.join(row) for row in rows) + "\r\n"
    out, report = ingest_files(tmp_path, {"mail/a.csv": text}, make_settings([CHOICE]))
    first, second = read_lines(out / "examples.jsonl")
    assert first["messages"][0]["content"].startswith("Where is my bill?\nIt is late")
    assert [first["expected"]["answer"], second["expected"]["answer"]] == ["billing", "front desk"]
    assert (first["source"]["line"], second["source"]["line"]) == (2, 4)
    assert not report.dropped


def test_a_forgotten_quote_costs_one_row_and_not_the_rest_of_the_file(tmp_path):
    rows = ["text,label", *(f"mail {n},billing" for n in range(30)), '"never closed,billing', "a,b,c", "last,billing"]
    settings = make_settings([CHOICE], ingest={"max_broken_share": 0.1})
    out, report = ingest_files(tmp_path, {"mail/a.csv": "\n".join(rows) + "\n"}, settings)
    assert report.dropped == {"quote never closed": 1, "wrong column count": 1}
    assert read_lines(out / "examples.jsonl")[-1]["messages"][0]["content"] == "last"


def test_lines_of_two_encodings_in_one_file_are_both_read(tmp_path):
    record = lines(note(1, note="Menière, señor Müllner"))
    mixed = record.encode("utf-8") + record.replace("n1", "n2").encode("latin-1")
    out, report = ingest_files(tmp_path, {"notes.jsonl": mixed}, make_settings([NOTES]))
    texts = [one["messages"][0]["content"] for one in read_lines(out / "examples.jsonl")]
    assert texts == ["Menière, señor Müllner"] * 2
    assert not report.dropped


@pytest.mark.parametrize("encoding", ["utf-16", "cp1251", "utf-8-sig"])
def test_other_encodings_are_recognised(tmp_path, encoding):
    text = lines(note(1, note="Катаракта правого глаза, осмотр проведён сегодня утром в клинике"))
    out, _ = ingest_files(tmp_path, {"notes.jsonl": text.encode(encoding)}, make_settings([NOTES]))
    assert "правого глаза" in read_lines(out / "examples.jsonl")[0]["messages"][0]["content"]


def test_bytes_that_are_no_text_are_put_aside(tmp_path):
    data = lines(*(note(n) for n in range(30))).encode() + b'{"id": "x", "note": "\x00\x01\xff"}\n'
    _, report = ingest_files(tmp_path, {"notes.jsonl": data}, make_settings([NOTES]))
    assert report.dropped == {"undecodable": 1}


def test_markdown_becomes_passages_titled_by_their_path_of_headings(tmp_path):
    page = "Before.\n\n# Desk\n\n## Phones\nRing twice.\n\n```\n# no heading\n```\n\n# Night\nLock up.\n"
    sources = [NOTES, {"path": "book", "as": "documents"}]
    out, _ = ingest_files(tmp_path, {"notes.jsonl": lines(note(1)), "book/rules.md": page}, make_settings(sources))
    found = read_lines(out / "documents.jsonl")
    assert [one["title"] for one in found] == ["rules", "Desk > Phones", "Night"]
    assert "# no heading" in found[1]["text"]
    assert [one["id"] for one in found] == ["rules.md#rules", "rules.md#phones", "rules.md#night"]
    assert [one["source"]["line"] for one in found] == [1, 6, 13]


def test_a_long_plain_text_is_cut_between_paragraphs(tmp_path):
    text = "\n\n".join(f"Paragraph {n}. " + "word " * 80 for n in range(4))
    sources = [NOTES, {"path": "book/*.txt", "as": "documents"}]
    out, _ = ingest_files(tmp_path, {"notes.jsonl": lines(note(1)), "book/a.txt": text}, make_settings(sources))
    found = read_lines(out / "documents.jsonl")
    assert [one["text"].count("Paragraph") for one in found] == [2, 2]
    assert len({one["id"] for one in found}) == 2


def test_lists_may_be_lists_or_separated_text(tmp_path):
    asks = lines(
        {"question": "a?", "answer": "x", "evidence": ["d1", "d2"]},
        {"question": "b?", "answer": "x", "evidence": "d1; d2"},
        {"question": "c?", "answer": "", "evidence": None, "abstain": "Yes"},
    )  # fmt: skip
    repairs = lines({"text": "jam", "steps": "1. Stop, lock.\n2. Open."}, {"text": "leak", "steps": ["Close."]})
    sources = [{"path": "asks.jsonl", "task": "ask"}, {"path": "repairs.jsonl", "task": "repair"}]
    out, _ = ingest_files(tmp_path, {"asks.jsonl": asks, "repairs.jsonl": repairs}, make_settings(sources))
    expected = [one["expected"] for one in read_lines(out / "examples.jsonl")]
    assert [one["evidence"] for one in expected[:3]] == [["d1", "d2"], ["d1", "d2"], []]
    assert expected[2]["abstain"]
    assert [one["steps"] for one in expected[3:]] == [["Stop, lock.", "Open."], ["Close."]]


def test_ids_that_are_missing_come_from_the_place_and_stay_the_same(tmp_path):
    text = lines({"text": "Where is my bill?", "label": "billing"}, {"text": "Hello", "label": "front desk"})
    names = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        out, _ = ingest_files(tmp_path / folder, {"mail/a.jsonl": text}, make_settings([CHOICE]))
        names.append([(one["id"], one["group"]) for one in read_lines(out / "examples.jsonl")])
    assert names[0] == names[1] == [("a.jsonl:1", "a.jsonl:1"), ("a.jsonl:2", "a.jsonl:2")]


def test_files_of_one_name_in_two_folders_do_not_hide_each_other(tmp_path):
    sources = [CHOICE, {"path": "book", "as": "documents"}]
    mail = lines({"text": "Where is my bill?", "label": "billing"})
    pages = {"book/a/index.md": "# One\nx", "book/b/index.md": "# One\ny"}
    files = {"mail/a/m.jsonl": mail, "mail/b/m.jsonl": mail} | pages
    out, report = ingest_files(tmp_path, files, make_settings(sources))
    assert not report.dropped
    assert [one["id"] for one in read_lines(out / "examples.jsonl")] == ["m.jsonl:1", "mail/b/m.jsonl:1"]
    assert [one["id"] for one in read_lines(out / "documents.jsonl")] == ["index.md#one", "book/b/index.md#one"]


def test_columns_that_identify_a_person_become_pseudonyms(tmp_path):
    source = {"path": "notes.jsonl", "task": "triage", "map": {"text": "note", "id": "mrn", "group": "patient_name"}}
    records = lines(note(1, mrn="00482913", patient_name="Maria Keller"))
    out, _ = ingest_files(tmp_path, {"notes.jsonl": records}, make_settings([source]))
    written = (out / "examples.jsonl").read_text()
    assert "00482913" not in written
    assert "Maria Keller" not in written


def test_unmasked_files_are_their_owner_s_alone(tmp_path):
    out, _ = ingest_files(tmp_path, {"notes.jsonl": lines(note(1))}, make_settings([NOTES]))
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert stat.S_IMODE((out / "examples.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("files", "source", "message"),
    [
        ({}, NOTES, r"no such file: notes\.jsonl"),
        ({"a.txt": "x"}, {"path": "*.csv", "task": "route"}, r"no file matches \*\.csv"),
        ({"mail/x.bin": "x"}, {"path": "mail/x.bin", "task": "route"}, r"its format cannot be told"),
        ({"notes.jsonl": lines({"body": "x", "side": "left"})}, NOTES, r"no column 'note' .*it has: body, side"),
        ({"mail/a.csv": "words,label\nhi,billing\n"}, CHOICE, r"no known column for the text.*it has: words, label"),
        ({"mail/a.csv": "text,kind\nhi,billing\n"}, CHOICE, r"no known column for the answer.*it has: text, kind"),
        ({"notes.jsonl": lines(note(1, side="up"))}, NOTES, r"notes\.jsonl:1: side: 'up' .*right, left, none"),
        ({"mail/a.csv": "text,label\nhi,nobody\n"}, CHOICE, r"a\.csv:2: answer: 'nobody' .*billing, front desk"),
        ({"notes.jsonl": ""}, NOTES, r"the corpus is empty"),
        ({"notes.jsonl": lines(note(1, note=""))}, NOTES, r"the corpus is empty.*empty text 1"),
    ],
)
def test_each_wrong_corpus_has_its_own_one_line_error(tmp_path, files, source, message):
    with pytest.raises(UserError, match=message) as caught:
        ingest_files(tmp_path, files, make_settings([source]))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_a_long_wrong_label_is_not_quoted(tmp_path):
    text = "Maria Keller of 12 Oak Street says that her left eye hurts"
    with pytest.raises(UserError, match="a value of 58 characters") as caught:
        ingest_files(tmp_path, {"notes.jsonl": lines(note(1, side=text))}, make_settings([NOTES]))
    assert "Keller" not in str(caught.value)
