"""`nichetune doctor` asked for a training: memory by part, what fits, time and money, here and elsewhere."""

from __future__ import annotations

import json

import pytest

from nichetune.cli.app import run
from nichetune.models.machines import find_machine, list_machines
from nichetune.models.shapes import find_shape
from nichetune.pipeline.forecast import Job, find_largest, forecast_job


def job(name: str = "llama-3.1-8b", method: str = "qlora", length: int = 1024, batch: int = 4) -> Job:
    return Job(find_shape(name), method, 16, length, batch, 1000)


def test_the_largest_that_fits_is_found_to_the_one():
    assert [find_largest(lambda n, most=most: n <= most, 1000) for most in (0, 1, 2, 77, 1000, 5000)] == [
        0, 1, 2, 77, 1000, 1000,
    ]  # fmt: skip


def test_what_is_named_as_largest_fits_and_one_more_does_not():
    one = forecast_job(job(batch=1), find_machine("a10"))
    assert one.fits and one.largest_batch > 1 and one.largest_length > 1024
    assert forecast_job(job(batch=one.largest_batch), find_machine("a10")).fits
    assert not forecast_job(job(batch=one.largest_batch + 1), find_machine("a10")).fits
    assert forecast_job(job(batch=1, length=one.largest_length), find_machine("a10")).fits
    assert not forecast_job(job(batch=1, length=one.largest_length + 1), find_machine("a10")).fits


def test_full_tuning_of_8b_fits_no_laptop_and_costs_nothing_there():
    one = forecast_job(job(method="full"), find_machine("laptop-16"))
    assert not one.fits and one.largest_batch == 0 and one.usd == one.minutes == 0


def test_money_is_time_by_price_and_twice_the_examples_take_twice_the_time():
    machine = find_machine("h100-80")
    one, two = (forecast_job(Job(find_shape("llama-3.2-1b"), "lora", 16, 512, 4, n), machine) for n in (500, 1000))
    assert two.minutes == pytest.approx(2 * one.minutes) and one.usd == pytest.approx(one.minutes / 60 * 3.0)


def test_doctor_answers_for_every_machine_without_loading_a_model(capsys):
    assert run(["doctor", "--base", "llama-3.2-1b", "--method", "lora", "--length", "512", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["machine"] for one in found] == list_machines()
    t4 = next(one for one in found if one["machine"] == "t4")
    assert t4["fits"] and t4["usd"] > 0 and t4["plan"]["weights"] == pytest.approx(2 * 1.236e9, rel=0.01)


def test_doctor_shows_the_parts_and_takes_a_price(capsys):
    arguments = ["doctor", "--base", "llama-3.1-8b", "--machine", "a100-40", "--batch", "2"]
    assert run([*arguments, "--usd-per-hour", "0"]) == 0
    shown = capsys.readouterr().out
    for part in ("weights", "quantisation constants", "gradients", "optimiser", "activations", "logits", "peak"):
        assert part in shown
    assert "a100-40" in shown and "t4" not in shown and " 0.000 " in shown


@pytest.mark.parametrize(
    ("arguments", "line"),
    [(["--base", "no-such"], "no shape 'no-such'"), (["--method", "lore"], "no method 'lore'"),
     (["--machine", "b300"], "no machine 'b300'")],
)  # fmt: skip
def test_a_wrong_question_is_one_line_and_exit_2(capsys, arguments, line):
    assert run(["doctor", *arguments]) == 2
    error = capsys.readouterr().err
    assert line in error and error.count("\n") == 1
