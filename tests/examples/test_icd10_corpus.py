"""The corpus of the eye-and-ear desk: same bytes for a seed, labels true to the list, dirt that is on record.

Builds the corpus once by its command line -> reads the files back the way an ingest has to.
"""

import csv
import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "icd10-eye-ear"
SIDES = ("right", "left", "bilateral")
ASKED_TAGS = {
    "Includes": "includes",
    "Code first": "codeFirst",
    "Use additional": "useAdditionalCode",
    "Code also": "codeAlso",
    "Excludes 1": "excludes1",
    "Excludes 2": "excludes2",
}


def build(out: Path, seed: int = 7) -> Path:
    command = [sys.executable, EXAMPLE / "build_corpus.py", "--out", out, "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def read_bytes(corpus: Path) -> dict[str, bytes]:
    return {str(path.relative_to(corpus)): path.read_bytes() for path in corpus.rglob("*") if path.is_file()}


def read_lines(folder: Path) -> list[dict]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.open(encoding="utf-8")]


def read_intake(corpus: Path) -> dict[str, dict]:
    """All triage records by id; broken lines are left out."""
    records = []
    for path in sorted((corpus / "intake").glob("*.jsonl")):
        encoding = "latin-1" if "latin1" in path.name else "utf-8"
        for line in path.read_text(encoding=encoding).splitlines():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    names = {"ticket_no": "id", "free_text": "note", "dx_finding": "finding", "dx_section": "section"}
    names |= {"laterality": "side", "next_step": "action", "dx_group": "condition", "layout": "pattern"}
    with (corpus / "intake" / "legacy_export.csv").open(encoding="utf-8-sig", newline="") as file:
        records += [{names.get(name, name): value for name, value in row.items()} for row in csv.DictReader(file)]
    return {record["id"]: record for record in records}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("icd10") / "corpus")


