"""The serving bench on a tiny base: every side is served and measured, and the merged adapter says what it said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conftest import ROOT
from tests.tiny_models import save_adapter, save_tiny

from nichetune.core.files import write_jsonl, write_record
from nichetune.core.records import Candidate, Example, Expected, Message, Source
from nichetune.core.settings import BaseSettings, TaskSettings
from nichetune.models.loading import load_base


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory, tokenizer) -> Path:
    """What the bench reads of a run: a candidate, its adapter, the sealed items."""
    folder = tmp_path_factory.mktemp("run")
    base = save_tiny(folder / "base", tokenizer)
    save_adapter(
        folder / "train/lora/adapter", load_base(BaseSettings(model=str(base), dtype="float32")).model, tokenizer
    )
    task = TaskSettings(kind="exact", prompt="Name it.", max_new_tokens=6)
    candidate = Candidate(rung="lora", base_model=str(base), prompt_style="short", tasks={"name": task},
                          adapter="train/lora/adapter", adapter_digest="a", dtype="float32")  # fmt: skip
    write_record(folder / "evaluate/lora/candidate.json", candidate)
    turns = [Message(role="user", content=f"Which word is number {n}?") for n in range(5)]
    items = [
        Example(id=str(n), group=str(n), task="name", messages=[turn], expected=Expected(answer="amber"),
                source=Source(file="f"))
        for n, turn in enumerate(turns)
    ]  # fmt: skip
    write_jsonl(folder / "benchmark/items.jsonl", items)
    return folder


def test_every_side_is_served_and_stored(finished_run, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import serving

    given = [
        "--run",
        str(finished_run),
        "--json",
        str(tmp_path / "f"),
        "--rung",
        "lora",
        "--items",
        "3",
        "--turns",
        "2",
    ]
    monkeypatch.setattr("sys.argv", ["serving.py", *given])
    serving.main()
    told = json.loads((tmp_path / "f").read_text())
    for name in ("tokens_per_s", "reply_p50_s", "batch_tokens_per_s", "speed_over_base"):
        assert set(told[name]) == {"base", "adapter", "merged", "full"}
        assert all(one["value"] > 0 and one["n"] == 2 for one in told[name].values())
    assert told["speed_over_base"]["base"]["value"] == 1
    assert told["merged_replies_as_unmerged"] == told["items"] == 3
    assert told["full_is"] == "a copy of the base, written in full"
    assert told["stored_bytes"]["adapter"] < told["stored_bytes"]["full"]
    assert "| adapters on one base |" in capsys.readouterr().out
