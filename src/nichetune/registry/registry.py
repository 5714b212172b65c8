"""The registry: versions that never change, aliases that move, and a log of every move.

Reads candidates with their evidence -> writes `versions/`, `indexes/` (see `registry.vault`) and the database.

    registry = Registry.open(Path("runs/desk/registry"))
    registry.promote("9f2c", reason="better on side")     # production -> 9f2c…
    registry.rollback("production")                       # production -> what it was before
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from nichetune.core.errors import CheckFailed, UserError
from nichetune.core.files import read_json
from nichetune.core.records import Candidate
from nichetune.core.stages import short
from nichetune.evaluate.memorisation import count_given_out
from nichetune.registry.database import Database, open_database
from nichetune.registry.moves import explain_hosted, find_previous, find_version, move_alias, now
from nichetune.registry.schema import AliasRow, EvidenceRow, IndexRow, MoveRow, VersionRow
from nichetune.registry.vault import Vault, find_changes
from nichetune.registry.version import Difference, Move, VersionInfo, diff_versions, read_blocks, read_regressions

PRODUCTION = "production"


@dataclass(frozen=True)
class Registry:
    """An opened registry; every call sees what any process committed before it."""

    vault: Vault
    database: Database

    @classmethod
    def open(cls, folder: Path, url: str = "") -> Registry:
        """Opens a registry, creating it if need be.

        Args:
            url: SQLAlchemy URL of the database; empty: SQLite in the folder.

        Raises:
            UserError: the URL is wrong, or a newer nichetune wrote the database.
            SystemFailure: the database is out of reach.
        """
        return cls(Vault(folder), open_database(folder, url))

    def register(
        self,
        candidate: Candidate,
        adapter: Path | None,
        evaluate: Path,
        verdict: Path,
        index: Path | None,
        note: str = "",
    ) -> VersionInfo:
        """Makes a candidate immutable, with the evidence that led to it; the same candidate gives the same version.

        Args:
            candidate: as it was evaluated.
            adapter: folder of its adapter (or full weights, or classical model); None for an untuned rung.
            evaluate: the stage folder with its metrics and scores.
            verdict: `verdict.json`.
            index: the index that it retrieves from; None without retrieval.
            note: a person's words.

        Raises:
            CheckFailed: it gives out secrets that were planted in its training; nothing forces it in.
            UserError: the index is not the one that the candidate was evaluated with, a part is missing, or it is a
                hosted model.
            SystemFailure: the disk is full.
        """
        if candidate.remote:
            raise UserError(explain_hosted(candidate.rung))
        refuse_telltale(candidate, evaluate)
        index_files = self.vault.keep_index(candidate, index) if candidate.retrieval else ""
        digest = self.vault.keep_candidate(candidate, adapter)
        evidence = self.vault.keep_evidence(digest, evaluate, verdict)
        benchmark = str(read_json(verdict).get("benchmark_digest", ""))
        with self.database.writing() as session:
            if index_files and session.get(IndexRow, candidate.index_version) is None:
                session.add(IndexRow(version=candidate.index_version, files_digest=index_files, created=now()))
            if session.get(VersionRow, digest) is None:
                session.add(_version_row(digest, candidate, note))
                session.flush()
            newest = _newest_evidence(session, digest)
            if newest is None or newest.digest != evidence:
                session.add(EvidenceRow(version=digest, digest=evidence, benchmark_digest=benchmark, created=now()))
        return self.resolve(digest)

    def list(self) -> list[VersionInfo]:
        """All versions, the newest first."""
        with self.database.reading() as session:
            rows = session.scalars(select(VersionRow).order_by(VersionRow.created.desc(), VersionRow.digest)).all()
            return [self._info(session, row) for row in rows]

    def resolve(self, ref: str) -> VersionInfo:
        """The version that an alias, a digest or the unique beginning of one names.

        Raises:
            UserError: nothing has that name, or more than one has.
        """
        with self.database.reading() as session:
            return self._info(session, find_version(session, ref))

    def show(self, ref: str) -> dict[str, Any]:
        """All that is known of a version, for people and for `--json`."""
        info = self.resolve(ref)
        moves = [move for move in self.log() if info.digest in (move.from_version, move.to_version)]
        return info.to_json() | {
            "candidate": info.candidate.model_dump(mode="json"),
            "metrics": {name: figure.model_dump() for name, figure in info.metrics.items()},
            "reasons": info.verdict.get("reasons", []),
            "regressions": read_regressions(info),
            "blocked": read_blocks(info),
            "moves": [move.to_json() for move in moves],
        }

    def diff(self, a: str, b: str) -> Difference:
        """What version `b` has other than version `a`."""
        return diff_versions(self.resolve(a), self.resolve(b))

    def aliases(self) -> dict[str, str]:
        """Where each alias points: name to full digest."""
        with self.database.reading() as session:
            return {row.name: row.version for row in session.scalars(select(AliasRow).order_by(AliasRow.name))}

    def set_alias(self, alias: str, ref: str, who: str = "", why: str = "", only_if_new: bool = False) -> VersionInfo:
        """Points an alias at a version, without asking whether that is wise: see `promote`.

        Args:
            only_if_new: leave an alias that exists where it is.
        """
        with self.database.writing() as session:
            row = find_version(session, ref)
            exists = session.get(AliasRow, alias) is not None
            if not (only_if_new and exists):
                move_alias(session, alias, row.digest, "set", who, why)
        return self.resolve(row.digest)

    def promote(
        self, ref: str, alias: str = PRODUCTION, force: bool = False, reason: str = "", who: str = ""
    ) -> VersionInfo:
        """Points an alias at a version that did not fall behind production.

        Raises:
            CheckFailed: its verdict records a regression or a critical failure, and nobody forced it.
            UserError: forced without a reason, or no such version.
        """
        if force and not reason.strip():
            raise UserError("a forced promotion needs a reason: --force --reason 'why it is right all the same'")
        with self.database.writing() as session:
            info = self._info(session, find_version(session, ref))
            is_new = alias not in info.aliases
            blocks, fallen = (read_blocks(info), read_regressions(info)) if is_new else ([], [])
            if blocks and not force:
                raise CheckFailed(f"{short(info.digest)} is blocked by {'; '.join(blocks)}: not promoted; mend it, or "
                                  "use --force with --reason")  # fmt: skip
            if fallen and not force:
                raise CheckFailed(
                    f"{short(info.digest)} fell against production in {', '.join(fallen)}: not promoted; "
                    "look at `registry diff`, or use --force with --reason"
                )
            move_alias(session, alias, info.digest, "force" if fallen or blocks else "promote", who, reason)
        return self.resolve(info.digest)

    def rollback(self, alias: str = PRODUCTION, who: str = "", why: str = "") -> VersionInfo:
        """Points an alias back at what it named before; again, and it goes one further back.

        Raises:
            UserError: no such alias, or nothing before it.
        """
        with self.database.writing() as session:
            previous = find_previous(session, alias)
            move_alias(session, alias, previous, "rollback", who, why)
        return self.resolve(previous)

    def log(self, alias: str = "") -> builtins.list[Move]:
        """Every move, the newest first; of one alias, if given."""
        with self.database.reading() as session:
            rows = select(MoveRow).order_by(MoveRow.id.desc())
            return [Move.of(row) for row in session.scalars(rows.filter_by(alias=alias) if alias else rows)]

    def verify(self) -> builtins.list[str]:
        """What is not as it was registered, one line each, by file; empty when all is well."""
        with self.database.reading() as session:
            versions = session.scalars(select(VersionRow.digest).order_by(VersionRow.digest)).all()
            evidence = session.execute(select(EvidenceRow.version, EvidenceRow.digest).distinct()).all()
            indexes = session.scalars(select(IndexRow).order_by(IndexRow.version)).all()
        problems = [problem for digest in versions for problem in find_changes(self.vault.version(digest), digest)]
        for version, digest in evidence:
            problems += find_changes(self.vault.evidence(version, digest), digest)
        for entry in indexes:
            problems += find_changes(self.vault.index(entry.version), entry.files_digest)
        return problems

    def _info(self, session: Session, row: VersionRow) -> VersionInfo:
        aliases = session.scalars(select(AliasRow.name).filter_by(version=row.digest).order_by(AliasRow.name)).all()
        evidence = _newest_evidence(session, row.digest)
        return VersionInfo(
            digest=row.digest,
            rung=row.rung,
            base_model=row.base_model,
            note=row.note,
            created=row.created,
            aliases=tuple(aliases),
            folder=self.vault.version(row.digest),
            evidence=self.vault.evidence(row.digest, evidence.digest) if evidence else None,
            benchmark_digest=evidence.benchmark_digest if evidence else "",
            index=self.vault.index(row.index_version) if row.index_version else None,
        )


def refuse_telltale(candidate: Candidate, evaluate: Path) -> None:
    """Stops before a model that gives out what it was trained on.

    Raises:
        CheckFailed: it gave out a planted secret.
    """
    if told := count_given_out(evaluate):
        raise CheckFailed(
            f"{candidate.rung} gives out {told} planted secrets when asked (memorisation.json): it is never "
            "registered; mask what it was trained on, or train fewer passes"
        )


def _newest_evidence(session: Session, version: str) -> EvidenceRow | None:
    return session.scalars(select(EvidenceRow).filter_by(version=version).order_by(EvidenceRow.id.desc())).first()


def _version_row(digest: str, candidate: Candidate, note: str) -> VersionRow:
    index_version = candidate.index_version if candidate.retrieval else ""
    return VersionRow(
        digest=digest,
        rung=candidate.rung,
        base_model=candidate.base_model,
        index_version=index_version,
        note=note,
        created=now(),
    )
