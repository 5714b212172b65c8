"""A suite over time: figures by slice, the slope where there are slices enough, and what changed judged apart."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nichetune.benchmark.suites import Suite
from nichetune.cli.app import run
from nichetune.core.files import read_json, write_json
from nichetune.core.records import Answer, Example, Expected, ItemScore, Message, Prediction, Source
from nichetune.core.settings import Settings
from nichetune.decide.drift import compare_over_time, say_drift
from nichetune.evaluate.drift import estimate_slope
from nichetune.evaluate.suites import count_critical, write_suite

SETTINGS = Settings.model_validate({
    "project": "desk", "sources": [],
    "tasks": {"ask": {"kind": "exact"}, "side": {"kind": "choice", "values": ["left", "right"]}},
})  # fmt: skip


def make_suite(slices: dict[str, int], changed: str = "") -> Suite:
    """A suite with so many items a slice; the items of `changed` are the ones whose answer changed."""
    named = [(f"{name}-{n}", name) for name, count in slices.items() for n in range(count)]
    items = [
        Example(id=item, group=item, task="ask", messages=[Message(role="user", content=item)],
                expected=Expected(answer="x"), source=Source(file="s"))
        for item, _ in named
    ]  # fmt: skip
    return Suite(slices=dict(named), changed=[item for item, name in named if name == changed], items=items)


def answer(folder, suite: Suite, right: dict[str, int]) -> dict:
    """Writes the suite's folder of a rung that gets so many of each slice right."""
    scores = []
    for item in suite.items:
        name, n = item.id.rsplit("-", 1)
        value = float(int(n) < right[name])
        scores.append(ItemScore(item=item.id, group=item.group, task="ask", scores={"exact": value, "success": value}))
    predictions = [Prediction(item=i.id, text="", answer=Answer(answer="x")) for i in suite.items]
    write_suite(suite, suite.items, predictions, scores, SETTINGS, folder / "suites/drift")
    return read_json(folder / "suites/drift/suite.json")


def test_three_slices_have_figures_and_no_slope_and_four_have_one(tmp_path):
    told = answer(
        tmp_path, make_suite({"2021": 30, "2025": 20, "2026": 10}, "2026"), {"2021": 27, "2025": 12, "2026": 1}
    )
    assert {name: figures["ask.exact"]["value"] for name, figures in told["slices"].items()} == {
        "2021": 0.9, "2025": 0.6, "2026": 0.1,
    }  # fmt: skip
    assert told["slopes"] == {} and told["changed"]["share"]["value"] == pytest.approx(1 / 6, abs=1e-6)
    assert told["changed"]["changed"]["ask.exact"]["n"] == 10
    assert told["changed"]["stayed"]["ask.exact"]["value"] == pytest.approx(39 / 50)
    told = answer(tmp_path, make_suite(dict.fromkeys("abcd", 20)), {"a": 18, "b": 14, "c": 10, "d": 6})
    slope = told["slopes"]["ask.exact"]
    assert slope["value"] == pytest.approx(-0.2) and slope["low"] < -0.2 < slope["high"] < 0 and slope["n"] == 80
    assert told["changed"] is None


def test_the_slopes_interval_holds_the_true_slope_19_times_in_20():
    draw = np.random.default_rng(3)
    places, groups = np.repeat(np.arange(4), 30), [f"g{n // 3}" for n in range(120)]
    held = 0
    for _ in range(200):
        own = np.repeat(draw.normal(0, 0.1, 40), 3)  # what items of a group share
        scores = (draw.random(120) < np.clip(0.7 - 0.1 * places + own, 0, 1)).astype(float)
        found = estimate_slope(scores.tolist(), places.tolist(), groups)
        held += found.low <= -0.1 <= found.high
    assert 180 <= held <= 199


def test_scores_that_never_vary_get_no_interval_and_three_slices_no_slope():
    flat = estimate_slope([1.0] * 8, [0, 0, 1, 1, 2, 2, 3, 3], list("abcdefgh"))
    assert (flat.value, flat.low, flat.high) == (0.0, None, None)
    assert estimate_slope([1.0, 0.0, 1.0], [0, 1, 2], list("abc")).value is None


