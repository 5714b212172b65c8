"""Opens a source's file as parts that readers can read: unpacked, bounded in size, each with its digest.

Found("mail.zip") -> Part(name="mail.zip/a.eml", inner="a.eml", …), Part(name="mail.zip/b.pdf", problem="…"), …

Nothing is ever written under a name that an archive gives: what is not a plain local file is copied to a nameless
file in the run's private folder, which the system takes back when it is closed.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from nichetune.core.files import hash_file
from nichetune.corpus.reading.formats import Compression, find_archive, split_compression
from nichetune.corpus.reading.locate import Found
from nichetune.corpus.reading.raw import Unreadable

_PIECE_BYTES = 1 << 20
# Below this nothing is called a bomb: small files of one repeated line compress very well.
_HARMLESS_BYTES = 1 << 28
BOMB = "expands too much (sources[].max_expansion)"


@dataclass(frozen=True)
class Part:
    """One readable file.

    Attributes:
        name: for people and for sources: the file, and behind an archive's name and `/` the member.
        inner: the name that tells its format.
        handle: at its start and seekable; None where `problem` says why there is none.
        sha256: of the bytes in `handle`; of the whole file or archive where there is none.
    """

    name: str
    inner: str
    handle: IO[bytes] | None
    sha256: str
    problem: str = ""


class Budget:
    """How many bytes may still come out of one compressed file or archive."""

    def __init__(self, packed_bytes: int, max_expansion: int) -> None:
        self.left = max(_HARMLESS_BYTES, packed_bytes * max_expansion)

    def spend(self, size: int) -> None:
        """Counts bytes that came out.

        Raises:
            Unreadable: it is more than the file may grow to.
        """
        self.left -= size
        if self.left < 0:
            raise Unreadable(BOMB)


def open_parts(found: Found, max_expansion: int, workspace: Path) -> Iterator[Part]:
    """The parts of one file, in order; each is closed when the next one is asked for.

    Args:
        workspace: where copies are kept while they are read; a private folder.
    """
    with _open_file(found, workspace) as (handle, sha256):
        inner, compression = split_compression(found.name)
        archive = find_archive(found.name)
        if archive is None and compression is None:
            yield Part(found.name, found.name, handle, sha256)
            return
        budget = Budget(_size_of(handle), max_expansion)
        try:
            with _unpack(handle, compression, budget, workspace) as (plain, plain_sha256):
                if archive is None:
                    yield Part(found.name, inner, plain, plain_sha256)
                    return
                from nichetune.corpus.reading import archives

                members = archives.zip_members if archive == "zip" else archives.tar_members
                yield from _read_members(found.name, members(plain), sha256, budget, workspace)
        except Unreadable as why:
            yield Part(found.name, inner, None, sha256, str(why))


def _read_members(archive: str, members: Iterator[Any], sha256: str, budget: Budget, workspace: Path) -> Iterator[Part]:
    for member in members:
        name = f"{archive}/{member.name}"
        problem = member.problem or ("archive inside an archive: unpack it" if find_archive(member.name) else "")
        if problem:
            yield Part(name, member.name, None, sha256, problem)
            continue
        inner, compression = split_compression(member.name)
        try:
            with (
                spool(member.copy_to, budget, workspace) as (packed, packed_sha256),
                _unpack(packed, compression, budget, workspace) as (plain, plain_sha256),
            ):
                yield Part(name, inner, plain, plain_sha256 if compression else packed_sha256)
        except Unreadable as why:
            yield Part(name, member.name, None, sha256, str(why))
            if str(why) == BOMB:
                return


@contextmanager
def _open_file(found: Found, workspace: Path) -> Iterator[tuple[IO[bytes], str]]:
    if found.path is not None:
        sha256 = hash_file(found.path)
        with found.path.open("rb") as handle:
            yield handle, sha256
        return
    with spool(found.fetch, None, workspace) as opened:
        yield opened


@contextmanager
def spool(copy: Callable[[IO[bytes]], None], budget: Budget | None, workspace: Path) -> Iterator[tuple[IO[bytes], str]]:
    """A nameless copy, at its start, with its digest.

    Raises:
        Unreadable: the copy outgrows the budget.
    """
    with tempfile.TemporaryFile(dir=workspace) as target:
        counted = _Counted(target, budget)
        copy(counted)  # type: ignore[arg-type]
        target.seek(0)
        yield target, counted.sha256


class _Counted:
    """Writes on, counting and hashing."""

    def __init__(self, target: IO[bytes], budget: Budget | None) -> None:
        self._target, self._budget, self._hash = target, budget, hashlib.sha256()

    def write(self, data: bytes) -> int:
        if self._budget is not None:
            self._budget.spend(len(data))
        self._hash.update(data)
        return self._target.write(data)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def _unpack(
    handle: IO[bytes], compression: Compression | None, budget: Budget, workspace: Path
) -> Iterator[tuple[IO[bytes], str]]:
    if compression is None:
        yield handle, ""
        return
    with spool(lambda target: _decompress(handle, compression, target), budget, workspace) as opened:
        yield opened


def _decompress(handle: IO[bytes], compression: Compression, target: IO[bytes]) -> None:
    """Copies what is compressed.

    Raises:
        Unreadable: it is damaged, or cut off.
    """
    try:
        with _open_stream(handle, compression) as stream:
            while piece := stream.read(_PIECE_BYTES):
                target.write(piece)
    except EOFError:
        raise Unreadable("compressed data ends early") from None
    except (zlib.error, lzma.LZMAError, gzip.BadGzipFile, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk's own trouble, not the data's
            raise
        raise Unreadable(f"damaged {compression} data") from None


def _open_stream(handle: IO[bytes], compression: Compression) -> Any:
    if compression == "gzip":
        return gzip.GzipFile(fileobj=handle, mode="rb")
    if compression == "bz2":
        return bz2.BZ2File(handle)
    if compression == "xz":
        return lzma.LZMAFile(handle)
    import pyarrow  # it brings zstandard along

    return pyarrow.CompressedInputStream(pyarrow.PythonFile(handle, mode="r"), "zstd")


def _size_of(handle: IO[bytes]) -> int:
    size = handle.seek(0, 2)
    handle.seek(0)
    return size
