"""Lists what stands in a zip or tar, and copies one member at a time; a member's name is never used as a path.

an open archive -> Member(name="letters/a.eml", copy_to=…), Member(name="unnamed", problem="unsafe path in an archive")
"""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import IO

from nichetune.corpus.reading.raw import Unreadable

# A zip of more is no corpus of files: each costs a look-up, an open and a digest.
MOST_MEMBERS = 200_000
_ENCRYPTED = 0x1
_PIECE_BYTES = 1 << 20
_DAMAGED = "damaged archive"


def _refuse_copy(target: IO[bytes]) -> None:
    raise Unreadable(_DAMAGED)


@dataclass(frozen=True)
class Member:
    """One file in an archive.

    Attributes:
        copy_to: writes its bytes; raises Unreadable where they are damaged.
        problem: why it is not read.
    """

    name: str
    copy_to: Callable[[IO[bytes]], None] = _refuse_copy
    problem: str = ""


def zip_members(handle: IO[bytes]) -> Iterator[Member]:
    """The files of a zip, by name.

    Raises:
        Unreadable: it is no zip, or holds too many files.
    """
    try:
        archive = zipfile.ZipFile(handle)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError):
        raise Unreadable("damaged zip archive") from None
    infos = sorted((one for one in archive.infolist() if not one.is_dir()), key=lambda one: one.filename)
    _refuse_crowd(len(infos))
    for info in infos:
        if _is_litter(info.filename):
            continue
        problem = "password-protected" if info.flag_bits & _ENCRYPTED else ""
        if (info.external_attr >> 16) & 0o170000 == 0o120000:
            problem = "a link in an archive"
        yield _member(info.filename, problem, partial(_copy_zipped, archive, info))


def _copy_zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: IO[bytes]) -> None:
    try:
        with archive.open(info) as stream:
            shutil.copyfileobj(stream, target, _PIECE_BYTES)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError):
        raise Unreadable(_DAMAGED) from None


def tar_members(handle: IO[bytes]) -> Iterator[Member]:
    """The files of a tar, in its own order.

    Raises:
        Unreadable: it is no tar, is cut off, or holds too many files.
    """
    count = 0
    try:
        with tarfile.open(fileobj=handle, mode="r:") as archive:
            for info in archive:
                if info.isdir() or _is_litter(info.name):
                    continue
                count += 1
                _refuse_crowd(count)
                problem = "" if info.isreg() else "a link in an archive" if info.islnk() or info.issym() else "no file"
                yield _member(info.name, problem, partial(_copy_tarred, archive, info))
    except (tarfile.TarError, EOFError, ValueError):
        raise Unreadable("damaged tar archive") from None


def _copy_tarred(archive: tarfile.TarFile, info: tarfile.TarInfo, target: IO[bytes]) -> None:
    try:
        stream = archive.extractfile(info)
        if stream is None:
            raise Unreadable(_DAMAGED)
        shutil.copyfileobj(stream, target, _PIECE_BYTES)
    except (tarfile.TarError, EOFError):
        raise Unreadable(_DAMAGED) from None


def _member(name: str, problem: str, copy: Callable[[IO[bytes]], None]) -> Member:
    """A member under a name that cannot be taken for another place, or for control codes of a terminal."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0] or not name.isprintable():
        return Member("unnamed", problem="unsafe path in an archive")
    return Member("/".join(parts), copy, problem)


def _is_litter(name: str) -> bool:
    """A system's own files, which nobody packed on purpose."""
    return any((part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in name.split("/"))


def _refuse_crowd(count: int) -> None:
    if count > MOST_MEMBERS:
        raise Unreadable(f"an archive of more than {MOST_MEMBERS} files: unpack it")
