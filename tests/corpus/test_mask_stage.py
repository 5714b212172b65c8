"""The mask stage: every text of the corpus, closed values spared, quotations verbatim, no network."""

from __future__ import annotations

import json
import subprocess
import sys

from corpus_tools import make_document, make_example, make_settings, mask_records, read_lines

NOTE = "Pt: Maria Keller, MRN 00482913. Right eye: Pinguecula. Maria Keller agrees."
HANDBOOK = "Contact Mrs. Helen Osgood at (503) 555-0140. Bell's palsy is coded first, says Helen Osgood."


def test_texts_and_open_fields_are_masked_and_closed_fields_are_not(tmp_path):
    fields = {"finding": "Maria Keller", "side": "right", "hint": ""}
    out, report = mask_records(tmp_path, make_settings(), [make_example("n1", NOTE, fields=fields)])
    [example] = read_lines(out / "examples.jsonl")
    assert example["messages"][0]["content"].startswith("Pt: [PERSON_1], MRN [MEDICAL_RECORD_1]. Right eye")
    assert example["expected"]["fields"] == {"finding": "[PERSON_1]", "side": "right", "hint": ""}
    assert report.facts["masked"]
    assert json.loads((out / "entities.json").read_text()) == {"MEDICAL_RECORD": 1, "PERSON": 3}


def test_no_masked_value_stands_in_any_file_of_the_stage(tmp_path):
    example = make_example("Maria Keller 1", NOTE, group="Maria Keller")
    out, _ = mask_records(tmp_path, make_settings(), [example], [make_document("h", HANDBOOK)])
    written = "".join(path.read_text() for path in out.iterdir())
    for value in ("Keller", "Maria", "00482913", "Osgood", "Helen", "555-0140"):
        assert value not in written


def test_a_quotation_stays_verbatim_in_its_masked_document(tmp_path):
    examples = [
        make_example("a1", "Whom do I call?", task="ask", answer="Mrs. Helen Osgood at (503) 555-0140", evidence=["h"]),
        make_example("a2", "Mr. Ed Smith asks: palsy?", task="ask", answer="says Helen Osgood.", evidence=["h"]),
        make_example("a3", "What is first?", task="ask", answer="Bell's palsy is coded first", evidence=["h"]),
    ]
    out, _ = mask_records(tmp_path, make_settings(), examples, [make_document("h", HANDBOOK)])
    [document] = read_lines(out / "documents.jsonl")
    answers = [one["expected"]["answer"] for one in read_lines(out / "examples.jsonl")]
    assert all(answer in document["text"] for answer in answers)
    assert answers[0] == "Mrs. [PERSON_1] at [PHONE_NUMBER_1]"
    assert answers[2] == "Bell's palsy is coded first"


def test_a_published_text_keeps_its_names_and_loses_contact_details(tmp_path):
    text = "Also called: Meibomian cyst; Zeis gland of Otto Zeis. Write to otto@list.org."
    document = make_document("H00", text, "Chalazion", file="list.jsonl")
    note = make_example("n1", "Pt: Maria Keller. Meibomian cyst, OD.")
    out, _ = mask_records(tmp_path, make_settings(), [note], [document], published=("list.jsonl",))
    [masked] = read_lines(out / "documents.jsonl")
    assert masked["text"] == text.replace("otto@list.org", "[EMAIL_ADDRESS_1]")
    content = read_lines(out / "examples.jsonl")[0]["messages"][0]["content"]
    assert content == "Pt: [PERSON_1]. Meibomian cyst, OD."


def test_quarantine_is_passed_on(tmp_path):
    out, _ = mask_records(tmp_path, make_settings(), [make_example("n1", NOTE)])
    assert [one["reason"] for one in read_lines(out / "quarantine.jsonl")] == ["not JSON"]


def test_masking_turned_off_says_so_and_why(tmp_path):
    settings = make_settings(mask={"enabled": False, "because": "a public corpus"})
    out, report = mask_records(tmp_path, settings, [make_example("n1", NOTE)])
    assert report.facts["masked"] is False
    assert report.facts["because"] == "a public corpus"
    assert read_lines(out / "examples.jsonl")[0]["messages"][0]["content"] == NOTE


def test_masking_and_deduping_touch_no_network(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "Pt: Maria Keller, m.keller@mail.example.com"}\n' * 2)
    script = """
import socket, sys
def refuse(*args, **kwargs): raise SystemExit("the network was touched")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse
from pathlib import Path
from nichetune.corpus.mask_file import mask_file
from nichetune.corpus.dedupe_file import dedupe_file
folder = Path(sys.argv[1])
mask_file(folder / "in.jsonl", folder / "out.jsonl")
dedupe_file(folder / "out.jsonl", folder / "one.jsonl")
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert "Keller" not in done.stdout + done.stderr
    assert [one["text"] for one in read_lines(tmp_path / "one.jsonl")] == ["Pt: [PERSON_1], [EMAIL_ADDRESS_1]"]
