"""The training bench's figures, from runs whose speeds are given: what is divided by what, and when it stops."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
import training
from trainers import peers, tables

SPEEDS = {"ours": 200.0, "prefix": 260.0, "float32": 150.0, "stock": 100.0}
AIMS = {
    *(f"{name}.{method}" for name in ("ratio", "ratio_prefix") for method in ("lora", "qlora", "full")),
    "ceiling_share.lora", "ceiling_share.full", "memory_ratio.qlora_frugal", "exact_form_at_equal_time",
}  # fmt: skip


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """The bench on runs that are not made but told; every name that it asked for, in order."""
    for part in ("split/train.jsonl", "benchmark/items.jsonl", "index"):
        (tmp_path / part).mkdir(parents=True)
    monkeypatch.setattr(peers, "RUN", tmp_path)
    asked: list[str] = []
    monkeypatch.setattr(training, "run", lambda module, given: asked.append(given[0]) or tell(module, given))
    monkeypatch.setattr(
        training, "run_full_peer", lambda steps: asked.append("peer") or tell_speed("", 80.0) | {"peer": "another 1.0"}
    )
    return asked


def tell(module: str, given: list[str]) -> dict:
    who = given[0].partition("/")[0]
    if module == "trainers.speed":
        return tell_speed(who, SPEEDS.get(who, 50.0))
    marks = given[given.index("--minutes") + 1 : given.index("--items")]
    return {mark: [float(who == "prefix"), 0.0] for mark in marks} | {"steps": 9, "planned": 9}


def tell_speed(who: str, tokens_per_s: float) -> dict:
    return {
        "tokens_per_s": tokens_per_s, "peak_bytes": 40 if who == "frugal" else 100, "last_loss": 2.0, "trainable": 1,
        "parameters": 9, "product_flops": 1e11, "flops": 6e10, "tokens": 90, "computed_tokens": 80,
    }  # fmt: skip


def bench(monkeypatch, *given: str) -> None:
    monkeypatch.setattr(sys, "argv", ["training.py", *given])
    training.main()


def test_every_figure_that_is_asked_for_is_written_with_its_interval(runs, monkeypatch, tmp_path):
    bench(monkeypatch, "--json", str(tmp_path / "out.json"))
    found = json.loads((tmp_path / "out.json").read_text())
    assert found.keys() >= AIMS
    assert all(found[name].keys() == {"value", "low", "high", "n"} for name in AIMS)
    assert (found["ratio.lora"]["value"], found["ratio_prefix.full"]["value"]) == (2.0, 2.6)
    assert (found["ceiling_share.full"]["value"], found["memory_ratio.qlora_frugal"]["value"]) == (0.6, 0.4)
    assert found["exact_form_at_equal_time"]["value"] == 0.5 and found["minutes"].keys() == set(training.PARTS)


def test_trainers_take_turns_and_the_whole_peer_has_its_own(runs, monkeypatch, capsys):
    bench(monkeypatch, "--parts", "speed", "--turns", "2", "--full-peer")
    turn = ["ours/lora", "prefix/lora", "stock/lora", "float32/lora", "peer", "ours/qlora"]
    assert runs[: len(turn)] == turn and runs.count("peer") == 2 == runs.count("stock/full")
    assert "ours to the full peer, another 1.0: 3.25 (3.25 to 3.25), n = 2" in capsys.readouterr().out


def test_a_whole_peer_without_the_speeds_is_refused(runs, monkeypatch):
    with pytest.raises(SystemExit, match="add speed to --parts"):
        bench(monkeypatch, "--parts", "memory", "--full-peer")
    assert runs == []


def test_a_handicapped_stock_ends_the_bench(runs, monkeypatch, capsys):
    monkeypatch.setitem(SPEEDS, "stock", 40.0)
    with pytest.raises(SystemExit) as ended:
        bench(monkeypatch, "--parts", "speed")
    assert ended.value.code == 3 and "is something else running here?" in capsys.readouterr().err


def test_a_run_in_which_the_machine_stood_still_is_done_again(monkeypatch):
    told = iter([5e10, 1e11])
    monkeypatch.setattr(training, "run_speed", lambda peer, steps: {"product_flops": next(told)})
    rates = [1e11, 1e11]
    assert training.run_unstalled("stock/lora", 4, rates)["product_flops"] == 1e11 == rates[-1]


def test_memory_alone_measures_stock_on_the_same_batches(runs, monkeypatch):
    asked = []
    monkeypatch.setattr(training, "run_speed", lambda peer, steps: asked.append((peer, steps)) or tell_speed("", 1.0))
    bench(monkeypatch, "--parts", "memory", "--turns", "1", "--steps", "2")
    assert asked == [("frugal/qlora", 2), ("stock/lora", 2)]


def test_an_interval_over_turns_is_on_the_logarithm():
    figure = tables.spread([2.0, 2.0, 4.0])
    assert figure["value"] == pytest.approx(16 ** (1 / 3), abs=1e-3)
    assert figure["low"] * figure["high"] == pytest.approx(figure["value"] ** 2, rel=1e-3)
    assert tables.spread([2.0]) == {"value": 2.0, "low": None, "high": None, "n": 1}
