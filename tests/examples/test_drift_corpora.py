"""The drift experiment's two projects: the same questions under the same groups, each edition's own answers, one suite.

Builds them once by the command line -> reads the files back, and holds the answers against the lists' own documents.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from nichetune.benchmark.suites import read_suite
from nichetune.core.settings_file import load_settings
from nichetune.pipeline.checks import find_problems

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "icd10-eye-ear"
EDITIONS = ("2021", "2026")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("drift")
    subprocess.run([sys.executable, EXAMPLE / "build_drift.py", "--out", out], check=True, capture_output=True)
    return out


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_documents(built: Path, edition: str) -> dict[str, str]:
    return {one["id"]: one["text"] for one in read_lines(built / edition / "documents/tabular.jsonl")}


@pytest.fixture(scope="module")
def suite(built) -> list[dict]:
    return read_lines(built / "2026/suite.jsonl")


def test_both_projects_are_fit_to_run_and_ask_the_same_suite(built):
    for edition in EDITIONS:
        assert find_problems(built / edition, None) == []
    assert (built / "2021/suite.jsonl").read_bytes() == (built / "2026/suite.jsonl").read_bytes()
    settings = load_settings(built / "2026")
    held = read_suite(built / "2026/suite.jsonl", "drift", settings)
    assert sorted(set(held.slices.values())) == ["2021", "2025", "2026"] and len(held.changed) == 95


def test_editions_ask_the_same_questions_under_the_same_groups_and_answer_some_differently(built):
    old, new = (read_lines(built / edition / "questions/questions.jsonl") for edition in EDITIONS)
    kept = ("id", "question", "category")
    assert [[one[key] for key in kept] for one in old] == [[one[key] for key in kept] for one in new]
    assert sum(a["quote"] != b["quote"] for a, b in zip(old, new, strict=True)) == 17
    assert (built / "2021/intake/notes.jsonl").read_bytes() == (built / "2026/intake/notes.jsonl").read_bytes()
    settings = [(built / edition / "nichetune.yaml").read_bytes() for edition in EDITIONS]
    assert settings == [(EXAMPLE / "drift.yaml").read_bytes()] * 2


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_answer_of_an_edition_stands_in_its_own_document(built, edition):
    documents = read_documents(built, edition)
    for one in read_lines(built / edition / "questions/questions.jsonl"):
        if not one["abstain"]:
            assert one["quote"].removesuffix(".") in documents[one["evidence"][0]], one


def test_what_the_suite_calls_changed_was_not_so_in_2021_and_what_it_calls_stayed_was(built, suite):
    old, new = (read_documents(built, edition) for edition in EDITIONS)
    for item in suite:
        if item.get("abstain"):
            continue
        answer, evidence = item["answer"].removesuffix("."), item["evidence"][0]
        assert answer in new[evidence]
        place = _find_line(item["text"], old.get(evidence, ""))
        assert (re.search(rf"{re.escape(answer)}(;|\.|\s|$)", place) is None) == item["changed"], item


def _find_line(question: str, document: str) -> str:
    """The line of the document that the question is about: a note of its kind, or the first one, with the code."""
    kind = re.search(r"(Code first|Use additional|Code also|Excludes 1|Excludes 2|Includes) note", question)
    lines = document.splitlines() or [""]
    return next((line for line in lines if line.startswith(kind[1])), "") if kind else lines[0]


def test_all_added_codes_are_asked_and_each_changed_line_twice(built, suite):
    old, new = (read_documents(built, edition) for edition in EDITIONS)
    leaves = {code for code in set(new) - set(old) if "Valid for billing" in new[code]}
    codes = [item for item in suite if item["changed"] and item["text"].startswith("Under which code")]
    assert len(leaves) == 51 and {item["answer"] for item in codes} == leaves and len(codes) == 51
    lines = [item for item in suite if item["changed"] and item not in codes]
    assert len(lines) == 44 and {n for n in Counter(item["group"] for item in lines).values() if n % 2} == set()


def test_the_suite_uses_no_words_of_a_training_question(built, suite):
    asked = {
        one["question"] for edition in EDITIONS for one in read_lines(built / edition / "questions/questions.jsonl")
    }
    assert not asked & {item["text"] for item in suite}
