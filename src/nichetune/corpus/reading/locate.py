"""Finds the files that a source names: a file, a folder's readable files, a glob, or any fsspec URL.

("corpus", "mail") -> Found(name="mail/a.csv", path=Path("corpus/mail/a.csv")), …
("corpus", "s3://bucket/notes/*.jsonl") -> Found(name="s3://bucket/notes/1.jsonl", url="s3://bucket/notes/1.jsonl"), …
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import IO, Any
from urllib.parse import unquote

from nichetune.core.errors import NichetuneError, SystemFailure, UserError
from nichetune.core.urls import show_url
from nichetune.corpus.reading.formats import explain_unknown, is_readable

_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")
_PIECE_BYTES = 1 << 20
_EXTRAS = {"s3": "s3", "s3a": "s3"}


@dataclass(frozen=True)
class Found:
    """One file of a source.

    Attributes:
        name: relative to the project where it lies there; of a URL without user, password or query, which are keys.
        path: on this machine; None behind a URL.
        url: what fsspec opens.
    """

    name: str
    path: Path | None = None
    url: str = ""

    def version(self) -> str:
        """What changes when a remote file does: its size and time or its store's own checksum; nothing is loaded."""
        with _remote(self.name):
            files, path = _open_store(self.url)
            return str(files.ukey(path))

    def fetch(self, target: IO[bytes]) -> None:
        """Copies a remote file.

        Raises:
            UserError: it is gone, or the store refuses access.
            SystemFailure: the store does not answer.
        """
        with _remote(self.name):
            files, path = _open_store(self.url)
            with files.open(path, "rb") as handle:
                shutil.copyfileobj(handle, target, _PIECE_BYTES)


@dataclass
class Listing:
    """The files of a source, and by name why others beside them are passed over."""

    files: list[Found] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def find_files(project: Path, pattern: str, wanted: str = "auto") -> Listing:
    """The files that a source's path names, sorted.

    Raises:
        UserError: there is none, or a URL's kind is unknown.
        SystemFailure: a remote store does not answer.
    """
    scheme = _URL.match(pattern)
    if scheme and scheme.group(1).lower() != "file":
        return _find_remote(pattern, wanted)
    pattern = unquote(pattern.removeprefix(scheme.group(0))) if scheme else pattern
    path = project / pattern
    if path.is_file():
        return Listing([_local(project, path)])
    found: Iterator[Path]
    if path.is_dir():
        found = path.rglob("*")
    elif not is_glob(pattern):
        found = iter(())
    elif Path(pattern).is_absolute():
        found = Path("/").glob(pattern.lstrip("/"))
    else:
        found = project.glob(pattern)
    is_folder = path.is_dir()
    shown = (one for one in found if not is_hidden(one.relative_to(path) if is_folder else Path(one.name)))
    files = [_local(project, one) for one in sorted(shown) if one.is_file()]
    return sift_files(files, pattern, is_folder, wanted, str(project))


def _local(project: Path, path: Path) -> Found:
    return Found(path.relative_to(project).as_posix() if path.is_relative_to(project) else path.as_posix(), path)


def is_glob(pattern: str) -> bool:
    """Whether a path names several files by signs."""
    return any(sign in pattern for sign in "*?[")


def is_hidden(path: PurePath) -> bool:
    """Whether a file is some program's own: hidden, in a hidden folder, or an office program's lock."""
    return any(part.startswith((".", "~$")) or part == "__MACOSX" for part in path.parts)


def sift_files(files: list[Found], pattern: str, is_folder: bool, wanted: str, where: str) -> Listing:
    """In a folder, files of unknown kinds are passed over and told; a glob means all that it matches.

    Raises:
        UserError: none is left.
    """
    listing = Listing()
    for one in files:
        if is_folder and wanted == "auto" and not is_readable(one.name):
            listing.skipped[one.name] = explain_unknown(one.name)
        else:
            listing.files.append(one)
    if not listing.files:
        what = "no readable file in" if is_folder else "no file matches" if is_glob(pattern) else "no such file:"
        others = next(iter(listing.skipped.values()), "")
        told = f"; {others}" if others else ""
        raise UserError(f"sources: {what} {pattern} (looked in {where}{told}): check sources[].path")
    return listing


def _find_remote(pattern: str, wanted: str) -> Listing:
    shown = show_url(pattern)
    with _remote(shown):
        files, path = _open_store(pattern)
        is_web = pattern.lower().startswith("http")  # a web server has no folders, and a query is no glob
        is_folder = not is_web and not is_glob(path) and files.isdir(path)
        if is_folder:
            paths = sorted(files.find(path))
        elif not is_web and is_glob(path):
            paths = sorted(one for one in files.glob(path) if files.isfile(one))
        else:
            files.info(path)  # `exists` of a web address says no for a server that is down, too
            paths = [path]
    if paths == [path]:  # one file: its URL may need the query that was given with it
        return Listing([Found(shown, url=pattern)])
    base = path.rstrip("/") + "/"
    visible = [one for one in paths if not is_folder or not is_hidden(Path(one.removeprefix(base)))]
    urls = [files.unstrip_protocol(one) for one in visible]
    return sift_files([Found(show_url(url), url=url) for url in urls], shown, is_folder, wanted, "the store")


def _open_store(url: str) -> tuple[Any, str]:
    import fsspec.core

    scheme = url.partition("://")[0].lower()
    try:
        files, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        how = f"pip install 'nichetune[{_EXTRAS[scheme]}]'" if scheme in _EXTRAS else str(error)
        raise UserError(f"{show_url(url)}: reading {scheme}:// needs another package: {how}") from None
    except ValueError:
        raise UserError(f"{show_url(url)}: unknown kind of URL {scheme}://: check sources[].path") from None
    return files, str(path)


@contextmanager
def _remote(name: str) -> Iterator[None]:
    """Whatever a store's client raises becomes one line: each has its own exceptions, and texts that hold keys."""
    try:
        yield
    except NichetuneError:
        raise
    except FileNotFoundError as error:
        cause = error.__cause__  # a web client's, of whatever went wrong
        if isinstance(cause, OSError):
            raise _no_answer(name, cause) from None
        if getattr(cause, "status", 404) in (401, 403):
            raise UserError(f"{name}: the server refuses access: check the URL's key") from None
        raise UserError(f"no such file: {name}: check sources[].path") from None
    except PermissionError:
        raise UserError(f"{name}: the store refuses access: check its credentials in the environment") from None
    except Exception as error:  # noqa: BLE001 - the exceptions of all clients of all stores
        raise _no_answer(name, error) from None


def _no_answer(name: str, error: Exception) -> SystemFailure:
    return SystemFailure(f"{name}: the store does not answer ({type(error).__name__}): try again later")
