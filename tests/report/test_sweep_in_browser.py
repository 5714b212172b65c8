"""The sweep's page in a real browser: it asks for nothing, fits a phone, and every text and dot can be seen."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from browser import Browser
from test_browser import open_whole

from nichetune.core.records import Estimate
from nichetune.sweep.page import render_sweep
from nichetune.sweep.result import FAILED, FINISHED, PRUNED, Result, TrialRow

COUNT = 24


def make_trial(n: int) -> TrialRow:
    """One of many; every fifth was ended early, one failed."""
    rate = 10 ** (-4.5 + 2.5 * (n * 7 % COUNT) / COUNT)
    loss = 0.6 + 0.2 * abs(math.log10(rate) + 3.2) + 0.01 * (n % 3)
    state = FAILED if n == 11 else PRUNED if n % 5 == 4 else FINISHED
    looks = [loss + 1.4 / (k + 1) for k in range(2 if state == PRUNED else 4)]
    figure = Estimate(value=loss, low=loss - 0.07, high=loss + 0.07, n=97) if state == FINISHED else None
    note = "the loss is not a number at step 12: a learning rate of 0.0316228 is too high here: set it lower"
    optimiser = ["adamw", "paged_adamw_8bit"][n % 2]
    values = {"train.learning_rate": rate, "train.rank": [8, 16, 64][n % 3], "train.optimiser": optimiser,
              "train.dora": n % 4 == 1}  # fmt: skip
    return TrialRow(n + 1, state, values, figure, looks if state != FAILED else [], 71.0, note if n == 11 else "")


@pytest.fixture(scope="module")
def sweep_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of many trials over settings of every kind."""
    rows = [make_trial(n) for n in range(COUNT)]
    best = min((row for row in rows if row.figure), key=lambda row: row.figure.value)
    weights = {"train.learning_rate": 0.8312, "train.rank": 0.12, "train.optimiser": 0.04, "train.dora": 0.0088}
    sentences = ["Best of 24 trials (19 finished, 4 ended early, 1 failed): trial 7, loss 0.6114 (0.5414 to 0.6814) "
                 "nats a supervised token, on 97 development examples.", "The project's own settings had 0.7114.",
                 "It was chosen among 24 on these very examples, which flatters its figure."]  # fmt: skip
    command = "nichetune train qlora --set train.learning_rate=0.0006309573 --set train.optimiser=paged_adamw_8bit"
    result = Result("s", "qlora", "loss", True, rows, best, weights, sentences, command)
    file = tmp_path_factory.mktemp("sweep") / "sweep.html"
    file.write_text(render_sweep("a-desk-of-some-length", result), encoding="utf-8")
    return file


def test_the_sweeps_page_is_whole_in_a_window_on_a_phone_and_in_the_dark(browser: Browser, sweep_file: Path):
    for page in open_whole(browser, sweep_file, more_texts_than=150):
        crossing = """[...document.querySelectorAll('svg .tick, svg text')].map((one) => one.getBoundingClientRect())
          .filter((box) => box.width && (box.left < -0.5 || box.right > innerWidth + 0.5)).length"""
        assert page.ask(crossing) == 0