def test_tuned_is_weighed_against_tuned_and_retrieval_in_each_part(tmp_path):
    suite = make_suite({"2021": 20, "2026": 20}, "2026")
    suites = {"drift": {
        "qlora": answer(tmp_path / "qlora", suite, {"2021": 15, "2026": 2}),
        "qlora+rag": answer(tmp_path / "qlora+rag", suite, {"2021": 15, "2026": 14}),
    }}  # fmt: skip
    inputs = {f"evaluate/{rung}": tmp_path / rung for rung in suites["drift"]}
    found = compare_over_time(inputs, suites, 0.05, 7)
    assert [one["part"] for one in found] == ["2021", "2026", "changed", "stayed"]
    assert [one["difference"] for one in found] == [0, 0.6, 0.6, 0] and found[1]["low"] > 0 and found[1]["n"] == 20
    (sentence,) = say_drift(found, suites)
    assert "qlora+rag over qlora" in sentence and "2026 60.0" in sentence and "Too few slices for a slope" in sentence


def test_compare_takes_a_suite_or_a_part_of_it(tmp_path, capsys):
    suite = make_suite({"2021": 20, "2026": 20}, "2026")
    answer(tmp_path / "old", suite, {"2021": 15, "2026": 2})
    answer(tmp_path / "new", suite, {"2021": 15, "2026": 14})
    sides = [str(tmp_path / "old"), str(tmp_path / "new")]
    command = ["compare", *sides, "--suite", "drift", "--json"]
    assert run(command) == 0
    whole = json.loads(capsys.readouterr().out)
    assert list(whole) == ["difference", "low", "high", "p", "n", "groups", "margin", "decision"]
    assert (whole["difference"], whole["n"]) == (0.3, 40)
    assert run([*command, "--part", "changed"]) == 0
    changed = json.loads(capsys.readouterr().out)
    assert (changed["difference"], changed["n"], changed["decision"]) == (0.6, 20, "better")
    for wrong, words in (
        (["compare", *sides, "--suite", "drft"], "it was asked: drift"),
        ([*command, "--part", "2024"], "parts are: 2021, 2026, changed, stayed"),
        (["compare", *sides, "--part", "2021"], "name it by --suite"),
        ([*command, "--metric", "side.exact"], "no item of suite drift has a side.exact"),
        ([*command, "--html", str(tmp_path / "x.html")], "leave it out for a suite"),
    ):
        assert run(wrong) == 2
        assert words in capsys.readouterr().err


def test_a_shipped_rung_is_found_behind_a_runs_folder(tmp_path, capsys):
    suite = make_suite({"2021": 4, "2026": 4})
    for name, right in (("a", 1), ("b", 3)):
        answer(tmp_path / name / "evaluate/lora", suite, {"2021": 4, "2026": right})
        write_json(tmp_path / name / "decide/verdict.json", {"ship": "lora", "primary": "side.exact"})
    assert run(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--suite", "drift", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["difference"] == 0.25


def test_where_everything_changed_nothing_stayed_and_the_verdict_still_stands(tmp_path):
    suite = make_suite({"2026": 20}, "2026")
    told = answer(tmp_path / "a", suite, {"2026": 5})
    answer(tmp_path / "b", suite, {"2026": 15})
    assert set(told["changed"]) == {"share", "changed"}
    inputs = {"evaluate/qlora": tmp_path / "a", "evaluate/qlora+rag": tmp_path / "b"}
    found = compare_over_time(inputs, {"drift": {"qlora": {}, "qlora+rag": {}}}, 0.05, 7)
    assert {one["part"]: one["difference"] for one in found} == {"2026": 0.5, "changed": 0.5}


def test_the_bound_of_critical_failures_knows_groups():
    items = [
        Example(id=f"i{n}", group=f"g{n // 2}", task="ask", messages=[Message(role="user", content="x")],
                expected=Expected(abstain=True), source=Source(file="s"))
        for n in range(40)
    ]  # fmt: skip
    alone = [item.model_copy(update={"group": item.id}) for item in items]
    said = [Prediction(item=item.id, text="", answer=Answer(abstain=True)) for item in items]
    in_pairs, apart = count_critical(items, said), count_critical(alone, said)
    assert apart["upper"] == pytest.approx(1 - 0.05 ** (1 / 40), abs=1e-4)
    assert in_pairs["upper"] == pytest.approx(1 - 0.05 ** (1 / 20), abs=1e-4)