@pytest.fixture(scope="module")
def planted(corpus: Path) -> dict:
    return json.loads((corpus / "planted.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def notes(corpus: Path) -> dict[str, dict]:
    return read_intake(corpus)


@pytest.fixture(scope="module")
def true_notes(notes: dict[str, dict], planted: dict) -> list[dict]:
    """Notes whose text and labels belong together: no contradictions, no empty and no over-long ones."""
    dirt = planted["dirt"]
    wrong = {one for _, one in dirt["contradictions"]} | set(dirt["empty"]) | set(dirt["overlong"])
    return [record for key, record in notes.items() if key not in wrong]


@pytest.fixture(scope="module")
def questions(corpus: Path) -> list[dict]:
    return read_lines(corpus / "questions")


@pytest.fixture(scope="module")
def documents(corpus: Path) -> dict[str, dict]:
    return {document["id"]: document for document in read_lines(corpus / "documents")}


@pytest.fixture(scope="module")
def chapters() -> list[ElementTree.Element]:
    """The two chapters as the XML has them: the labels are checked against the list, not the builder."""
    spec = importlib.util.spec_from_file_location("icd10_tabular", EXAMPLE / "tabular.py")
    tabular = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = tabular
    spec.loader.exec_module(tabular)
    with zipfile.ZipFile(tabular.find_wheel()) as archive, archive.open(tabular.EDITIONS[tabular.NEWEST][1]) as xml:
        root = ElementTree.parse(xml).getroot()
    return [chapter for chapter in root.findall("chapter") if chapter.findtext("name") in ("7", "8")]


@pytest.fixture(scope="module")
def by_title(chapters: list[ElementTree.Element]) -> dict[str, list[ElementTree.Element]]:
    found: dict[str, list[ElementTree.Element]] = {}
    for chapter in chapters:
        for diag in chapter.iter("diag"):
            found.setdefault(diag.findtext("desc"), []).append(diag)
    return found


def offered_sides(diag: ElementTree.Element) -> set[str]:
    """The sides of the children: a child that names no right, left or both is the unspecified one."""
    titles = [child.findtext("desc").lower() for child in diag.findall("diag")]
    return {next((side for side in SIDES if side in title), "unspecified") for title in titles}


def test_same_seed_gives_same_bytes_and_another_seed_other_notes(corpus, tmp_path):
    assert read_bytes(build(tmp_path / "again")) == read_bytes(corpus)
    other = build(tmp_path / "other", seed=8)
    assert (other / "intake/2026-01.jsonl").read_bytes() != (corpus / "intake/2026-01.jsonl").read_bytes()


def test_every_side_and_query_is_one_that_the_list_offers(true_notes, by_title):
    for record in true_notes:
        offered = [offered_sides(diag) for diag in by_title[record["finding"]]]
        if record["action"] == "query laterality":
            assert record["side"] == "none"
            assert any({"right", "left", "unspecified"} <= sides for sides in offered), record
        elif record["side"] == "none":
            assert offered == [set()], record  # a code without children
        else:
            assert any(record["side"] in sides for sides in offered), record


def test_note_holds_title_or_inclusion_term_of_its_finding(true_notes, by_title):
    for record in true_notes:
        terms = [note.text for diag in by_title[record["finding"]] for note in diag.findall("inclusionTerm/note")]
        wordings = [record["finding"]] if record["wording"] == "title" else terms
        assert any(wording.lower() in record["note"].lower() for wording in wordings), record


def test_note_that_asks_for_the_side_gives_none_beside_its_finding(true_notes, by_title):
    # Abbreviations count in capitals alone: "as" is a word.
    side = r"[ ,(]+(?:O[DSU]|A[DSU]|(?i:(?:in the |on the )?(?:right|left)|(?:in |on )?both|bilateral|[RL] e))"
    for record in true_notes:
        if record["side"] != "none":
            continue
        terms = [note.text for diag in by_title[record["finding"]] for note in diag.findall("inclusionTerm/note")]
        for wording in (record["finding"], *terms):
            assert not re.search(f"(?i:{re.escape(wording)}){side}\\b", record["note"]), record


def test_section_of_a_finding_is_that_of_the_list(true_notes, chapters):
    sections: dict[str, set[str]] = {}
    for record in true_notes:
        sections.setdefault(record["finding"], set()).add(record["section"])
    assert all(len(names) == 1 for names in sections.values())
    of_list: dict[str, set[str]] = {}
    for section in (section for chapter in chapters for section in chapter.findall("section")):
        titles = {diag.findtext("desc") for diag in section.iter("diag")}
        of_list[section.get("id")] = {name for finding in titles & set(sections) for name in sections[finding]}
    assert len(of_list) == 17
    assert all(len(names) == 1 for names in of_list.values())
    assert len({name for names in of_list.values() for name in names}) == 17


def test_group_key_is_the_finding_and_several_hundred_conditions_are_there(true_notes):
    assert all(record["condition"] == record["finding"].lower() for record in true_notes)
    assert len({record["condition"] for record in true_notes}) > 400


def test_notes_are_short_and_answers_are_spread(true_notes):
    lengths = sorted(len(record["note"].split()) for record in true_notes)
    assert lengths[len(lengths) // 2] <= 34
    answers = Counter((record["side"], record["action"]) for record in true_notes)
    assert 0.13 <= answers["none", "query laterality"] / len(true_notes) <= 0.22
    assert 0.05 <= answers["none", "code"] / len(true_notes) <= 0.12
    assert all(answers[side, "code"] > 100 for side in SIDES)


def test_no_note_gives_its_action_away(notes):
    assert not any("query laterality" in record["note"] or "lateralit" in record["note"] for record in notes.values())


def test_reserved_styles_reach_a_quarter_of_the_conditions(true_notes):
    rare = {one["condition"] for one in true_notes if one["pattern"].startswith(("dictation/", "handover/"))}
    assert 0.10 <= len(rare) / len({one["condition"] for one in true_notes}) <= 0.30
    assert len({one["pattern"] for one in true_notes}) > 40


def test_minimal_pairs_differ_in_side_alone(notes, planted):
    pairs = planted["dirt"]["minimal_pairs"]
    assert len(pairs) == 20
    for one, other in ((notes[a], notes[b]) for a, b in pairs):
        assert {one["side"], other["side"]} == {"right", "left"}
        assert (one["finding"], one["action"]) == (other["finding"], other["action"])
        assert one["note"] != other["note"]
        assert len(one["note"].split()) == len(other["note"].split())


def test_contradictions_share_a_note_and_differ_in_the_answer(notes, planted):
    pairs = planted["dirt"]["contradictions"]
    assert len(pairs) == 8
    for one, other in ((notes[a], notes[b]) for a, b in pairs):
        assert one["note"] == other["note"] and one["condition"] == other["condition"]
        assert (one["side"], one["action"]) != (other["side"], other["action"])


def test_duplicates_keep_their_labels(notes, planted):
    fields = ("finding", "section", "side", "action")
    for kind in ("exact_duplicates", "near_duplicates"):
        for one, other in ((notes[a], notes[b]) for a, b in planted["dirt"][kind]):
            assert [one[name] for name in fields] == [other[name] for name in fields]
            assert (one["note"] == other["note"]) is (kind == "exact_duplicates")


def test_broken_empty_and_overlong_records_are_where_the_ledger_says(corpus, notes, planted):
    dirt = planted["dirt"]
    assert len(dirt["broken_lines"]) == 6
    for place in dirt["broken_lines"]:
        line = (corpus / place["file"]).read_text(encoding="utf-8").splitlines()[place["line"] - 1]
        with pytest.raises(json.JSONDecodeError):
            json.loads(line)
    assert len(dirt["empty"]) == 5 and all(not notes[key]["note"].strip() for key in dirt["empty"])
    assert len(dirt["overlong"]) == 4 and all(len(notes[key]["note"].split()) >= 2000 for key in dirt["overlong"])


def test_encodings_are_mixed(corpus):
    with pytest.raises(UnicodeDecodeError):
        (corpus / "intake/scanner_latin1.jsonl").read_text(encoding="utf-8")
    assert (corpus / "intake/legacy_export.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_every_planted_value_stands_in_a_raw_note(notes, planted):
    text = "\n".join(record["note"] for record in notes.values())
    for kind, values in planted["values"].items():
        assert values, kind
        assert all(value in text for value in values), kind
    assert 6 <= len(planted["values"]["secret"]) <= 10


def test_planted_names_are_no_words_of_the_list(planted, documents):
    words = {word for one in documents.values() for word in re.findall(r"\w+", one["text"].lower())}
    for name in planted["values"]["name"]:
        assert len(name.split()) == 2
        assert not set(name.lower().split()) & words


def test_no_planted_value_stands_outside_the_notes(corpus, planted):
    others = [data for name, data in read_bytes(corpus).items() if not name.startswith(("intake", "planted"))]
    values = [value for found in planted["values"].values() for value in found]
    assert not [value for value in values if any(value.encode() in data for data in others)]


def test_source_holds_no_secret_shaped_literal():
    source = "\n".join(path.read_text(encoding="utf-8") for path in EXAMPLE.glob("*.py"))
    assert "dirt" in source
    assert not re.search(r"AKIA|ghp_|xox[bp]-|password=", source)


def test_every_quote_stands_verbatim_in_its_evidence(questions, documents):
    answered = [one for one in questions if not one["abstain"]]
    assert len(answered) > 300
    for question in answered:
        assert question["quote"]
        assert all(question["quote"] in documents[key]["text"] for key in question["evidence"])


def test_every_note_line_of_the_list_is_asked_about_once(questions, chapters):
    lines = Counter()
    for chapter in chapters:
        for tag in ASKED_TAGS.values():
            texts = [(note.text or "").strip() for note in chapter.findall(f".//{tag}/note")]
            lines[tag] += sum(not text.endswith(":") for text in texts)  # a heading is joined to its sub-lines
    asked = Counter(ASKED_TAGS[one["note_kind"]] for one in questions if not one["abstain"])
    assert asked == lines
    assert len({one["question"] for one in questions}) == len(questions)


def test_a_quarter_of_the_questions_has_no_answer_there_or_above(questions, documents):
    vain = [one for one in questions if one["abstain"]]
    assert 0.23 <= len(vain) / len(questions) <= 0.27
    by_name = {document["title"]: key for key, document in documents.items()}
    for question in vain:
        assert question["quote"] == "" and question["evidence"] == []
        assert question["note_kind"] != "Excludes 2"  # both chapters have one, for everything below
        title = max((title for title in by_name if title in question["question"]), key=len)
        family = [by_name[title][:length] for length in range(3, len(by_name[title]) + 1)]
        texts = [documents[key]["text"] for key in family if key in documents]
        assert texts and not any(f"{question['note_kind']} note at" in text for text in texts), question


def test_documents_cover_every_entry_of_both_chapters(documents, chapters):
    codes = {diag.findtext("name") for chapter in chapters for diag in chapter.iter("diag")}
    assert codes <= set(documents)
    assert len(documents) == len(codes) + 17 + 2
    assert all(document["title"] in document["text"] for document in documents.values())


def test_handbook_is_part_of_the_corpus(corpus):
    names = sorted(path.name for path in (corpus / "desk_handbook").iterdir())
    assert [Path(name).suffix for name in names] == [".md"] * 4 + [".txt"]


def test_ids_are_unique_and_say_nothing(notes, questions):
    assert all(re.fullmatch(r"int-\d{4}", key) for key in notes)
    assert len(notes) > 1000
    assert len({one["id"] for one in questions}) == len(questions)
