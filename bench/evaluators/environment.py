"""The harnesses' own environment, made at the first call; they stand outside the project's dependencies.

What nichetune runs on (torch, transformers, tokenizers) is read from its own environment, so that all compute alike and
nothing large is fetched twice; what the harnesses need in another version is installed in theirs.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

HARNESSES = {"lm-eval": "0.4.13", "inspect-ai": "0.3.285"}
_SHARED = "shared.pth"  # names our packages' folder; an editable nichetune stays out of reach, as it stands elsewhere


def harness_folder() -> Path:
    """Where it stands, with the models' cache."""
    from nichetune.core.wheels import cache_dir

    return cache_dir() / "peers" / "-".join(f"{name}-{version}" for name, version in HARNESSES.items())


def find_python() -> Path | None:
    """The environment's interpreter, if it has been made."""
    folder = harness_folder()
    return folder / "bin" / "python" if (folder / ".whole").is_file() else None


def make_environment() -> Path:
    """The interpreter of the harnesses' environment; a minute or two where it is missing."""
    if (known := find_python()) is not None:
        return known
    folder = harness_folder()
    python = folder / "bin" / "python"
    print(f"making {folder} (a minute or two, once)", file=sys.stderr)
    _call([sys.executable, "-m", "venv", "--clear", str(folder)])
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / _SHARED).write_text(f"{sysconfig.get_path('purelib')}\n")
    wanted = [f"{name}=={version}" for name, version in HARNESSES.items()]
    _call([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted])
    (folder / ".whole").touch()
    return python


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no word why"])[-1]
        print(f"error: the harnesses do not install here: {last}", file=sys.stderr)
        sys.exit(3)
