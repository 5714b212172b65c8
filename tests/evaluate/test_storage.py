"""What a candidate takes to store is a matter of its content."""

from __future__ import annotations

import pytest

from nichetune.core.records import Answer, Prediction
from nichetune.core.settings import Settings
from nichetune.evaluate import run
from nichetune.evaluate.run import _folder_bytes


def test_a_stage_that_took_longer_takes_no_more_storage(tmp_path):
    stage = tmp_path / "derived" / "stage"  # a user's own folder may have any name
    (stage / "adapter").mkdir(parents=True)
    (stage / "adapter" / "weights.safetensors").write_bytes(b"12345")
    (stage / "timing.json").write_text('{"seconds": 9.5}')
    quick = _folder_bytes(stage)
    (stage / "timing.json").write_text('{"seconds": 1234.567}')
    (stage / "derived").mkdir()
    (stage / "derived" / "table").write_bytes(b"rebuilt")
    assert _folder_bytes(stage) == quick == 5


@pytest.mark.parametrize(("method", "stored"), [("lora", 1000 + 50), ("full", 50)])
def test_an_adapter_is_stored_beside_its_base_and_full_weights_need_none(tmp_path, monkeypatch, method, stored):
    monkeypatch.setattr(run, "_base_bytes", lambda settings: 1000)
    monkeypatch.setattr(run, "_base_parameters", lambda settings: 7)
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter/weights.safetensors").write_bytes(b"5" * 50)
    (tmp_path / "manifest.json").write_text(f'{{"facts": {{"method": "{method}"}}}}')
    facts = (tmp_path / "manifest.json").stat().st_size
    said = [Prediction(item="i", text="", answer=Answer())]
    settings = Settings.model_validate({"project": "p", "sources": [], "tasks": {"t": {"kind": "exact"}}})
    assert run.count_used(settings, said, tmp_path, None, method).storage_bytes == stored + facts
