"""New projects from templates: settings and a corpus, ready to run.

Reads a template (a folder of `examples/`) -> DIR/nichetune.yaml, DIR/README.md, DIR/corpus/… where it has a builder;
without one its settings alone say where the data come from.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import nichetune
from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.settings_file import FILE_NAME

_COPIED = (FILE_NAME, "README.md")
_BUILDER = "build_corpus.py"
_NEEDS = {"icd10-eye-ear": "faker"}


def create_project(folder: Path, template: str) -> list[str]:
    """Makes a project; returns its files.

    Raises:
        UserError: no such template, the folder already holds a project, or the template's extra is missing.
        SystemFailure: its corpus could not be built.
    """
    source = find_template(template)
    if (folder / FILE_NAME).exists():
        raise UserError(f"{folder} already holds a {FILE_NAME}: choose another folder")
    needed = _NEEDS.get(template)
    if needed and importlib.util.find_spec(needed) is None:
        raise UserError(f"template {template} needs {needed}: pip install 'nichetune[demo]'")
    folder.mkdir(parents=True, exist_ok=True)
    if (source / _BUILDER).is_file():
        build_corpus(source, folder / "corpus")
    for name in _COPIED:  # the settings last: a folder without them is no project yet
        shutil.copyfile(source / name, folder / name)
    (folder / ".gitignore").write_text("runs/\ncorpus/\n", encoding="utf-8")
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def build_corpus(template: Path, out: Path) -> None:
    """Runs a template's builder.

    Raises:
        SystemFailure: it failed.
    """
    command = [sys.executable, str(template / _BUILDER), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SystemFailure(f"the corpus of template {template.name} could not be built: {last}")


def find_template(name: str) -> Path:
    """A template's folder: in the installed package, or in a checkout beside the source.

    Raises:
        UserError: no such template; names those that exist.
    """
    package = Path(nichetune.__file__).parent
    roots = [r for r in (package / "examples", package.parents[1] / "examples") if r.is_dir()]
    found = {p.parent.name: p.parent for root in roots for p in sorted(root.glob(f"*/{FILE_NAME}"))}
    if name not in found:
        raise UserError(f"no template {name!r}: there are {', '.join(sorted(found))}")
    return found[name]
