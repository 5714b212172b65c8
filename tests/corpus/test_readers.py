"""Every format is read from a real file of its kind; a broken one says why, an empty one gives nothing."""

from __future__ import annotations

import json

import pytest
from reading_tools import (
    PAGES,
    ROWS,
    mailbox_bytes,
    message,
    parquet_bytes,
    pdf_bytes,
    problems,
    read_bytes,
    scan_bytes,
    texts,
    word_bytes,
    workbook_bytes,
)

from nichetune.corpus.reading import json_file
from nichetune.corpus.reading.formats import FORMATS

JSONL = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
CSV = "note,side,seen\n" + "".join(f'"{row["note"]}",{row["side"]},{row["seen"]}\n' for row in ROWS)
TABLES = {
    "a.jsonl": JSONL,
    "a.json": json.dumps(ROWS, indent=1).encode(),
    "columns.json": json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]}).encode(),
    "nested.json": json.dumps({"version": "1.1", "data": ROWS}).encode(),
    "lines.json": b"\n" + JSONL,
    "wide.json": json.dumps(ROWS, ensure_ascii=False).encode("utf-16"),
    "a.csv": CSV.encode(),
    "a.tsv": CSV.replace(",side", "\tside")
    .replace(",seen", "\tseen")
    .replace('",', '"\t')
    .replace("t,", "t\t")
    .encode(),
    "a.parquet": parquet_bytes(),
    "a.xlsx": workbook_bytes(),
}
HTML = (
    b"<html><head><title>Desk</title><script>var x='no text'</script></head><body><nav>Home</nav><h1>Desk</h1>"
    b"<h2>Phones</h2><p>Ring <b>twice</b>, then wait for the answering machine.</p><h2>Night</h2>"
    b"<ul><li>Lock up at eight.</ul><p hidden>not shown</p></body></html>"
)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_each_format_gives_the_same_rows(tmp_path, name):
    found = read_bytes(tmp_path, name, TABLES[name])
    assert not problems(found)
    assert [{key: str(value) for key, value in one.values.items()} for one in found] == [
        {key: str(value) for key, value in row.items()} for row in ROWS
    ]
    assert len({one.sha256 for one in found}) == 2
    assert all(len(one.sha256) == 64 for one in found)


@pytest.mark.parametrize(
    ("name", "lines"), [("a.jsonl", [1, 2]), ("a.csv", [2, 3]), ("a.json", [2, 7]), ("lines.json", [2, 3]),
                        ("a.parquet", [1, 2]), ("a.xlsx", [2, 3])]
)  # fmt: skip
def test_rows_are_placed_where_a_person_finds_them(tmp_path, name, lines):
    assert [one.line for one in read_bytes(tmp_path, name, TABLES[name])] == lines


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.jsonl", b'{"note": "x"\n', "not JSON"),
        ("a.csv", b'note,side\n"open,left\n', "quote never closed"),
        ("a.csv", b'note,side\n"a"b,left\n', "stray quote"),
        ("a.json", b'[{"note": "x"}, {"note": \n', "not JSON from line 1 on"),
        ("a.json", b'[{"a": 1}\n{"a": 2}]', "not JSON from line 2 on"),
        ("a.json", b'{"note": ', "not JSON"),
        ("a.json", b'"text"', "not a JSON object or array"),
        ("a.parquet", parquet_bytes()[:-20], "damaged Parquet file"),
        ("a.xlsx", workbook_bytes()[:400], "damaged office file"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 nothing more", "damaged workbook"),
        ("a.md", b"\x00\x01\x02", "undecodable"),
        ("a.txt", pdf_bytes(), "no text but a PDF, whatever its name says"),
        ("a.html", b"\x89PNG\r\n\x1a\n", "no text but a picture, whatever its name says"),
        ("a.pdf", pdf_bytes()[:200], "damaged PDF"),
        ("a.pdf", b"no PDF", "damaged PDF"),
        ("a.docx", word_bytes()[:300], "damaged office file"),
        ("a.docx", b"no Word file", "damaged Word file"),
        ("a.eml", b"this is no mail at all\n\nreally\n", "no e-mail: it has no headers"),
        ("a.mbox", b"Subject: x\n\ny\n", 'not a mailbox: it does not begin with "From "'),
    ],
)
def test_a_broken_file_is_put_aside_with_its_reason_and_digest(tmp_path, name, data, problem):
    found = read_bytes(tmp_path, name, data)
    assert problems(found) == [problem]
    assert len(found[-1].sha256) == 64


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_an_empty_file_of_any_format_gives_no_record_and_no_crash(tmp_path, suffix):
    found = read_bytes(tmp_path, f"a{suffix}", b"")
    assert [one for one in found if one.values is not None] == []
    always_full = FORMATS[suffix] in ("parquet", "excel", "pdf", "docx")
    assert problems(found) == (["empty file"] if always_full else [])


