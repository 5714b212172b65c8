"""Write the triage records as the clinic's files: monthly JSONL, a Latin-1 scan, an old CSV export.

numbered records -> intake/2026-01.jsonl ... 2026-04.jsonl, scanner_latin1.jsonl, legacy_export.csv

    {"id": "int-0042", "received": "2026-02-11", "note": "Now: Pinguecula, OD.", "finding": "Pinguecula",
     "section": "conjunctiva", "side": "right", "action": "code", "condition": "pinguecula",
     "wording": "title", "pattern": "telegraphic/0/alone/alone"}
"""

import csv
import json
from pathlib import Path
from random import Random

from dirt import Record

MONTHS = ("2026-01", "2026-02", "2026-03", "2026-04")
COLUMNS = ("id", "note", "finding", "section", "side", "action", "condition", "wording", "pattern")
# The old system had names of its own for the same columns.
CSV_COLUMNS = {
    "ticket_no": "id",
    "free_text": "note",
    "dx_finding": "finding",
    "dx_section": "section",
    "laterality": "side",
    "next_step": "action",
    "dx_group": "condition",
    "wording": "wording",
    "layout": "pattern",
}
SCANNER_RECORDS = 14
CSV_RECORDS = 120
BROKEN_LINES = 6


def write_intake(records: list[Record], scanned: list[Record], folder: Path, rng: Random) -> list[dict]:
    """Write all files and return where the broken lines stand: [{"file": ..., "line": 17}, ...]."""
    folder.mkdir(parents=True)
    _write_scanner(scanned, folder / "scanner_latin1.jsonl")
    rest = [record for record in records if not any(record is one for one in scanned)]
    _write_csv(rest[:CSV_RECORDS], folder / "legacy_export.csv")
    return _write_months(rest[CSV_RECORDS:], folder, rng)


def pick_scanned(records: list[Record], rng: Random) -> list[Record]:
    """The records for the Latin-1 file: those with an accent in the note, filled up with others."""
    plain = [record for record in records if "_dirt" not in record and record["note"].isascii()]
    accented = [record for record in records if "_dirt" not in record and not record["note"].isascii()]
    copied = {id(record["_of"]) for record in records if "_of" in record}
    plain = [record for record in plain if id(record) not in copied]
    return accented + rng.sample(plain, SCANNER_RECORDS - len(accented))


def _to_line(record: Record) -> str:
    return json.dumps({name: record[name] for name in ("id", "received", *COLUMNS[1:])}, ensure_ascii=False)


def _date_record(record: Record, month: str, rng: Random) -> Record:
    return record | {"received": f"{month}-{rng.randint(1, 28):02d}"}


def _write_scanner(records: list[Record], path: Path) -> None:
    rng = Random(len(records))
    lines = [_to_line(_date_record(record, MONTHS[0], rng)) for record in records]
    path.write_bytes("".join(line + "\n" for line in lines).encode("latin-1"))


def _write_csv(records: list[Record], path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # -sig: the old system wrote a BOM
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        writer.writerows([record[name] for name in CSV_COLUMNS.values()] for record in records)


def _write_months(records: list[Record], folder: Path, rng: Random) -> list[dict]:
    size = -(-len(records) // len(MONTHS))
    broken_in = [MONTHS[number % len(MONTHS)] for number in range(BROKEN_LINES)]
    broken = []
    for number, month in enumerate(MONTHS):
        part = records[number * size : (number + 1) * size]
        lines = [_to_line(_date_record(record, month, rng)) for record in part]
        for at in sorted(rng.sample(range(len(lines)), broken_in.count(month))):
            # The writer died in the middle of a line; the record itself follows again in full.
            lines.insert(at, lines[at][: len(lines[at]) // 2])
            broken.append({"file": f"intake/{month}.jsonl", "line": at + 1})
        (folder / f"{month}.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return broken
