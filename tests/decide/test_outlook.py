"""`nichetune benchmark power`: the reference figures, groups, and a sealed benchmark with and without a verdict."""

from __future__ import annotations

import json

import pytest

from nichetune.cli.app import run
from nichetune.core.errors import UserError
from nichetune.core.files import read_json, write_json
from nichetune.decide.outlook import plan_items, plan_sealed, state_power


def _ask(capsys, *options: str) -> dict:
    assert run(["benchmark", "power", "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("items", "gain"), [(100, 0.088), (200, 0.062), (500, 0.040), (60, None)])
def test_the_smallest_gain_at_ten_percent_discordance_is_the_reference(capsys, items, gain):
    told = _ask(capsys, "--items", str(items), "--discordance", "0.1", "--alpha", "0.05", "--power", "0.8")
    assert told["smallest_gain"] == (None if gain is None else pytest.approx(gain, abs=5e-4))


@pytest.mark.parametrize(("margin", "items"), [("0.05", 248), ("0.03", 687)])
def test_non_inferiority_needs_the_reference_number_of_items(capsys, margin, items):
    told = _ask(capsys, "--items", "200", "--discordance", "0.1", "--non-inferiority", margin)
    assert told["non_inferiority_items"] == items


def test_the_items_needed_for_a_margin_have_the_power_asked_for(capsys):
    needed = _ask(capsys, "--items", "200", "--margin", "0.05")["items_needed"]
    assert needed == 312
    assert _ask(capsys, "--items", str(needed), "--margin", "0.05")["power_at_margin"] == pytest.approx(0.8, abs=2e-3)


def test_items_needed_in_groups_have_the_power_asked_for(capsys):
    options = ("--margin", "0.06", "--discordance", "0.2", "--design-effect", "1.5")
    needed = _ask(capsys, "--items", "300", "--groups", "60", *options)["items_needed"]
    then = _ask(capsys, "--items", str(needed), "--groups", str(needed // 5), *options)
    assert then["power_at_margin"] == pytest.approx(0.8, abs=5e-3)


def test_groups_looks_and_rungs_each_raise_what_can_be_shown():
    alone, grouped = state_power(plan_items(800)), state_power(plan_items(800, groups=160))
    assert alone["design_effect"] == 1 and grouped["design_effect"] == pytest.approx(1 + 0.2 * 4)
    assert alone["smallest_gain"] < grouped["smallest_gain"]
    assert grouped["design_effect_from"] == "assumed"


def test_people_are_told_the_same_with_what_was_assumed(capsys):
    assert run(["benchmark", "power", "--items", "60"]) == 0
    told = capsys.readouterr().out
    assert "10.0% of the items answered differently (assumed), design effect 1.00" in told
    assert "Smallest gain found: none" in told


@pytest.mark.parametrize(
    "options",
    [["--items", "1"], ["--items", "9", "--groups", "10"], ["--items", "9", "--discordance", "0"],
     ["--items", "9", "--margin", "5"], ["--items", "9", "--alpha", "0.6"], ["--items", "9", "--design-effect", "0.5"],
     ["--items", "9", "--groups", "3", "--correlation", "2"], ["--items", "9", "--rungs", "1"],
     ["--items", "9", "--looks", "0"],
     ["--items", "9", "--groups", "3", "--design-effect", "nan"], ["--items", "9", "--design-effect", "inf"],
     ["--items", "99999999999999999999"], ["--items", "1000000000"],
     ["--items", "9", "--power", "1"], ["--items", "9", "--non-inferiority", "-1"]],
)  # fmt: skip
def test_a_wrong_figure_is_refused_in_one_line(capsys, options):
    assert run(["benchmark", "power", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_a_sealed_benchmark_brings_its_own_groups_margin_and_level(make_desk):
    desk = make_desk([n // 3 for n in range(120)], margin=0.04, alpha=0.1)
    plan = plan_sealed(desk.settings, desk.inputs["benchmark"], desk.folder / "decide" / "verdict.json")
    told = state_power(plan)
    assert (told["items"], told["groups"], told["margin"], told["alpha"]) == (120, 40, 0.04, 0.1)
    assert (told["discordance_from"], told["design_effect_from"]) == ("assumed", "assumed")


def test_what_a_verdict_measured_on_it_takes_the_place_of_assumptions(make_desk):
    desk = make_desk([n // 3 for n in range(120)])
    desk.score("classical", [float(n % 12 < 3) for n in range(120)])
    desk.score("qlora", [float(n % 12 < 8) for n in range(120)])
    verdict = desk.decide()
    file = desk.folder / "decide" / "verdict.json"
    told = state_power(plan_sealed(desk.settings, desk.inputs["benchmark"], file))
    assert (told["discordance_from"], told["design_effect_from"]) == ("measured", "measured")
    assert told["discordance"] == pytest.approx(5 / 12, abs=1e-4)
    assert told["smallest_gain"] == pytest.approx(verdict["smallest_detectable_gain"], abs=1e-4)
    write_json(file, read_json(file) | {"benchmark_digest": "0" * 64})
    again = plan_sealed(desk.settings, desk.inputs["benchmark"], file)
    assert again.discordance[1] == "assumed"  # another benchmark's verdict says nothing of this one


def test_too_small_a_benchmark_is_refused_as_the_verdict_refuses_it(make_desk):
    desk = make_desk(range(12))
    with pytest.raises(UserError, match="holds 12 items"):
        plan_sealed(desk.settings, desk.inputs["benchmark"], desk.folder / "none")


def test_seeds_leave_open_what_items_do_not_and_more_of_them_less(capsys):
    ask = ("--items", "400", "--seed-deviation", "0.01")
    plain, three, five = (_ask(capsys, *ask[: 2 if n == 1 else 4], "--seeds", str(n)) for n in (1, 3, 5))
    assert plain["smallest_gain"] < five["smallest_gain"] < three["smallest_gain"]
    assert three["items_needed"] is None  # two points are less than three seeds leave open
    needed = _ask(capsys, *ask, "--seeds", "5", "--margin", "0.05")["items_needed"]
    assert needed > _ask(capsys, "--items", "400", "--margin", "0.05")["items_needed"]
    then = _ask(capsys, "--items", str(needed), *ask[2:], "--seeds", "5", "--margin", "0.05")
    assert then["power_at_margin"] == pytest.approx(0.8, abs=2e-3)


def test_seeds_are_told_to_people_and_one_training_has_no_deviation(capsys):
    assert run(["benchmark", "power", "--items", "400", "--seeds", "3"]) == 0
    assert "What 3 seeds leave open is not in these figures" in capsys.readouterr().out
    assert run(["benchmark", "power", "--items", "400", "--seeds", "3", "--seed-deviation", "0.01"]) == 0
    told = capsys.readouterr().out
    assert "deviate by 1.0 points between them (given)" in told and "train from more of them" in told
    assert run(["benchmark", "power", "--items", "400", "--seed-deviation", "0.01"]) == 2
    assert "--seeds 1" in capsys.readouterr().err