def test_an_empty_table_has_no_rows(tmp_path):
    assert read_bytes(tmp_path, "a.json", b" [ ] ") == []
    assert read_bytes(tmp_path, "a.csv", b"note,side\n") == []
    assert read_bytes(tmp_path, "a.xlsx", workbook_bytes({"Empty": []})) == []


def test_an_array_longer_than_what_is_held_is_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(json_file, "_PIECE_CHARACTERS", 64)
    rows = [{"note": "x" * (n % 150), "n": n, "deep": {"list": [n, [n]]}} for n in range(300)]
    found = read_bytes(tmp_path, "a.json", json.dumps(rows).encode())
    assert [one.values for one in found] == rows


def test_one_conversation_in_a_json_file_stays_one_record(tmp_path):
    talk = {"id": "c1", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]}
    [record] = read_bytes(tmp_path, "a.json", json.dumps(talk, indent=2).encode())
    assert record.values == talk


def test_a_column_name_that_comes_twice_hides_no_column(tmp_path):
    [record] = read_bytes(tmp_path, "a.csv", b"note,note,side\na,b,left\n")
    assert record.values == {"note": "a", "note_2": "b", "side": "left"}


def test_a_file_full_of_stray_quotes_is_read_in_a_moment(tmp_path):
    rows = "".join(f'"5" nail number {n}",left\n' for n in range(3_000))
    found = read_bytes(tmp_path, "a.csv", f"note,side\n{rows}".encode())
    assert problems(found) == ["stray quote"] * 3_000


def test_cells_come_as_json_has_them(tmp_path):
    import datetime

    rows = [
        ["when", "at", "n", "share", "ok"],
        [datetime.date(2026, 3, 4), datetime.datetime(2026, 3, 4, 9, 5), 7, 0.5, True],
    ]
    [record] = read_bytes(tmp_path, "a.xlsx", workbook_bytes({"S": rows}))
    assert record.values == {"when": "2026-03-04", "at": "2026-03-04T09:05:00", "n": 7, "share": 0.5, "ok": True}


def test_every_visible_sheet_is_read_unless_one_is_named(tmp_path):
    sheets = {name: [["note"], [f"from {name}"]] for name in ("May", "June", "Draft")}
    data = workbook_bytes(sheets, hidden="Draft")
    found = read_bytes(tmp_path, "a.xlsx", data)
    assert [(one.part, one.line, one.values["note"]) for one in found] == [
        ("May", 2, "from May"),
        ("June", 2, "from June"),
    ]
    assert [one.part for one in read_bytes(tmp_path, "a.xlsx", data, sheet="June")] == ["June"]
    assert problems(read_bytes(tmp_path, "a.xlsx", data, sheet="July")) == ["no such sheet (sources[].sheet)"]


@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("a.md", "".join(f"## {title}\n\n{text}\n\n" for title, text in PAGES).encode(), "{}"),
        ("a.md", "".join(f"{title}\n---\n{text}\n\n" for title, text in PAGES).encode(), "{}"),
        ("a.html", HTML, "Desk > {}"),
        ("a.docx", word_bytes(), "Desk > {}"),
        ("a.pdf", pdf_bytes(), "{}"),
        ("a.pdf", pdf_bytes("owner", owner_only=True), "{}"),
    ],
)
def test_a_document_of_each_format_gives_the_same_passages_under_their_headings(tmp_path, name, data, title):
    found = read_bytes(tmp_path, name, data)
    assert not problems(found)
    assert [one.values["title"] for one in found] == [title.format(heading) for heading, _ in PAGES]
    assert [one.values["text"].split("\n\n")[0] for one in found] == [text for _, text in PAGES]


