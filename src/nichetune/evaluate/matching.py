"""How alike two texts, two lists of steps or two sets of ids are: pure functions, each giving 0..1.

token_f1("the left eye", "left eye") -> 0.8
edit_similarity(["wash", "dry"], ["wash", "rinse", "dry"]) -> 0.667
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence, Set

from nichetune.core.tasks import normalise

_WORD = re.compile(r"\w+")
_SPACE = re.compile(r"\s+")


def fold_space(text: str) -> str:
    """Runs of white space as one space: a quote may be wrapped otherwise, and is still verbatim."""
    return _SPACE.sub(" ", text).strip()


def token_f1(written: str, wanted: str) -> float:
    """Harmonic mean of the precision and recall of words (Rajpurkar et al. 2016, SQuAD)."""
    a, b = (Counter(_WORD.findall(normalise(text))) for text in (written, wanted))
    if not a or not b:
        return float(a == b)
    shared = (a & b).total()
    return 2 * shared / (a.total() + b.total())


def rouge_l(written: str, wanted: str) -> float:
    """ROUGE-L (Lin 2004): F1 of the longest common subsequence of words, which token F1 sees without their order."""
    a, b = (_WORD.findall(normalise(text)) for text in (written, wanted))
    if not a or not b:
        return float(a == b)
    return 2 * _common_length(a, b) / (len(a) + len(b))


def _common_length(a: Sequence[str], b: Sequence[str]) -> int:
    row = [0] * (len(b) + 1)
    for x in a:
        above, row = row, [0]
        for j, y in enumerate(b, start=1):
            row.append(above[j - 1] + 1 if x == y else max(above[j], row[-1]))
    return row[-1]


def prefix_share(written: Sequence[str], wanted: Sequence[str]) -> float:
    """Share of the wanted steps that were done, in order, before the first wrong one."""
    if not wanted:
        return float(not written)
    done = next((n for n, (a, b) in enumerate(zip(written, wanted, strict=False)) if a != b), None)
    return (min(len(written), len(wanted)) if done is None else done) / len(wanted)


def edit_similarity(written: Sequence[str], wanted: Sequence[str]) -> float:
    """1 - Levenshtein distance over whole steps (1966) / length of the longer list."""
    longest = max(len(written), len(wanted))
    return 1 - _edit_distance(written, wanted) / longest if longest else 1.0


def _edit_distance(a: Sequence[str], b: Sequence[str]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        above, row = row, [i]
        for j, y in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


def share_in(part: Set[str], whole: Set[str]) -> float:
    """Share of `part`, which holds something, that is in `whole`."""
    return len(part & whole) / len(part)
