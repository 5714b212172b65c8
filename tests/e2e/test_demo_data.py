"""The demo's dirt: every planted value is gone, precious twins are kept, and each drop is counted by its reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nichetune.benchmark.contamination import check_training
from nichetune.benchmark.seal import verify_benchmark
from nichetune.core.files import read_json, read_records
from nichetune.core.records import Example
from nichetune.core.settings_file import load_settings
from nichetune.corpus import ingest
from tests.conftest import ROOT
from tests.e2e.conftest import nichetune

pytestmark = pytest.mark.slow
EXAMPLE = ROOT / "examples" / "icd10-eye-ear"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[Path, dict]:
    """The demo's corpus through every stage with the cheapest rung, and what was planted."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "nichetune.yaml").write_text((EXAMPLE / "nichetune.yaml").read_text())
    subprocess.run([sys.executable, EXAMPLE / "build_corpus.py", "--out", folder / "corpus"], check=True,
                   capture_output=True)  # fmt: skip
    done = nichetune("run", "--project", str(folder), "--run-dir", str(folder / "run"), "--set", "rungs=[classical]")
    (folder / "run" / "said.log").write_text(done.stdout + done.stderr)
    return folder / "run", json.loads((folder / "corpus" / "planted.json").read_text())


@pytest.fixture(scope="module")
def before(run, tmp_path_factory) -> Path:
    """What ingest reads, before anything is masked: the run itself keeps it no longer than it must."""
    folder = tmp_path_factory.mktemp("before")
    ingest.run(load_settings(run[0].parent), {"project": run[0].parent}, folder)
    return folder


def read_by_id(path: Path, key: str) -> dict:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {one["id"]: one[key] for one in lines}


def manifest(run_dir: Path, stage: str) -> dict:
    return read_json(run_dir / stage / "manifest.json")


def read_ids(path: Path) -> set[str]:
    return {json.loads(line)["id"] for line in path.read_text().splitlines()}


def test_no_planted_value_stands_in_any_file_of_the_run(run):
    run_dir, planted = run
    values = [(kind, v.encode()) for kind, all_of in planted["values"].items() for v in all_of]
    assert len(values) > 200
    found = [
        (kind, file.relative_to(run_dir).as_posix())
        for file in run_dir.rglob("*") if file.is_file()
        for content in [file.read_bytes()]
        for kind, value in values if value in content
    ]  # fmt: skip
    assert found == []
    parts = {part for name in planted["values"]["name"] for part in name.split()}
    written = "".join((run_dir / "mask" / name).read_text() for name in ("examples.jsonl", "documents.jsonl"))
    assert not [part for part in parts if f" {part} " in written or f" {part}." in written]


def test_masking_leaves_the_domain_alone(run, before):
    run_dir, planted = run
    people = len(planted["values"]["name"])
    # Copied notes repeat their names; beyond that, a placeholder in a hundred notes may stand for a word.
    assert people <= manifest(run_dir, "mask")["facts"]["entities"]["PERSON"] <= 1.5 * people
    for name, key in (("documents", "text"), ("examples", "expected")):
        old, new = (read_by_id(folder / f"{name}.jsonl", key) for folder in (before, run_dir / "mask"))
        if key == "expected":
            old, new = ({one: said.get("fields") for one, said in all_of.items()} for all_of in (old, new))
        assert len(new) > 100 and {one: old[one] for one in new} == new


def test_every_answer_is_still_verbatim_in_its_document(run):
    counts = manifest(run[0], "format")["counts"]
    assert counts["in"] == counts["out"]


def test_every_file_was_looked_at(run):
    names = {p.name for p in run[0].rglob("*") if p.is_file()}
    assert {"registry.db", "report.html", "quarantine.jsonl", "verdict.json", "said.log"} <= names
    assert not (run[0] / "private").exists()


