"""The audit: a stratified sample, a person's answers, and the residual leak rate with an exact interval."""

from __future__ import annotations

import io

import pytest

from nichetune.console.audit import audit_file
from nichetune.core.errors import UserError
from nichetune.corpus.masking.audit import Shown, bound_leaks, draw_sample, judge_sample
from nichetune.report.dataset_material import Audit
from nichetune.report.dataset_sections import describe_residual


def make_shown(count: int) -> list[Shown]:
    return [Shown(f"f:{n}", f"text {n}", n % 4) for n in range(count)]


def test_none_of_200_is_below_one_and_a_half_percent():
    result = judge_sample(make_shown(200), 5000, lambda one, number: "n")
    assert result.sentence == "0 of 200: below 1.5% with 95% confidence"
    assert result.high == pytest.approx(1 - 0.05 ** (1 / 200))


def test_the_interval_is_clopper_and_pearsons():
    low, high = bound_leaks(3, 200)
    assert (low, high) == pytest.approx((0.00310, 0.04320), abs=2e-5)
    assert bound_leaks(0, 0) == (0.0, 1.0)


def test_terminal_and_page_state_one_bound():
    judged = judge_sample(make_shown(200), 5000, lambda one, number: "y" if number <= 3 else "n")
    assert judged.sentence.startswith("3 of 200: below 3.8% with 95% confidence (1.5%, interval 0.3% to 4.3%)")
    page = describe_residual(Audit(judged.judged, judged.leaks)).sentence
    assert "below 3.8% with 95% confidence" in page


def test_each_stratum_gives_its_share_and_the_seed_fixes_the_draw():
    texts = make_shown(400)
    sample = draw_sample(texts, 100, seed=4)
    assert [one.place for one in sample] == [one.place for one in draw_sample(texts, 100, seed=4)]
    assert len({one.place for one in sample}) == 100
    assert sum(one.findings == 0 for one in sample) == 25
    assert sum(one.findings in (1, 2) for one in sample) == 50


def test_skipped_texts_count_for_nothing_and_quitting_keeps_what_was_judged():
    answers = iter("ynsnq")
    result = judge_sample(make_shown(10), 10, lambda one, number: next(answers))
    assert (result.judged, result.leaks, result.skipped) == (3, 1, 1)
    assert result.places == ("f:0",)


def test_the_terminal_shows_texts_and_reads_answers(tmp_path, monkeypatch, capsys):
    (tmp_path / "out.jsonl").write_text('{"text": "Pt: [PERSON_1]", "entities": [{}]}\n{"text": "eye"}\n')
    monkeypatch.setattr("sys.stdin", io.StringIO("what\nn\nn\n"))
    result = audit_file(tmp_path / "out.jsonl", 200)
    assert (result["judged"], result["leaks"]) == (2, 0)
    shown = capsys.readouterr().err
    assert "[PERSON_1]" in shown and "[y]es, [n]o, [s]kip, [q]uit" in shown
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(UserError):
        audit_file(tmp_path / "none.jsonl", 5)
