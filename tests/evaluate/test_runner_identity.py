"""The runner never scores the wrong weights: whatever is changed in a candidate's files is another question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.tiny_models import save_adapter, save_tiny

from nichetune.core.files import write_json
from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings import Settings
from nichetune.evaluate.candidates import describe_candidate
from nichetune.evaluate.runner import CandidateRunner
from nichetune.generate.cache import PredictionCache
from nichetune.models.loading import load_base

ITEMS = [
    Example(id=f"i{n}", group=f"g{n}", task="side", messages=[Message(role="user", content=f"Pain, day {n}")],
            expected=Expected(answer="left"), source=Source(file="d"))
    for n in range(4)
]  # fmt: skip


class Desk:
    """A base and an adapter in a folder; `runner` describes and opens them as they stand now."""

    def __init__(self, folder: Path, tokenizer) -> None:
        self.base, self.train, self.tokenizer = save_tiny(folder / "tiny", tokenizer), folder / "train/lora", tokenizer
        self.cache = PredictionCache(folder / "c.db")
        self.write_adapter(0.05)

    @property
    def settings(self) -> Settings:
        tasks = {"side": {"kind": "exact", "max_new_tokens": 6}}
        sources = [{"path": "a.csv", "task": "side"}]
        base = {"model": str(self.base), "dtype": "float32", "device": "cpu"}
        return Settings.model_validate({"project": "p", "sources": sources, "tasks": tasks, "base": base})

    def write_adapter(self, size: float) -> None:
        save_adapter(self.train / "adapter", load_base(self.settings.base).model, self.tokenizer, size)
        write_json(self.train / "manifest.json", {"facts": {"dtype": "float32"}})

    def runner(self, rung: str = "lora") -> CandidateRunner:
        train = self.train if rung != "base" else None
        candidate = describe_candidate(self.settings, rung, train, None)
        return CandidateRunner(candidate, train and train / "adapter", None, "cpu", cache=self.cache)

    def edit(self, file: str, **changed) -> None:
        path = self.base / file
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))


@pytest.fixture
def desk(tmp_path, tokenizer) -> Desk:
    return Desk(tmp_path, tokenizer)


def test_another_adapter_in_the_same_place_is_asked_afresh(desk):
    first = desk.runner().answer(ITEMS)
    desk.write_adapter(0.5)
    second = desk.runner().answer(ITEMS)
    assert [p.text for p in first] != [p.text for p in second]
    assert [p.text for p in desk.runner("base").answer(ITEMS)] not in (
        [p.text for p in first],
        [p.text for p in second],
    )


def test_a_template_and_a_tokenizer_are_part_of_the_key(desk):
    before = desk.runner("base").identify()
    template = desk.base / "chat_template.jinja"
    template.write_text(template.read_text() + "{# otherwise #}")
    changed = desk.runner("base").identify()
    assert changed.template != before.template and changed.tokenizer == before.tokenizer
    desk.edit("tokenizer.json", normalizer={"type": "Lowercase"})
    lower = desk.runner("base").identify()
    assert lower.tokenizer != changed.tokenizer and lower.template == changed.template
    assert len({one.key([1]) for one in (before, changed, lower)}) == 3


def test_base_weights_format_device_and_index_are_part_of_the_key(desk):
    runner = desk.runner("base")
    before = runner.identify()
    desk.edit("config.json", rms_norm_eps=1e-3)
    assert desk.runner("base").identify().weights != before.weights
    for part, value in (("quantisation", "nf4"), ("dtype", "bfloat16"), ("index_version", "v2")):
        other = CandidateRunner(runner.candidate.model_copy(update={part: value}), None, None, "cpu")
        assert other.identify(retrieves=True).key([1]) != runner.identify(retrieves=True).key([1])
    assert CandidateRunner(runner.candidate, None, None, "auto").identify() != before


def test_a_changed_base_is_loaded_anew_in_one_process(desk):
    first = [p.text for p in desk.runner("base").answer(ITEMS)]
    assert first == [p.text for p in desk.runner("base").answer(ITEMS)]
    desk.edit("config.json", rms_norm_eps=10.0)
    assert first != [p.text for p in desk.runner("base").answer(ITEMS)]