def test_a_pdf_s_passages_know_their_page(tmp_path):
    found = read_bytes(tmp_path, "a_guide.pdf", pdf_bytes(bookmarks=False))
    assert [(one.page, one.line, one.values["title"]) for one in found] == [(1, 1, "a guide"), (2, 1, "a guide")]


def test_a_word_table_is_read_row_by_row(tmp_path):
    assert texts(read_bytes(tmp_path, "a.docx", word_bytes()))[-1].endswith("OD | right eye")


def test_a_page_s_scripts_menus_and_hidden_parts_are_no_text(tmp_path):
    text = " ".join(texts(read_bytes(tmp_path, "a.html", HTML)))
    assert not [word for word in ("no text", "Home", "not shown") if word in text]


def test_a_page_in_the_encoding_that_it_names_is_read(tmp_path):
    page = '<meta charset="iso-8859-2"><h1>Żabia</h1><p>Świeże oko.</p>'.encode("iso-8859-2")
    [record] = read_bytes(tmp_path, "a.html", page)
    assert (record.values["title"], record.values["text"]) == ("Żabia", "Świeże oko.")


def test_preformatted_text_keeps_its_lines(tmp_path):
    [record] = read_bytes(tmp_path, "a.html", b"<p>Do:<pre>first\n  second</pre>")
    assert record.values["text"] == "Do:\n\nfirst\n  second"


def test_a_locked_pdf_and_a_locked_office_file_are_put_aside_as_locked(tmp_path):
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(512)
    assert problems(read_bytes(tmp_path, "a.pdf", pdf_bytes("secret"))) == ["password-protected"]
    assert problems(read_bytes(tmp_path, "a.xlsx", locked)) == ["password-protected"]
    assert problems(read_bytes(tmp_path, "a.docx", locked)) == ["password-protected"]


def test_a_scan_without_text_says_that_it_needs_ocr(tmp_path):
    assert problems(read_bytes(tmp_path, "a.pdf", scan_bytes())) == ["no text layer: scanned pages need OCR first"]


def test_a_message_is_one_record_with_its_headers_as_columns(tmp_path):
    [record] = read_bytes(tmp_path, "a.eml", message(html="<p>other</p>").as_bytes(), holds="examples", task="t")
    values = record.values
    assert (values["title"], values["text"], values["x-category"]) == ("Bill", "Where is my bill?", "billing")
    assert values["date"] == "2026-03-04T09:12:00+00:00"


def test_a_message_that_is_only_a_page_gives_the_page_s_text(tmp_path):
    mail = message()
    mail.clear_content()
    mail.set_content("<p>Where is<br>my bill?</p><script>no</script>", subtype="html", charset="iso-8859-1")
    assert texts(read_bytes(tmp_path, "a.eml", mail.as_bytes())) == ["Where is\nmy bill?"]


def test_an_attachment_is_put_aside_and_not_counted_as_broken(tmp_path):
    mail = message()
    mail.add_attachment(pdf_bytes(), maintype="application", subtype="pdf", filename="a.pdf")
    _, aside = read_bytes(tmp_path, "a.eml", mail.as_bytes())
    assert (aside.problem, aside.broken) == ("attachment not read", False)


def test_a_mailbox_gives_each_message_at_its_line(tmp_path):
    text = "First.\n\nFrom here on it is quoted.\n"
    data = mailbox_bytes(tmp_path, message("One", text), message("Two", "Second.\n"))
    found = read_bytes(tmp_path, "a.mbox", data)
    assert [one.values["title"] for one in found] == ["One", "Two"]
    assert "\nFrom here on" in found[0].values["text"]
    lines = data.decode().split("\n")
    assert all(lines[one.line - 1].startswith("From ") for one in found)


def test_one_broken_message_costs_the_mailbox_nothing_else(tmp_path):
    data = mailbox_bytes(tmp_path, message("One"), message("Two")) + b"\nFrom x\nno headers here\n\n"
    found = read_bytes(tmp_path, "a.mbox", data)
    assert (len(texts(found)), problems(found)) == (2, ["no e-mail: it has no headers"])
