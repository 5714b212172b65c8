"""Fixtures: one finished run to read, a maker of others, and one browser for all tests that look at pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, MISSING, Browser
from finished_run import Run, make_items, make_settings, write_run
from measured_run import JUDGE, measure_run

from nichetune.core.records import Example
from nichetune.report.material import read_material
from nichetune.report.page import render_page


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run for all tests that only read it."""
    return write_run(tmp_path_factory.mktemp("run"), make_settings(), make_items())


@pytest.fixture(scope="session")
def page(finished: Run) -> str:
    """Its report."""
    return render_page(read_material(finished.settings, finished.inputs))


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that measured all that can be measured."""
    return measure_run(write_run(tmp_path_factory.mktemp("measured"), make_settings(judge=JUDGE), make_items()))


@pytest.fixture(scope="session")
def full_page(measured: Run) -> str:
    """Its report, which has every section."""
    return render_page(read_material(measured.settings, measured.inputs))


@pytest.fixture(scope="session")
def page_file(full_page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report as a file that a browser opens."""
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(full_page, encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A real browser, started once."""
    if not CHROMIUM:
        pytest.skip(MISSING)
    with Browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Writes a run of one's own: `make_run(items=..., **settings)`."""

    def make(items: list[Example] | None = None, **more: object) -> Run:
        return write_run(tmp_path / "run", make_settings(**more), items if items is not None else make_items())

    return make
