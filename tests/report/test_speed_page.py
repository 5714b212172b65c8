"""Clocks have a page of their own, outside the stage's digest; the report names it and holds none of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from browser import Browser
from finished_run import Run
from html_tools import read_page
from test_browser import open_whole

from nichetune.core.files import write_json
from nichetune.report.material import read_material
from nichetune.report.render import run
from nichetune.report.speed import build_speed

CLOCK = {"seconds": 61.25, "machine": "2 cores, a processor", "peak_memory_bytes": 3 * 2**30, "joules": 1800.0}
ALONE = {"n": 24, "tokens_per_s": 30.125, "p50_s": 0.8125, "p95_s": 1.3075, "p99_s": None}
BATCHED = {"batch_size": 32, "new_tokens": 1224, "seconds": 6.0, "tokens_per_s": 204.0, "joules": 72.0}


def add_clocks(made: Run) -> None:
    cached = BATCHED | {"new_tokens": 0, "tokens_per_s": None}
    for rung, speed in (("qlora", {"batched": BATCHED, "alone": ALONE}), ("base", {"batched": cached, "alone": None})):
        write_json(made.inputs[f"evaluate/{rung}"] / "timing.json", CLOCK | {"speed": speed})
    write_json(made.inputs["train/qlora"] / "timing.json", CLOCK)


def test_what_was_timed_stands_in_rows_and_what_was_not_is_a_dash(make_run: Callable[..., Run]) -> None:
    made = make_run()
    add_clocks(made)
    speed = build_speed(read_material(made.settings, made.inputs), made.inputs)
    assert speed.machines == ["2 cores, a processor"]
    rows = {row.name: row for row in speed.replies}
    assert set(rows) == {"qlora", "base"}
    tuned = rows["qlora"]
    assert (tuned.p50, tuned.p95, tuned.p99, tuned.timed) == ("0.81", "1.31", "–", "24")
    assert (tuned.alone, tuned.batched, tuned.joules) == ("30.1", "204.0", "2,000")  # 36 items took 72 joules
    assert tuned.marked and not rows["base"].marked
    assert (rows["base"].p50, rows["base"].batched, rows["base"].joules) == ("–", "–", "–")
    (training,) = speed.trainings
    assert (training.name, training.seconds, training.memory, training.joules) == ("qlora", "61.2", "3,072", "1,800")


def test_the_page_stands_beside_the_report_which_links_to_it(make_run: Callable[..., Run], tmp_path: Path) -> None:
    made = make_run()
    add_clocks(made)
    run(made.settings, made.inputs, tmp_path)
    report = (tmp_path / "report.html").read_text()
    assert 'href="derived/speed.html"' in report and "a processor" not in report
    page = (tmp_path / "derived/speed.html").read_text()
    assert "2 cores, a processor" in page and "0.81" in page
    links = [t.attributes.get("href") for t in read_page(page).named("a")]
    assert "../report.html" in links


def test_a_run_without_clocks_says_so(make_run: Callable[..., Run], tmp_path: Path) -> None:
    made = make_run()
    run(made.settings, made.inputs, tmp_path)
    assert "No rung of this run was timed." in (tmp_path / "derived/speed.html").read_text()


def test_the_page_is_whole_in_a_window_on_a_phone_and_in_the_dark(make_run, tmp_path: Path, browser: Browser) -> None:
    made = make_run()
    add_clocks(made)
    run(made.settings, made.inputs, tmp_path)
    assert len(list(open_whole(browser, tmp_path / "derived/speed.html", more_texts_than=30))) == 2
