"""Opens the registry's database at the newest schema, and makes writers wait for one another.

`<registry>/registry.db` (SQLite, write-ahead log) or a SQLAlchemy URL such as postgresql+psycopg://host/registry
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from nichetune.core.errors import NichetuneError, SystemFailure, UserError, explain_os_error

SQLITE_FILE = "registry.db"
NEWEST = "0001"  # the last migration in migrations/versions/
_WRITE = "nichetune_write"
_WAIT_S = 30


@dataclass(frozen=True)
class Database:
    """A database at the newest schema; each session sees what was committed before it began."""

    engine: Engine

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for reading."""
        with _told_in_one_line(self.engine), Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that holds the only right to write; committed at the end, undone on an error."""
        with _told_in_one_line(self.engine), Session(self.engine, expire_on_commit=False) as session:
            connection = session.connection(execution_options={_WRITE: True})
            if self.engine.dialect.name == "postgresql":
                connection.execute(text("LOCK TABLE aliases IN SHARE ROW EXCLUSIVE MODE"))
            yield session
            session.commit()


def open_database(folder: Path, url: str = "") -> Database:
    """Opens the database, creating or migrating it under a lock that other processes wait for.

    Args:
        folder: the registry's; holds the lock, and the database when `url` is empty.

    Raises:
        UserError: the URL is no SQLAlchemy URL, its driver is missing, or a newer nichetune wrote the database.
        SystemFailure: the database is out of reach.
    """
    from filelock import FileLock

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_os_error(error) from error
    engine = _make_engine(url or f"sqlite:///{folder.absolute() / SQLITE_FILE}")
    with _told_in_one_line(engine):
        if _schema(engine) != NEWEST:
            with FileLock(folder / ".migrate.lock"):
                _migrate(engine)
    return Database(engine)


def _make_engine(url: str) -> Engine:
    try:
        if not url.startswith("sqlite"):
            return create_engine(url, pool_pre_ping=True)
        engine = create_engine(url, connect_args={"timeout": _WAIT_S, "check_same_thread": False})
    except (ArgumentError, NoSuchModuleError):
        raise UserError("registry.url: not a SQLAlchemy URL, such as postgresql+psycopg://host/registry") from None
    except ModuleNotFoundError as error:
        raise UserError(f"registry.url: needs {error.name}: pip install 'nichetune[postgres]'") from None
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver would begin by itself, and too late: only at the first write
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")  # a move that was reported survives a power cut


def _begin_sqlite(connection: Any) -> None:
    """A writer takes the lock before it reads: two that promote at once would else both decide on old sight."""
    writes = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _schema(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine) -> None:
    found = _schema(engine)
    if found == NEWEST:
        return  # another process did it while this one waited
    if found is not None and found > NEWEST:
        raise UserError(f"the registry's database has schema {found}, newer than {NEWEST}: update nichetune")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "nichetune.registry:migrations")
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _told_in_one_line(engine: Engine) -> Iterator[None]:
    try:
        yield
    except NichetuneError:
        raise
    except DBAPIError as error:
        where = engine.url.render_as_string(hide_password=True)
        said = (str(error.orig).splitlines() or [""])[0]
        raise SystemFailure(f"the registry's database {where} failed ({said}): check that it is up") from error
