"""Finding a version by what people call it, and moving an alias with an entry in the log.

find_version(session, "production") · find_version(session, "9f2c") -> the row of 9f2c…
move_alias(session, "production", "9f2c…", "promote", "mira", "better on side")
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from nichetune.core.errors import UserError
from nichetune.core.people import name_user
from nichetune.core.settings import REMOTE
from nichetune.core.stages import short
from nichetune.registry.schema import AliasRow, MoveRow, VersionRow

_ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{4,64}")


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def explain_hosted(rung: str) -> str:
    """Why a hosted rung is no version, in one line."""
    return (
        f"{rung} is hosted elsewhere and cannot be registered: a version never changes, and what answers under that "
        "name may: ask its host itself, or take it out of `rungs`"
    )


def find_version(session: Session, ref: str) -> VersionRow:
    """The version that an alias, a digest or the unique beginning of one (at least 4 digits) names.

    Raises:
        UserError: nothing has that name, or more than one has.
    """
    if (alias := session.get(AliasRow, ref)) is not None:
        return session.get_one(VersionRow, alias.version)
    named = select(VersionRow).where(VersionRow.digest.startswith(ref))
    found = session.scalars(named).all() if _DIGEST.fullmatch(ref) else []
    if len(found) > 1:
        raise UserError(f"{ref!r} begins {len(found)} versions: give more of the digest")
    if not found and ref.startswith(REMOTE):
        raise UserError(explain_hosted(ref))
    if not found:
        raise UserError(f"no version {ref!r}: there are {name_all(session)}")
    return found[0]


def name_all(session: Session) -> str:
    """Aliases and the newest digests, for a message."""
    aliases = session.scalars(select(AliasRow.name).order_by(AliasRow.name)).all()
    digests = session.scalars(select(VersionRow.digest).order_by(VersionRow.created.desc()).limit(8)).all()
    return ", ".join([*aliases, *map(short, digests)]) or "none yet"


def find_previous(session: Session, alias: str) -> str:
    """What an alias pointed at before.

    Moves that were rolled back count as if they had not been: a second rollback goes one further back, and does
    not swing forth again.

    Raises:
        UserError: no such alias, or nothing before.
    """
    if session.get(AliasRow, alias) is None:
        raise UserError(f"no alias {alias!r}: there are {name_all(session)}")
    targets: list[str] = []
    for move in session.scalars(select(MoveRow).filter_by(alias=alias).order_by(MoveRow.id)):
        if move.kind == "rollback":
            targets.pop()
        else:
            targets.append(move.to_version)
    if len(targets) < 2:
        raise UserError(f"{alias} has pointed nowhere else: nothing to roll back to")
    return targets[-2]


def move_alias(session: Session, alias: str, digest: str, kind: str, who: str, why: str) -> None:
    """Moves an alias and logs it; an alias that is there already has not moved.

    Raises:
        UserError: no name for an alias.
    """
    if not _ALIAS.fullmatch(alias):
        raise UserError(f"alias {alias!r}: lower-case letters, digits, dash and underscore, a letter first")
    row = session.get(AliasRow, alias)
    before = row.version if row else None
    if before == digest:
        return
    if row is None:
        session.add(AliasRow(name=alias, version=digest))
    else:
        row.version = digest
    who = who or name_user()
    session.add(MoveRow(alias=alias, kind=kind, from_version=before, to_version=digest, who=who, why=why, at=now()))
