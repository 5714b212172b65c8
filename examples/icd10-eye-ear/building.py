"""What the builders of this example share: JSON Lines, and a command line.

records -> one a line; `build(out, seed) -> counts` -> `python build_….py [--out …] [--seed 7]`
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path


def write_lines(records: list[dict], path: Path) -> None:
    """One record a line; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text("".join(lines), encoding="utf-8")


def run_builder(build: Callable[[Path, int], dict[str, int]], description: str, out: Path) -> None:
    """Runs a builder from the command line; `out` is where it writes unless told otherwise."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, default=out, help="folder to write to")
    parser.add_argument("--seed", type=int, default=7, help="seed of everything that is drawn (default: 7)")
    arguments = parser.parse_args()
    for name, count in build(arguments.out, arguments.seed).items():
        print(f"{name:20} {count:6}")
