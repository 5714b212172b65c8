"""The registry's files: folders that are copied in whole, made read-only, and never change.

    versions/<digest>/         candidate.json, adapter/…, sealed.json
    versions/<digest>/evidence/<digest>/   verdict.json, evaluate/ (scores.jsonl metrics.json …), sealed.json
    indexes/<version>/         documents.jsonl index.json derived/…, sealed.json

`sealed.json` names every file with its SHA-256; its own digest over them names the folder (for an index: stands in
the database), so that a changed byte, and a changed list, are both found:

    {"digest": "9f2c…", "files": {"candidate.json": "0b7e…", "adapter/adapter_model.safetensors": "c4…"}}
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nichetune.core.errors import UserError, explain_os_error
from nichetune.core.files import hash_folder, hash_value, read_json, write_json, write_record
from nichetune.core.records import Candidate
from nichetune.core.stages import DERIVED, TIMING, short
from nichetune.retrieve.search import open_index

SEAL = "sealed.json"
ADAPTER = "adapter"
EVIDENCE = "evidence"
EVALUATION = "evaluate"
_NOT_KEPT = shutil.ignore_patterns(TIMING, ".*")  # clocks would give the same content two names


@dataclass(frozen=True)
class Vault:
    """Where the files of versions, evidence and indexes stand, and how they come there."""

    folder: Path

    def version(self, digest: str) -> Path:
        """Folder of a version."""
        return self.folder / "versions" / digest

    def evidence(self, version: str, digest: str) -> Path:
        """Folder of one benchmark run of a version."""
        return self.version(version) / EVIDENCE / digest

    def index(self, version: str) -> Path:
        """Folder of a retrieval index."""
        return self.folder / "indexes" / version

    def keep_candidate(self, candidate: Candidate, adapter: Path | None) -> str:
        """Copies a candidate with its adapter; returns the digest of the version that they make.

        Raises:
            UserError: the adapter is missing, or is not the one that was evaluated.
        """
        with staging(self.folder) as work:
            write_record(work / "candidate.json", candidate.model_copy(update={"adapter": ADAPTER if adapter else ""}))
            if adapter is not None:
                _check_adapter(candidate, adapter)
                copy_tree(adapter, work / ADAPTER)
            return seal(work, self.version)

    def keep_evidence(self, version: str, evaluate: Path, verdict: Path) -> str:
        """Copies the benchmark run that led to a version; returns the evidence's digest."""
        with staging(self.folder) as work:
            shutil.copyfile(verdict, work / "verdict.json")
            copy_tree(evaluate, work / EVALUATION)
            return seal(work, lambda digest: self.evidence(version, digest))

    def keep_index(self, candidate: Candidate, index: Path | None) -> str:
        """Copies the index that a candidate retrieves from, once; returns the digest over its files.

        Raises:
            UserError: it is not the index that the candidate was evaluated with.
        """
        version = candidate.index_version
        if index is None or (opened := open_index(index)).version != version:
            raise UserError(f"{candidate.rung} was evaluated with the index {short(version)}, which is not at {index}")
        if (kept := self.index(version) / SEAL).is_file():
            return str(read_json(kept)["digest"])
        opened.ensure_table()
        with staging(self.folder) as work:
            for name in ("documents.jsonl", "index.json"):
                shutil.copyfile(index / name, work / name)
            copy_tree(index / DERIVED, work / DERIVED)
            seal(work, lambda _: self.index(version))
        return str(read_json(kept)["digest"])


def _check_adapter(candidate: Candidate, adapter: Path) -> None:
    if not adapter.is_dir():
        raise UserError(f"no adapter at {adapter}: `nichetune run` trains it")
    if candidate.adapter_digest and hash_value(hash_folder(adapter)) != candidate.adapter_digest:
        raise UserError(
            f"{adapter} has changed since {candidate.rung} was evaluated: `nichetune run` evaluates it anew"
        )


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A hidden folder to gather files in; gone afterwards, whatever happens.

    Raises:
        SystemFailure: the disk is full, or the system refused something else.
    """
    work = folder / f".staging-{uuid.uuid4().hex}"
    try:
        work.mkdir(parents=True)
        yield work
    except OSError as error:
        raise explain_os_error(error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def copy_tree(source: Path, target: Path) -> None:
    """Copies a folder's content, without clocks and hidden files."""
    shutil.copytree(source, target, ignore=_NOT_KEPT)


def digest_files(folder: Path) -> tuple[str, dict[str, str]]:
    """The digest over a folder's files, and each file's own; the seal and the evidence stand outside."""
    files = {name: digest for name, digest in hash_folder(folder).items() if not _stands_outside(name)}
    return hash_value(files), files


def _stands_outside(name: str) -> bool:
    return name == SEAL or name.startswith(f"{EVIDENCE}/")


def seal(work: Path, place: Callable[[str], Path]) -> str:
    """Seals what stands in `work` and moves it to `place(digest)`; what is there already is kept.

    Returns:
        The digest over the files.
    """
    digest, files = digest_files(work)
    target = place(digest)
    if (target / SEAL).is_file():
        return digest
    write_json(work / SEAL, {"digest": digest, "files": files})
    for path in work.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(work, target)
    except OSError:
        if not (target / SEAL).is_file():  # else another process was first, with the same files
            raise
    return digest


def find_changes(folder: Path, digest: str) -> list[str]:
    """What differs from the day a folder was sealed with `digest`: one line for each file, by name."""
    if not (folder / SEAL).is_file():
        return [f"{folder.name}: {SEAL} or the whole folder is missing"]
    sealed: dict[str, str] = read_json(folder / SEAL)["files"]
    _, now = digest_files(folder)
    problems = [f"{folder.name}: {SEAL} was changed"] if hash_value(sealed) != digest else []
    for name in sorted(sealed.keys() | now.keys()):
        if name not in now:
            problems.append(f"{folder.name}: {name} is missing")
        elif name not in sealed:
            problems.append(f"{folder.name}: {name} was added")
        elif sealed[name] != now[name]:
            problems.append(f"{folder.name}: {name} was changed")
    return problems
