"""Masking is measured on texts that it was not built on: notes by hand, generated cases, domain sentences."""

from __future__ import annotations

import re
import sys

import pytest
from tests.conftest import ROOT

from nichetune.core.files import hash_file
from nichetune.corpus.masking.lexicon import hide_words

SET, TOOLS = ROOT / "bench" / "mask_set", ROOT / "tools" / "mask_tagger"
sys.path[:0] = [str(ROOT / "bench"), str(TOOLS)]
import mask as bench
from lists import load_values
from mask_set.generate import make_cases, read_notes
from mask_set.sealed import make_sealed
from mask_set.values import held_out_words


@pytest.fixture(autouse=True)
def unseen_names():
    """Names of the test stand in no list while it runs."""
    hide_words(held_out_words())
    yield
    hide_words(())


def measure(cases) -> dict:
    return bench.score(cases, bench.mask_ours([case.text for case in cases], 1))


def test_notes_written_by_hand_keep_few_identifiers():
    cases = read_notes()
    assert len(cases) >= 100
    result = measure(cases)
    assert result["direct"]["rate"] >= 0.90
    assert result["types"]["PERSON"]["rate"] >= 0.90
    assert result["precision"]["rate"] >= 0.85


@pytest.mark.parametrize(("file", "least"), [("notes_fresh.txt", 0.90), ("notes_sealed.txt", 0.82)])
def test_notes_that_nobody_improved_on_keep_few_identifiers(file, least):
    cases = read_notes(file)
    assert len(cases) >= 100
    result = measure(cases)
    assert result["direct"]["rate"] >= least
    assert result["types"]["PERSON"]["rate"] >= 0.90
    assert result["precision"]["rate"] >= 0.85


def test_generated_cases_keep_few_identifiers_and_proven_numbers_go():
    result = measure(make_cases(300))
    assert result["direct"]["rate"] >= 0.93
    assert result["checksums"]["rate"] >= 0.99
    assert result["precision"]["rate"] >= 0.90


def test_sentences_and_values_of_other_makers_keep_few_identifiers():
    hide_words(())  # names as in life: some stand in the lists
    result = measure(make_sealed(400))
    assert result["direct"]["rate"] >= 0.94
    assert result["types"]["PERSON"]["rate"] >= 0.92
    assert result["checksums"]["rate"] >= 0.99
    assert result["precision"]["rate"] >= 0.91


@pytest.mark.parametrize(("file", "most"), [("terms.txt", 0.08), ("terms_fresh.txt", 0.02), ("terms_sealed.txt", 0.1)])
def test_domain_terms_survive_with_no_corpus_at_all(file, most):
    harm = bench.measure_harm(bench.mask_ours, 1, file)
    assert harm["all"]["n"] >= 160
    assert harm["all"]["rate"] <= most


def test_the_test_side_shares_no_name_with_the_training_text():
    values = load_values(held_out_words())
    lists = [*values.given.values(), *values.last.values(), *values.cities.values(), values.street_words]
    words = {word.casefold() for names in lists for name in names for word in re.split(r"[-, ]+", name)}
    assert len(words) > 10_000
    assert not words & held_out_words()


def test_no_template_shares_a_run_of_eight_words_with_a_test_text():
    files = [*SET.glob("notes*.txt"), *SET.glob("terms*.txt"), SET / "generate.py", SET / "templates_sealed.txt"]
    shared = set().union(*(read_runs(file.read_text(encoding="utf-8")) for file in files))
    assert len(shared) > 15_000
    templates = (TOOLS / "templates.txt").read_text(encoding="utf-8").splitlines()
    near = [line for line in templates if not line.startswith(("#", "==")) and read_runs(line) & shared]
    assert near == []


def read_runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    """Runs of words, in which values and slots are one sign; of those at most one."""
    plain = re.sub(r"\{\{[A-Z_]+:.*?\}\}|\{\w+\}", " § ", text).lower().replace("\\n", " ")
    words = re.findall(r"[a-z§]+", plain)
    runs = (tuple(words[at : at + length]) for at in range(len(words) - length + 1))
    return {run for run in runs if run.count("§") <= 1}


def test_the_weights_were_trained_by_the_present_script():
    lines = (ROOT / "tools" / "mask_tagger" / "SOURCES.sha256").read_text().splitlines()
    assert len(lines) > 8
    stale = [name for digest, name in map(str.split, lines) if hash_file(ROOT / name) != digest]
    assert stale == [], "train again: python tools/mask_tagger/train.py"
