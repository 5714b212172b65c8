"""The harnesses' own environment, made at the first call; they stand outside the project's dependencies.

With the versions of torch, transformers and tokenizers that nichetune runs on, so that all compute alike.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

HARNESSES = {"lm-eval": "0.4.13", "inspect-ai": "0.3.285"}
_SHARED = ("torch", "transformers", "tokenizers", "accelerate", "datasets")


def harness_folder() -> Path:
    """Where it stands, with the models' cache."""
    from nichetune.core.wheels import cache_dir

    return cache_dir() / "peers" / "-".join(f"{name}-{version}" for name, version in HARNESSES.items())


def find_python() -> Path | None:
    """The environment's interpreter, if it has been made."""
    folder = harness_folder()
    return folder / "bin" / "python" if (folder / ".whole").is_file() else None


def make_environment() -> Path:
    """The interpreter of the harnesses' environment; some minutes and 2 GB where it is missing."""
    if (known := find_python()) is not None:
        return known
    folder = harness_folder()
    python = folder / "bin" / "python"
    shared = [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in _SHARED]
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    print(f"making {folder} (some minutes, once)", file=sys.stderr)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [*pip, *shared],
        [*pip, *(f"{name}=={version}" for name, version in HARNESSES.items())],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no word why"])[-1]
            print(f"error: the harnesses do not install here: {last}", file=sys.stderr)
            sys.exit(3)
    (folder / ".whole").touch()
    return python
