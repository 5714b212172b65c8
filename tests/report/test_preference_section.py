"""The report proposes preference optimisation by count, or says why not, and shows all that it moved."""

from __future__ import annotations

import re
from html import unescape

import finished_run
import pytest
from finished_run import write_run

from nichetune.core.files import read_json, read_records, write_json, write_jsonl
from nichetune.core.records import Prediction
from nichetune.report.material import read_material
from nichetune.report.page import render_page
from nichetune.report.preference import build_preferences

RATE = {"value": 0.5, "low": 0.118, "high": 0.882, "n": 6}
FACTS = {
    "pairs": 40, "preferences": {"before": {"win_rate": RATE}, "after": {"win_rate": RATE | {"value": 1.0, "low": 0.541,
    "high": 1.0}}, "won": 3, "lost": 0},
}  # fmt: skip


def build(made):
    return build_preferences(read_material(made.settings, made.inputs))


def test_failures_of_content_are_counted_and_nothing_is_proposed(make_run):
    made = make_run()
    due = {
        item.id: item.expected.abstain or (item.expected.fields or {}).get("action") == "query laterality"
        for item in finished_run.make_items()
    }
    for rung in ("qlora", "qlora+rag"):
        file = made.inputs[f"evaluate/{rung}"] / "predictions.jsonl"
        read = read_records(file, Prediction)
        answers = [p.answer.model_copy(update={"parsed": True, "abstain": due[p.item]}) for p in read]
        write_jsonl(file, [p.model_copy(update={"answer": a}) for p, a in zip(read, answers, strict=True)])
    told = build(made)
    assert told is not None and not told.is_proposed
    rows = {row.rung: row for row in told.rows}
    assert set(rows) == {"qlora", "qlora+rag"}
    assert all(row.counts == [0, 0, 0, row.failed] and row.answered == 36 and row.failed for row in told.rows)
    assert "(0 of " in told.sentence and "not of the kind that it can move, and it is not proposed" in told.sentence
    assert told.sentence in unescape(render_page(read_material(made.settings, made.inputs)))


def test_failures_of_form_propose_the_rung_with_the_count_behind_it(make_run):
    made = make_run(rungs=["classical", "qlora"])
    file = made.inputs["evaluate/qlora"] / "predictions.jsonl"
    broken = [p.model_copy(update={"stopped": "length"}) for p in read_records(file, Prediction)]
    write_jsonl(file, broken)  # the wrong ones now never stopped
    told = build(made)
    assert told is not None and told.is_proposed
    failed = told.rows[0].failed
    assert f"gets {failed} wrong: {failed} by not stopping, 0 by form" in told.sentence
    assert "the rung qlora+dpo," in told.sentence


def test_a_moved_rung_shows_every_metric_before_and_after_and_its_held_out_pairs(tmp_path, monkeypatch):
    monkeypatch.setitem(finished_run.RUNGS, "qlora+dpo", (0.99, 0.3, 3e14, 1.2e12, 280_000_000))
    settings = finished_run.make_settings(rungs=["classical", "qlora", "qlora+dpo"])
    made = write_run(tmp_path / "run", settings, finished_run.make_items())
    write_json(tmp_path / "run/train/qlora+dpo/manifest.json", {"facts": FACTS, "digest": "d", "counts": {}})
    made.inputs["train/qlora+dpo"] = tmp_path / "run/train/qlora+dpo"
    told = build(made)
    assert told is not None and not told.is_proposed
    moved = told.moved[0]
    assert (moved.start, moved.rung) == ("qlora", "qlora+dpo")
    told_of = [read_json(made.inputs[f"evaluate/{rung}"] / "metrics.json") for rung in ("qlora", "qlora+dpo")]
    assert len(moved.rows) == len({name for figures in told_of for name, one in figures.items() if one["n"]})
    page = unescape(render_page(read_material(made.settings, made.inputs)))
    assert "50.0% (11.8 to 88.2) before and is in 100.0% (54.1 to 100.0) after; 3 were won, 0 lost" in page
    assert re.search(r"triage: Exact form.*?\d\.\d%", page)


@pytest.mark.parametrize("kept", [["classical"], ["base"]])
def test_without_a_tuned_rung_there_is_nothing_to_say(make_run, kept):
    assert build(make_run(rungs=kept)) is None
