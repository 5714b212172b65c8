"""Copies modules of nichetune, with all that they import of it, into a package that stands by itself.

copy_modules(["nichetune.evaluate.scoring"], out, "nichetune_scorers") -> {"pydantic"}
"""

from __future__ import annotations

import ast
import importlib.resources
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from nichetune.core.files import write_text

_PACKAGE = "nichetune"


def copy_modules(modules: Sequence[str], out: Path, name: str) -> set[str]:
    """Writes the modules and what they import, under `out / name`; returns the other packages that they import."""
    root = Path(str(importlib.resources.files(_PACKAGE)))
    others: set[str] = set()
    waiting, copied = list(modules), set[Path]()
    while waiting:
        for file in _files_of(root, waiting.pop()):
            if file in copied:
                continue
            copied.add(file)
            source = file.read_text(encoding="utf-8")
            own, other = _list_imports(ast.parse(source))
            waiting += own
            others |= other
            text = re.sub(rf"^(\s*(?:from|import) ){_PACKAGE}\b", rf"\1{name}", source, flags=re.MULTILINE)
            write_text(out / name / file.relative_to(root), text)
    return others - sys.stdlib_module_names


def _files_of(root: Path, module: str) -> Iterator[Path]:
    """A module's file and those of the packages around it; of a name inside a module, that module's."""
    parts = module.split(".")[1:]
    yield root / "__init__.py"
    for depth in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:depth])
        if (place / "__init__.py").is_file():
            yield place / "__init__.py"
        elif place.with_suffix(".py").is_file():
            yield place.with_suffix(".py")


def _list_imports(tree: ast.Module) -> tuple[list[str], set[str]]:
    """Own modules that may be imported when the code runs, and the packages that importing it takes."""
    own: list[str] = []
    others: set[str] = set()
    for node, at_once in _walk(tree, True):
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names = [str(node.module), *(f"{node.module}.{name}" for name in names)]
        own += [name for name in names if name.split(".")[0] == _PACKAGE]
        others |= {name.split(".")[0] for name in names if at_once} - {_PACKAGE}
    return own, others


def _walk(tree: ast.AST, at_once: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Import statements but those under TYPE_CHECKING, and whether they run when the module is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, at_once
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield from _walk(node, at_once and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
