"""The database: migrations make exactly the tables that the code expects; wrong URLs are told in one line."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import nichetune.registry.migrations as migrations
from nichetune.core.errors import SystemFailure, UserError
from nichetune.registry.database import NEWEST, open_database
from nichetune.registry.registry import Registry
from nichetune.registry.schema import Base


def test_migrations_make_the_tables_that_the_code_expects(tmp_path: Path):
    with open_database(tmp_path).engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_newest_names_the_last_migration():
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == NEWEST


def test_sqlite_runs_with_a_write_ahead_log(tmp_path: Path):
    open_database(tmp_path)
    with sqlite3.connect(tmp_path / "registry.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_database_of_a_newer_nichetune_is_refused(tmp_path: Path):
    open_database(tmp_path)
    with sqlite3.connect(tmp_path / "registry.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UserError, match="update nichetune"):
        open_database(tmp_path)


@pytest.mark.parametrize("url", ["no url", "nosuchdb://host/x"])
def test_wrong_url_is_the_callers_mistake(tmp_path: Path, url: str):
    with pytest.raises(UserError, match=r"registry\.url"):
        Registry.open(tmp_path, url)


def test_file_that_is_no_database_is_told_in_one_line(tmp_path: Path):
    (tmp_path / "registry.db").write_text("this is no database, it only stands where one should be")
    with pytest.raises(SystemFailure, match="not a database") as caught:
        Registry.open(tmp_path)
    assert "\n" not in str(caught.value)
