"""Writes the starter's corpus: names of Unicode characters and what kind of character each is.

Reads the Unicode database in Python itself -> corpus/characters.csv, 240 rows, the same on every machine:

    name,kind,script
    GREEK SMALL LETTER ALPHA WITH TONOS,lower-case letter,GREEK

A stand-in for your own file: replace it and edit `sources` and `tasks` in nichetune.yaml.
"""

from __future__ import annotations

import argparse
import csv
import random
import unicodedata
from pathlib import Path

KINDS = {"Ll": "lower-case letter", "Lu": "upper-case letter", "Nd": "digit", "Sm": "mathematical symbol",
         "Po": "punctuation", "Mn": "combining mark"}  # fmt: skip
ROWS_PER_KIND = 40
LAST_CODE_POINT = 0x3000


def build(out: Path, seed: int = 7) -> dict[str, int]:
    """Writes the file; returns how many rows of each kind."""
    rng = random.Random(seed)
    rows: list[tuple[str, str, str]] = []
    for category, kind in KINDS.items():
        names = [n for n in _names(category) if len(n.split()) <= 9]
        rows += [(name, kind, name.split()[0]) for name in rng.sample(names, ROWS_PER_KIND)]
    rng.shuffle(rows)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "characters.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["name", "kind", "script"])
        writer.writerows(rows)
    return dict.fromkeys(KINDS.values(), ROWS_PER_KIND)


def _names(category: str) -> list[str]:
    characters = map(chr, range(0x21, LAST_CODE_POINT))
    return [unicodedata.name(c) for c in characters if unicodedata.category(c) == category and unicodedata.name(c, "")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "corpus")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    print(build(options.out, options.seed))
