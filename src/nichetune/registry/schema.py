"""The registry's tables: what versions there are, where aliases point, and every move that was made.

    versions  9f2c…  qlora+rag  smollm2-135m  5d0c…  "spring corpus"  2026-04-02T09:31:07Z
    evidence  1  9f2c…  41aa…  (benchmark) c0ff…  2026-04-02T09:31:07Z
    aliases   production  9f2c…
    moves     7  production  promote  77b1… -> 9f2c…  mira  "better on side"  2026-04-02T10:02:44Z

A change here needs a migration beside those in `migrations/versions/`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, ForeignKey, MetaData, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcTime(TypeDecorator[datetime]):
    """A time that is always UTC: SQLite forgets the zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses a time without zone, since nobody could say which one was meant."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time in the registry needs its zone")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Gives UTC."""
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC) if value else None


class Base(DeclarativeBase):
    """Base of the tables; constraints are named, so that a migration can speak of them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
        }
    )


class VersionRow(Base):
    """A version; its files stand in `versions/<digest>/`."""

    __tablename__ = "versions"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    rung: Mapped[str] = mapped_column(String(64))
    base_model: Mapped[str] = mapped_column(Text)
    index_version: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(UtcTime)


class EvidenceRow(Base):
    """A benchmark run of a version; its files stand in `versions/<version>/evidence/<digest>/`."""

    __tablename__ = "evidence"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    version: Mapped[str] = mapped_column(ForeignKey("versions.digest"), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    benchmark_digest: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(UtcTime)


class IndexRow(Base):
    """A retrieval index that versions share; its files stand in `indexes/<version>/`."""

    __tablename__ = "indexes"

    version: Mapped[str] = mapped_column(String(64), primary_key=True)
    files_digest: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(UtcTime)


class AliasRow(Base):
    """Where an alias points now."""

    __tablename__ = "aliases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[str] = mapped_column(ForeignKey("versions.digest"))


class MoveRow(Base):
    """One move of an alias; rows are only ever added."""

    __tablename__ = "moves"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    alias: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(16))  # set, promote, force or rollback
    from_version: Mapped[str | None] = mapped_column(String(64))
    to_version: Mapped[str] = mapped_column(String(64))
    who: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcTime)
