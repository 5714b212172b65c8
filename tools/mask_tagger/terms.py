"""Domain terms of the build side: every shipped eponym with many heads, and invented ones.

eponyms.txt + eponym_heads.txt -> ["Keller's sign", "Pelton wheel", ...]
"""

from __future__ import annotations

import random
import re
from pathlib import Path

MASKING = Path(__file__).parents[2] / "src" / "nichetune" / "corpus" / "masking"


def read_words(name: str) -> list[str]:
    """The words of a list, without its headers."""
    lines = (MASKING / name).read_text(encoding="utf-8").splitlines()
    return [word for line in lines if not line.startswith(("#", "==")) for word in line.split()]


def read_listed() -> dict[str, list[str]]:
    """Terms of things.txt by field, with the word behind them where the list gives one: "Foley catheter"."""
    found: dict[str, list[str]] = {}
    field = ""
    for line in (MASKING / "things.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            field = line[3:].split(":")[0]
        for entry in line.split("|") if line and not line.startswith(("#", "==")) else ():
            match = re.fullmatch(r"([^~(]+)(~?)(?:\((.*)\))?", entry.strip())
            if match and match[3]:
                found.setdefault(field, []).extend(f"{match[1]} {head.strip()}" for head in match[3].split(","))
            if match and not match[2]:
                found.setdefault(field, []).append(match[1].strip())
    return found


def make_terms(held_out: frozenset[str], count: int = 4000, seed: int = 3) -> list[str]:
    """Terms that are no people, for the places where the templates name one."""
    rng = random.Random(seed)
    names = [one for one in read_words("eponyms.txt") if one not in held_out]
    heads = read_words("eponym_heads.txt")
    terms = []
    for _ in range(count):
        name = "-".join(part.capitalize() for part in rng.choice(names).split("-"))
        ending = rng.choice(("", "", "'s")) if "-" not in name else ""
        head = rng.choice(heads)
        terms.append(f"{name}{ending} {head.capitalize() if rng.random() < 0.1 else head}")
    return terms
