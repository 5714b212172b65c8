"""The demo's corpus through the whole layer: nothing planted survives, and all planted dirt is found."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from corpus_tools import read_lines

from nichetune.benchmark import seal
from nichetune.benchmark.contamination import check_training
from nichetune.core.files import read_records
from nichetune.core.records import Example
from nichetune.core.settings import Settings
from nichetune.core.settings_file import load_settings
from nichetune.corpus import dedupe, ingest, mask, split
from nichetune.corpus import format as formatting

DEMO = Path(__file__).parents[2] / "examples" / "icd10-eye-ear"
STAGES = (
    ("ingest", ingest),
    ("mask", mask),
    ("format", formatting),
    ("dedupe", dedupe),
    ("split", split),
    ("seal", seal),
)

pytestmark = pytest.mark.slow


def publish_list(settings: Settings) -> Settings:
    """The tabular list is in the public domain."""
    sources = [
        one.model_copy(update={"published": one.path.startswith("corpus/documents")}) for one in settings.sources
    ]
    return settings.model_copy(update={"sources": sources})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folders and reports of all stages, on a corpus that is built afresh."""
    folder = tmp_path_factory.mktemp("demo")
    sys.path.insert(0, str(DEMO))
    from build_corpus import build

    (folder / "corpus").mkdir()
    build(folder / "corpus")
    settings, paths, reports = publish_list(load_settings(DEMO)), {"project": folder}, {}
    for name, stage in STAGES:
        paths[name] = folder / name
        paths[name].mkdir()
        reports[name] = stage.run(settings, paths, paths[name])
    return paths, reports, json.loads((folder / "corpus" / "planted.json").read_text())


def test_no_planted_value_stands_in_any_file_after_masking(run):
    paths, _, planted = run
    names = [name for name, _ in STAGES[1:]]
    written = "".join(path.read_text() for name in names for path in paths[name].iterdir())
    for kind, values in planted["values"].items():
        assert values, kind
        assert not [value for value in values if value in written], kind
    parts = {part for name in planted["values"]["name"] for part in name.split()}
    assert not [part for part in parts if f" {part} " in written or f" {part}." in written]


def test_masking_leaves_the_domain_alone(run):
    paths, reports, planted = run
    entities = reports["mask"].facts["entities"]
    people = len(planted["values"]["name"])
    # Copied notes repeat their names; beyond that, a placeholder in a hundred notes may stand for a word.
    assert people <= entities["PERSON"] <= 1.5 * people
    before = {one["id"]: one["text"] for one in read_lines(paths["ingest"] / "documents.jsonl")}
    after = {one["id"]: one["text"] for one in read_lines(paths["mask"] / "documents.jsonl")}
    assert before == after
    before = {one["id"]: one["expected"] for one in read_lines(paths["ingest"] / "examples.jsonl")}
    after = {one["id"]: one["expected"] for one in read_lines(paths["mask"] / "examples.jsonl")}
    changed = [name for name, expected in after.items() if expected.get("fields") != before[name].get("fields")]
    assert not changed


def test_every_answer_is_still_verbatim_in_its_document(run):
    _, reports, _ = run
    assert reports["format"].counts["in"] == reports["format"].counts["out"]


def test_planted_copies_contradictions_and_mirrored_pairs_are_told_apart(run):
    paths, reports, planted = run
    dirt = planted["dirt"]
    dropped = {one["id"] for one in read_lines(paths["dedupe"] / "dropped.jsonl")}
    aside = {one["id"] for one in read_lines(paths["dedupe"] / "contradictions.jsonl")}
    group = {one["id"]: one["group"] for one in read_lines(paths["dedupe"] / "examples.jsonl")}
    for kind in ("exact_duplicates", "near_duplicates"):
        assert not [pair for pair in dirt[kind] if not set(pair) & dropped], kind
    assert {name for pair in dirt["contradictions"] for name in pair} <= aside
    assert all(group[one] == group[other] for one, other in dirt["minimal_pairs"])
    broken = {(one["file"].split("/")[-1], one["line"]) for one in dirt["broken_lines"]}
    put_aside = read_lines(paths["ingest"] / "quarantine.jsonl")
    places = [one["source"] for one in put_aside if "JSON" in one["reason"]]
    found = {(place["file"].split("/")[-1], place["line"]) for place in places}
    assert found == broken
    assert reports["ingest"].dropped["empty text"] == len(dirt["empty"])
    assert reports["ingest"].dropped["text too long"] == len(dirt["overlong"])


def test_no_training_example_overlaps_the_sealed_benchmark(run):
    paths, _, _ = run
    benchmark = seal.verify_benchmark(paths["seal"])
    assert len(benchmark.items) >= 260
    train = read_records(paths["split"] / "train.jsonl", Example) + read_records(paths["split"] / "dev.jsonl", Example)
    assert check_training(train, benchmark) == []
