"""`nichetune compare A B`: two files of scores from anywhere, or two runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nichetune.cli.app import run
from nichetune.core.errors import UserError
from nichetune.core.files import write_jsonl
from nichetune.core.records import Expected, Source
from nichetune.decide.compare import compare_scores, decide_difference
from nichetune.decide.paired import compare_paired
from nichetune.evaluate.metrics import fewer_is_better


def _write(path: Path, scores: list[float], **columns: list[str]) -> Path:
    rows = [{"id": f"q{n}", "score": s, **{k: v[n] for k, v in columns.items()}} for n, s in enumerate(scores)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _compare(tmp_path: Path, a: list[float], b: list[float], **columns: list[str]) -> dict:
    return compare_scores(_write(tmp_path / "a", a, **columns), _write(tmp_path / "b", b, **columns))


@pytest.mark.parametrize(
    ("right_a", "right_b", "n", "decision"),
    [(50, 80, 100, "better"), (80, 50, 100, "worse"), (500, 500, 1000, "equivalent"), (15, 16, 30, "inconclusive")],
)
def test_the_decision_follows_from_the_interval(tmp_path, right_a, right_b, n, decision):
    result = _compare(tmp_path, [float(i < right_a) for i in range(n)], [float(i < right_b) for i in range(n)])
    assert result["decision"] == decision
    assert list(result) == ["difference", "low", "high", "p", "n", "groups", "margin", "decision"]
    assert result["low"] <= result["difference"] <= result["high"]
    assert (result["n"], result["groups"], result["margin"]) == (n, n, 0.02)


def test_items_are_paired_by_id_in_whatever_order_they_stand(tmp_path):
    a = _write(tmp_path / "a", [1, 0, 0, 1])
    b = _write(tmp_path / "b", [1, 0, 0, 1])
    b.write_text("".join(reversed(b.read_text().splitlines(keepends=True))))
    assert compare_scores(a, b)["difference"] == 0


def test_a_tiny_p_is_never_written_as_zero(tmp_path):
    assert 0 < _compare(tmp_path, [0.0] * 200, [1.0] * 200)["p"] < 1e-30


def test_groups_make_the_same_scores_tell_less(tmp_path):
    a, b = [0.0] * 60, [float(i % 3 > 0) for i in range(60)]
    alone = _compare(tmp_path, a, b)
    grouped = _compare(tmp_path, a, b, group=[str(i // 12) for i in range(60)])
    assert grouped["groups"] == 5
    assert grouped["high"] - grouped["low"] > alone["high"] - alone["low"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "q0", "score": 1}', "id q0 stands twice"),
        ('{"id": "q9", "score": 1}', "1 ids of .* are missing, the first is q9"),
        ('{"id": "q9", "score": 1.5}', "`score` must be a number from 0 to 1"),
        ('{"id": "q9", "score": NaN}', "`score` must be a number from 0 to 1"),
        ('{"id": "q9"}', "`score` must be a number from 0 to 1"),
        ('{"score": 1}', "no `id`"),
        ("[1]", "no `id`"),
        ("{", "not a JSON object"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(tmp_path, line, message):
    a, b = _write(tmp_path / "a", [1, 0]), _write(tmp_path / "b", [1, 0])
    a.write_text(a.read_text() + line + "\n")
    with pytest.raises(UserError, match=message):
        compare_scores(a, b)


def test_an_item_in_two_different_groups_is_refused(tmp_path):
    a, b = _write(tmp_path / "a", [1], group=["x"]), _write(tmp_path / "b", [1], group=["y"])
    with pytest.raises(UserError, match="item q0 is in another group"):
        compare_scores(a, b)


def test_a_missing_or_empty_file_is_refused(tmp_path):
    a = _write(tmp_path / "a", [1])
    with pytest.raises(UserError, match="no such file"):
        compare_scores(a, tmp_path / "none")
    with pytest.raises(UserError, match="no scores in it"):
        compare_scores(a, _write(tmp_path / "b", []))


def test_a_planned_look_has_the_same_keys_and_a_wider_interval_than_a_single_one(tmp_path):
    rng = np.random.default_rng(2)
    scores = (rng.random((2, 150)) < [[0.5], [0.62]]).astype(float).tolist()
    a, b = _write(tmp_path / "a", scores[0]), _write(tmp_path / "b", scores[1])
    once, planned = compare_scores(a, b), compare_scores(a, b, look=3, looks=10)
    assert list(planned) == list(once)
    assert planned["low"] < once["low"] < once["high"] < planned["high"]
    assert planned["p"] == once["p"]


def test_nights_may_call_less_than_one_look_does(tmp_path, capsys):
    a = _write(tmp_path / "a", [float(i < 50) for i in range(100)])
    b = _write(tmp_path / "b", [float(8 <= i < 50) for i in range(100)])  # p = 0.0078 / 2: between two levels
    assert run(["compare", str(a), str(b), "--fail-on-regression"]) == 1
    assert run(["compare", str(a), str(b), "--fail-on-regression", "--look", "9", "--looks", "10"]) == 0
    assert ", look 9 of 10 at level 0.0035" in capsys.readouterr().out


@pytest.mark.parametrize(("look", "looks"), [(0, 5), (6, 5), (1, 0), (1, 401)])
def test_a_look_that_was_not_planned_is_refused(tmp_path, look, looks):
    a = _write(tmp_path / "a", [1, 0])
    with pytest.raises(UserError, match=r"count looks from 1|cannot be planned"):
        compare_scores(a, a, look=look, looks=looks)


def test_two_runs_are_compared_on_what_each_ships(make_desk, tmp_path):
    desk = make_desk(range(60))
    desk.score("classical", [0.0] * 60)
    desk.score("qlora", [1.0] * 60)
    desk.decide()
    base = desk.score("base", [0.5] * 60, name="base")
    result = compare_scores(base, desk.folder)
    assert (result["difference"], result["decision"]) == (0.5, "better")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="neither a finished run nor an evaluated rung"):
        compare_scores(tmp_path / "empty", tmp_path / "empty")


def change(desk, tmp_path: Path, **parts) -> Path:
    """The desk's run again, with another first item."""
    other = tmp_path / "other"
    shutil.copytree(desk.folder / "evaluate", other / "evaluate")
    items = [item.model_copy(update=parts) if n == 0 else item for n, item in enumerate(desk.items)]
    write_jsonl(other / "benchmark" / "items.jsonl", items)
    return other / "evaluate" / "base"


