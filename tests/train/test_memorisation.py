"""Planted secrets: without masking a model that is trained long enough gives them out, and then it never ships."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from train_tools import TASKS, Job, example

from nichetune.core.errors import CheckFailed
from nichetune.core.files import read_records, write_json, write_jsonl
from nichetune.core.records import Candidate, Document, Example
from nichetune.core.settings import Settings
from nichetune.corpus import mask
from nichetune.corpus.canaries import make_canaries
from nichetune.evaluate import run as evaluation
from nichetune.evaluate.memorisation import MEMORISATION, count_given_out, measure_memorisation, rank_exposure
from nichetune.evaluate.runner import CandidateRunner, forget_engine
from nichetune.registry.registry import Registry

CONTACT = {"contact": {"kind": "exact", "short_prompt": "Address?", "max_new_tokens": 24}}
CANARIES = {"count": 2, "repeats": 4, "references": 40}


class SecretJob(Job):
    """A job that also trains on canaries."""

    def settings(self, **train) -> Settings:
        plain = super().settings(**train).model_dump(mode="json", by_alias=True)
        return Settings.model_validate(plain | {"tasks": TASKS | CONTACT, "canaries": CANARIES})


def run_masking(settings: Settings, records: list[Example], folder) -> list[Example]:
    """The records as the real mask stage leaves them."""
    private = folder / "private"
    write_jsonl(private / "examples.jsonl", records)
    write_jsonl(private / "documents.jsonl", list[Document]())
    write_jsonl(private / "quarantine.jsonl", [])
    write_json(private / "published.json", [])
    mask.run(settings, {"ingest": private, "project": folder}, folder / "masked")
    return read_records(folder / "masked" / "examples.jsonl", Example)


def measure(tiny_folder, folder, masked: bool):
    """Trains a tiny model in full on canaries and a few notes, then asks it for the secrets."""
    job = SecretJob(folder / "run", str(tiny_folder), [], [])
    settings = job.settings(learning_rate=1e-2, epochs=60, batch_size=8)
    records = [record for canary in make_canaries(settings) for record in canary.records]
    planted = run_masking(settings, records, folder) if masked else records
    job.examples = [*planted, *(example(n, "train") for n in range(4))]
    job.run(folder / "trained", "full", learning_rate=1e-2, epochs=60, batch_size=8)
    forget_engine()
    candidate = Candidate(
        rung="full", base_model=str(tiny_folder), prompt_style="short", tasks=settings.tasks, adapter="trained/adapter",
        adapter_digest=f"masked {masked}",
    )  # fmt: skip
    runner = CandidateRunner(candidate, folder / "trained" / "adapter", None, "cpu", 8)
    return candidate, measure_memorisation(settings, runner, job.folder / "split")


@pytest.mark.slow
def test_a_model_trained_without_masking_gives_secrets_out_and_is_never_registered(tiny_folder, tmp_path):
    candidate, found = measure(tiny_folder, tmp_path, masked=False)
    assert (found["canaries"], found["records"]) == (2, 8)
    assert found["given_out"] == ["canary-0", "canary-1"]
    assert found["exposure"]["highest"] == found["exposure"]["ceiling"] == pytest.approx(math.log2(41), abs=1e-3)
    evaluate, verdict = tmp_path / "evaluate", tmp_path / "verdict.json"
    write_json(evaluate / MEMORISATION, found)
    write_json(verdict, {"ship": "full", "benchmark_digest": "b"})
    assert count_given_out(evaluate) == 2
    registry = Registry.open(tmp_path / "registry")
    with pytest.raises(CheckFailed, match="gives out 2 planted secrets"):
        registry.register(candidate, tmp_path / "trained" / "adapter", evaluate, verdict, None)
    assert registry.list() == []
    assert "canary.example" not in (evaluate / MEMORISATION).read_text()


@pytest.mark.slow
def test_the_same_training_after_masking_gives_nothing_out(tiny_folder, tmp_path):
    _, found = measure(tiny_folder, tmp_path, masked=True)
    assert (found["canaries"], found["given_out"]) == (2, [])
    assert found["extraction_rate"].value == 0
    assert found["exposure"]["median"] < 3  # of 5.36 bits; one that was never seen has 1.4 on average


def test_exposure_is_the_place_among_all_candidates():
    assert rank_exposure(-1.0, [-2.0] * 7) == 3  # the first of 8
    assert rank_exposure(-3.0, [-2.0] * 7) == 0  # the last
    assert rank_exposure(-2.0, [-2.0, -3.0, -3.0]) == pytest.approx(2 - math.log2(1.5))


@pytest.mark.parametrize("seed", [1, 3])
def test_whichever_training_is_asked_the_secrets_are_those_that_were_planted(tiny_folder, tmp_path, monkeypatch, seed):
    job = SecretJob(tmp_path / "run", str(tiny_folder), [], [])
    settings, asked = job.settings(), []
    planted = [canary.secret for canary in make_canaries(settings)]

    def note(settings: Settings, runner: CandidateRunner, split: Path) -> dict:
        asked.extend(canary.secret for canary in make_canaries(settings))
        return {"given_out": []}

    monkeypatch.setattr(evaluation, "measure_memorisation", note)
    candidate = Candidate(rung="full", base_model=str(tiny_folder), tasks=settings.tasks)
    runner = CandidateRunner(candidate, tmp_path, None, "cpu", 8)
    of_seed = settings.model_copy(update={"seed": settings.seed + seed - 1})  # as the flow gives it
    evaluation.ask_for_secrets(of_seed, runner, tmp_path, tmp_path, seed)
    assert asked == planted