def test_each_kind_of_dirt_is_counted_by_its_reason(run):
    run_dir, planted = run
    dirt, dropped = planted["dirt"], manifest(run_dir, "ingest")["dropped"]
    assert dropped["not JSON"] == len(dirt["broken_lines"])
    assert dropped["empty text"] == len(dirt["empty"])
    assert dropped["text too long"] == len(dirt["overlong"])
    assert manifest(run_dir, "dedupe")["counts"]["contradictions"] == 2 * len(dirt["contradictions"])
    assert manifest(run_dir, "dedupe")["dropped"]["exact duplicate"] >= len(dirt["exact_duplicates"])
    gone = read_ids(run_dir / "dedupe/dropped.jsonl")
    for kind in ("exact_duplicates", "near_duplicates"):
        assert not [pair for pair in dirt[kind] if not set(pair) & gone], kind
    assert {name for pair in dirt["contradictions"] for name in pair} <= read_ids(
        run_dir / "dedupe/contradictions.jsonl"
    )
    aside = [json.loads(line) for line in (run_dir / "ingest/quarantine.jsonl").read_text().splitlines()]
    places = [one["source"] for one in aside if "JSON" in one["reason"]]
    found = {(place["file"].split("/")[-1], place["line"]) for place in places}
    assert found == {(one["file"].split("/")[-1], one["line"]) for one in dirt["broken_lines"]}


def test_twins_with_different_answers_are_all_kept_and_share_their_group(run):
    run_dir, planted = run
    groups = read_by_id(run_dir / "dedupe/examples.jsonl", "group")
    for left, right in planted["dirt"]["minimal_pairs"]:
        assert left in groups and right in groups
        assert groups[left] == groups[right]


def test_no_group_straddles_train_dev_and_holdout(run):
    parts = []
    for part in ("train", "dev", "holdout"):
        lines = (run[0] / f"split/{part}.jsonl").read_text().splitlines()
        parts.append({json.loads(line)["group"] for line in lines})
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_no_training_example_overlaps_the_sealed_benchmark(run):
    benchmark = verify_benchmark(run[0] / "benchmark")
    train = [one for part in ("train", "dev") for one in read_records(run[0] / f"split/{part}.jsonl", Example)]
    assert len(train) > 400 and check_training(train, benchmark) == []


def test_at_least_200_forms_and_60_questions_are_sealed(run):
    tasks = [json.loads(line)["task"] for line in (run[0] / "benchmark/items.jsonl").read_text().splitlines()]
    assert tasks.count("triage") >= 200 and tasks.count("instruction") >= 60


def test_the_classical_rung_never_gets_the_whole_form_of_an_unseen_condition(run):
    metrics = json.loads((run[0] / "evaluate/classical/metrics.json").read_text())
    assert metrics["triage.exact_form"]["value"] < 0.05
    assert 0.1 < metrics["triage.side"]["value"] < 0.9


def test_the_one_rung_ships_and_the_verdict_says_that_no_language_model_was_tried(run):
    verdict = json.loads((run[0] / "decide/verdict.json").read_text())
    assert verdict["ship"] == "classical"
    assert verdict["reasons"]


def test_quarantine_keeps_place_and_digest_and_no_text(run):
    for line in (run[0] / "ingest/quarantine.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert set(record) == {"id", "reason", "source", "because_of"}
        assert len(record["source"]["sha256"]) == 64


def test_the_page_to_sign_stands_beside_the_report_which_refers_to_it(run):
    run_dir, planted = run
    page = (run_dir / "report/dataset.html").read_text()
    assert '<a href="dataset.html">' in (run_dir / "report/report.html").read_text()
    assert "no overlap is left" in page and ">No overlap<" in page
    assert not [value for values in planted["values"].values() for value in values if value in page]
    card = json.loads((run_dir / "report/dataset.croissant.json").read_text())
    assert card["name"] == "icd10-eye-ear" and len(card["distribution"]) == 3


def test_a_dropped_copy_is_explained_by_the_command(run):
    run_dir, _ = run
    gone = json.loads((run_dir / "dedupe/dropped.jsonl").read_text().splitlines()[0])
    done = nichetune("dedupe", "--explain", gone["id"], "--project", str(run_dir.parent), "--run-dir", str(run_dir),
                     "--set", "rungs=[classical]", "--json")  # fmt: skip
    told = json.loads(done.stdout)
    assert (told["fate"], told["of"]["id"]) == (gone["reason"], gone["because_of"])
