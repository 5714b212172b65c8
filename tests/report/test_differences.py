"""Wins and losses: the right rival, the right items, and losses never crowded out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from finished_run import Run

from nichetune.report.differences import Difference, build_differences, choose_rival, choose_shown
from nichetune.report.material import Material, read_material


def material(finished: Run) -> Material:
    return read_material(finished.settings, finished.inputs)


def outcomes(wins: int, losses: int) -> list[Difference]:
    return [Difference(f"i{n}", "t", "win" if n < wins else "loss", "", "base", []) for n in range(wins + losses)]


def test_every_shown_item_scores_differently(finished: Run) -> None:
    run = material(finished)
    found = build_differences(run)
    assert found is not None and found.total == sum(t.wins + t.losses for t in found.tallies)
    for one in found.shown:
        rival = next(rung for rung in run.rungs if rung.name == one.rival)
        own, other = (rung.scores[one.item].scores["success"] for rung in (run.shipped, rival))
        assert (own > other) == (one.outcome == "win") and own != other


def test_wrong_fields_are_the_ones_that_scored_nothing(finished: Run) -> None:
    run = material(finished)
    found = build_differences(run)
    assert found is not None
    form = next(one for one in found.shown if one.task == "triage")
    scores = run.shipped.scores[form.item].scores
    assert {part.name: part.shipped.right for part in form.parts if part.name in scores} == {
        name: scores[name] == 1 for name in ("finding", "side", "action")
    }


def test_rung_that_answers_alike_is_no_rival(finished: Run) -> None:
    run = material(finished)
    triage = [item for item in run.items if item.task == "triage"]
    rival = choose_rival(run, "triage", triage)
    assert rival is not None and rival.name == "classical"  # qlora+rag is better but the same on this task


def test_rung_that_stayed_open_is_the_rival(finished: Run) -> None:
    run = material(finished)
    pair = {"a": "qlora", "b": "base", "decision": "inconclusive"}
    left_open = replace(run, verdict=run.verdict | {"comparisons": [pair]})
    rival = choose_rival(left_open, "triage", [item for item in run.items if item.task == "triage"])
    assert rival is not None and rival.name == "base"


def test_a_few_losses_are_not_crowded_out_by_many_wins() -> None:
    shown = choose_shown(outcomes(wins=100, losses=30), limit=40)
    assert len(shown) == 40 and sum(one.outcome == "loss" for one in shown) == 20
    assert sum(one.outcome == "loss" for one in choose_shown(outcomes(wins=3, losses=100), limit=40)) == 37
    assert len(choose_shown(outcomes(wins=5, losses=4), limit=40)) == 9


def test_shipped_rung_that_does_not_answer_a_task_is_not_compared_there(make_run: Callable[..., Run]) -> None:
    made = make_run(rungs=["classical", "base"])
    run = material(made)
    run = replace(run, verdict=run.verdict | {"ship": "classical"})
    found = build_differences(run)
    assert found is not None and [tally.task for tally in found.tallies] == ["triage"]
