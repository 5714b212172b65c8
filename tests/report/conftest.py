"""Fixtures: one finished run to read, and a maker of others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from finished_run import Run, make_items, make_settings, write_run

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


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Writes a run of one's own: `make_run(items=..., **settings)`."""

    def make(items: list[Example] | None = None, **more: object) -> Run:
        return write_run(tmp_path / "run", make_settings(**more), items if items is not None else make_items())

    return make