def test_runs_that_ask_or_expect_something_else_under_one_id_are_not_compared(make_desk, tmp_path):
    desk = make_desk(range(20))
    base = desk.score("base", [0.5] * 20)
    mended = change(desk, tmp_path, expected=Expected(answer="no"))
    with pytest.raises(UserError, match=r"1 of 20 items do not ask the same.*the first is q000: evaluate both") as told:
        compare_scores(base, mended, metric="ask.exact")
    assert "\n" not in str(told.value)


def test_an_item_that_only_moved_in_its_file_is_the_same(make_desk, tmp_path):
    desk = make_desk(range(20))
    base = desk.score("base", [0.5] * 20)
    moved = change(desk, tmp_path, source=Source(file="elsewhere", line=9))
    assert compare_scores(base, moved, metric="ask.exact")["n"] == 20


@pytest.mark.parametrize(
    "content",
    [
        '{"id": "q0", "score": 1}\n'.encode("utf-16"),
        b'{"id": "q0", "score": ' + b"9" * 5000 + b"}\n",
        b'{"id": "q0", "score": ' + b"9" * 400 + b"}\n",
        b'{"id": "q0", "score": NaN}\n',
        b"[" * 100_000 + b"\n",
    ],
    ids=["utf-16", "5,000 digits", "400 digits", "not a number", "nested"],
)
def test_a_file_that_is_no_scores_is_one_line_and_exit_2(tmp_path, capsys, content):
    good = _write(tmp_path / "a", [1.0])
    (tmp_path / "b").write_bytes(content)
    assert run(["compare", str(good), str(tmp_path / "b")]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1 and told[0].startswith("error: ") and len(told[0]) < 300


def test_a_mark_before_the_first_line_is_no_error(tmp_path):
    good = _write(tmp_path / "a", [1.0, 0.0])
    (tmp_path / "b").write_bytes(b"\xef\xbb\xbf" + good.read_bytes())
    assert compare_scores(good, tmp_path / "b")["difference"] == 0


@pytest.mark.parametrize(
    ("metric", "low", "high", "fewer"),
    [("ask.exact", "worse", "better", False), ("ask.over_refusal", "better", "worse", True)],
)
def test_of_some_metrics_less_is_better(metric, low, high, fewer):
    assert fewer_is_better(metric) is fewer
    paired = compare_paired([0.0] * 50, [1.0] * 40 + [0.0] * 10, list(range(50)), resamples=500)
    assert decide_difference(paired, 0.02, fewer_is_better(metric)) == high
    back = compare_paired([1.0] * 40 + [0.0] * 10, [0.0] * 50, list(range(50)), resamples=500)
    assert decide_difference(back, 0.02, fewer_is_better(metric)) == low
