"""Finds the files of a source that a Python package brings: as installed, else out of its wheel. No code of it is run.

("licensedcode-data==32.1.0", "licensedcode/data/rules/mit_or_*.RULE")
-> Found(name="licensedcode-data==32.1.0/licensedcode/data/rules/mit_or_afl-3.0.RULE", path=<cache>/…), …
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from nichetune.core.errors import UserError
from nichetune.core.settings import SourceSettings
from nichetune.core.wheels import NoSuchWheel, cache_dir, fetch_wheel, list_members, unpack_members
from nichetune.corpus.reading.locate import Found, Listing, find_files, is_glob, is_hidden, sift_files

_SHOWN_VERSIONS = 5


def find_source(project: Path, source: SourceSettings) -> Listing:
    """The files that a source names, in the project, in a store, or in a package; sorted.

    Raises:
        UserError: there is none, the package is unknown, or it has no such version.
        SystemFailure: a remote store or the package registry does not answer.
    """
    if not source.package:
        return find_files(project, source.path, source.format)
    pattern = source.path.strip("/")
    files = _find_installed(source.package, pattern)
    if files is None:
        files = _find_in_wheel(source.package, pattern)
    found = [Found(f"{source.package}/{name}", path) for name, path in files.items()]
    is_folder = not is_glob(pattern) and pattern not in files
    return sift_files(found, source.path, is_folder, source.format, source.package)


def _find_installed(package: str, pattern: str) -> dict[str, Path] | None:
    """Files in this environment by their path in the wheel; None if exactly this version is not installed."""
    name, _, version = package.partition("==")
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return None
    if installed.version != version or installed.files is None:
        return None
    places = {one.as_posix(): Path(str(installed.locate_file(one))) for one in installed.files}
    return {name: places[name] for name in _match(places, pattern)}


def _find_in_wheel(package: str, pattern: str) -> dict[str, Path]:
    """Files of the wheel by their path in it, unpacked into the cache."""
    wheel, folder = _fetch(package), cache_dir() / "packages" / package
    names = _match(list_members(wheel), pattern)
    unpack_members(wheel, names, folder)
    return {name: folder / name for name in names}


def _fetch(package: str) -> Path:
    name, _, version = package.partition("==")
    try:
        return fetch_wheel(name, version)
    except NoSuchWheel as missing:
        known = missing.versions[-_SHOWN_VERSIONS:]
        if known:
            raise UserError(f"sources: {name} has no version {version}; there are {', '.join(known)}: "
                            "correct sources[].package") from None  # fmt: skip
        raise UserError(f"sources: your package registry has no wheel of {name}, or cannot be reached: check "
                        "sources[].package and the network") from None  # fmt: skip


def _match(names: Iterable[str], pattern: str) -> list[str]:
    """The files that a path means: one, all below a folder, or what fits a glob; hidden ones are no data."""
    from fsspec.utils import glob_translate

    inside = glob_translate(pattern) if is_glob(pattern) else f"{re.escape(pattern)}(/.*)?"
    fits = re.compile(inside, re.DOTALL).fullmatch
    return sorted(name for name in names if fits(name) and not is_hidden(PurePosixPath(name)))
