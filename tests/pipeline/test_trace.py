"""`nichetune trace` follows a record from its place through every stage, whatever became of it, without its text."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from nichetune.cli.app import run

SETTINGS = """\
project: desk
rungs: [classical]
sources:
  - {path: corpus/rows.csv, task: side, map: {text: note, group: mrn}}
  - {path: corpus/asks.jsonl, task: ask}
  - {path: corpus/guide.md, as: documents}
tasks:
  side: {kind: choice, values: [left, right]}
  ask: {kind: grounded}
benchmark: {primary: side.exact}
"""
# Texts that are no copies of each other.
NAMES = [unicodedata.name(chr(code)).lower() for code in range(0x3A3, 0x3FF)]
ROWS = [f'r{n},m{n},"{name}",{"left" if n % 2 else "right"}' for n, name in enumerate(NAMES)]
NOTE = "Pt: Maria Keller, tel. 030 555 0142. Pinguecula seen this morning."
COPY = len(ROWS) + 3  # the line of the note's copy: below the header, the rows and the note
GUIDE = "# Desk\n\n## Phones\nRing twice, then wait for the answering machine.\n"
ASKS = [
    {"question": f"{word} about the telephone?", "answer": "Ring twice", "evidence": ["guide.md#phones"]}
    for word in ("What does the guide say", "Which rule is there", "How often is it let ring")
]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A finished run as far as training."""
    folder = tmp_path_factory.mktemp("traced")
    (folder / "corpus").mkdir()
    (folder / "nichetune.yaml").write_text(SETTINGS)
    rows = [*ROWS, f'a,k1,"{NOTE}",left', f'b,k2,"{NOTE}",left', "broken row"]
    (folder / "corpus/rows.csv").write_text("\n".join(["id,mrn,note,side", *rows, ""]))
    (folder / "corpus/asks.jsonl").write_text("".join(json.dumps(ask) + "\n" for ask in ASKS))
    (folder / "corpus/guide.md").write_text(GUIDE)
    assert run(["run", "--until", "train", "--project", str(folder)]) == 0
    return folder


def trace(capsys, project: Path, name: str) -> list[dict]:
    """What the verb tells a machine."""
    assert run(["trace", name, "--project", str(project), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def steps(found: list[dict]) -> dict[str, str]:
    [one] = found
    return {step["stage"]: step["outcome"] for step in one["steps"]}


def part_of(project: Path, part: str) -> dict:
    """The first record of a part of the split."""
    lines = (project / f"runs/desk/split/{part}.jsonl").read_text().splitlines()
    return next(one for one in map(json.loads, lines) if one["task"] == "side")


def test_a_sealed_item_is_followed_from_its_line_to_the_seal(project, capsys):
    item = part_of(project, "holdout")
    found = trace(capsys, project, item["id"])
    assert found[0]["source"] == f"corpus/rows.csv:{item['source']['line']}"
    assert found[0]["sha256"] == item["source"]["sha256"]
    assert found[0]["file"]["read_as"] == "CSV"
    assert steps(found) == {
        "ingest": "taken in", "mask": "nothing masked", "format": "kept", "dedupe": f"kept, group {item['group']}",
        "split": "holdout", "benchmark": "sealed",
    }  # fmt: skip


def test_a_training_example_is_followed_into_the_adapter(project, capsys):
    told = steps(trace(capsys, project, part_of(project, "train")["id"]))
    assert told["split"] == "training set"
    assert told["train/classical"].startswith("trained on")
    assert "benchmark" not in told


def test_masked_values_are_counted_by_type_and_not_shown(project, capsys):
    told = steps(trace(capsys, project, "a"))
    assert told["mask"].startswith("masked: ")
    assert "PERSON 1" in told["mask"]
    assert run(["trace", "a", "--project", str(project)]) == 0
    shown = capsys.readouterr().out
    assert "PERSON 1" in shown
    assert not [word for word in ("Keller", "555", "Pinguecula") if word in shown]


def test_a_copy_is_found_by_its_place_and_says_what_it_is_a_copy_of(project, capsys):
    found = trace(capsys, project, f"rows.csv:{COPY}")
    assert found[0]["id"] == "b"
    assert steps(found)["dedupe"] == "dropped: exact duplicate, because of a"


def test_a_broken_line_is_found_by_its_place(project, capsys):
    found = trace(capsys, project, f"corpus/rows.csv:{COPY + 1}")
    assert (found[0]["kind"], steps(found)) == ("put aside", {"ingest": "put aside: wrong column count"})
    assert len(found[0]["sha256"]) == 64


def test_a_passage_names_its_document_its_headings_and_who_cites_it(project, capsys):
    [one] = trace(capsys, project, "guide.md#phones")
    assert (one["kind"], one["title"], one["source"]) == ("document", "Desk > Phones", "corpus/guide.md:4")
    cited = [step["outcome"] for step in one["steps"] if step["outcome"].startswith("evidence of")]
    assert sum(int(text.split()[2]) for text in cited) == len(ASKS)


def test_an_unknown_id_is_one_line_that_says_what_would_do(project, capsys):
    assert run(["trace", "nobody", "--project", str(project)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "no record 'nobody'" in line
    assert "notes.csv:18" in line


def test_a_project_without_a_run_says_how_to_make_one(tmp_path, capsys):
    (tmp_path / "nichetune.yaml").write_text(SETTINGS)
    assert run(["trace", "a", "--project", str(tmp_path)]) == 2
    assert "nichetune run" in capsys.readouterr().err
