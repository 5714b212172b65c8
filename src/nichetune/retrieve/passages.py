"""Cuts an overlong passage around the lines that speak about the question, each kept word for word.

cut_passage("H65 Otitis.\\nExcludes 1: a (H66.-); b (H67).\\n…", "Does Excludes 1 name b?", max_words=8)
"H65 Otitis.\\nExcludes 1: … b (H67)."
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

from nichetune.retrieve.words import split_words

_PIECE_END = re.compile(r"(?<=[.;!?])\s+")
_LABEL = re.compile(r"^\s*[^\n:;.]{1,40}:(?=\s)")
GAP = "…"


@dataclass(frozen=True)
class _Piece:
    """A sentence or list item: its line's number, the line's label where the piece does not bring it, the text."""

    line: int
    label: str
    text: str

    @property
    def words(self) -> int:
        return len(self.text.split())


def cut_passage(text: str, query: str, max_words: int) -> str:
    """The passage as it is, if it has at most `max_words` words; else its pieces that fit the query best.

    The first piece stays (it names the passage), pieces keep their order and every character, and a line that lost
    its beginning keeps its label ("Excludes 1:"). `…` marks what was left out, and is not counted as a word.
    """
    if len(text.split()) <= max_words:
        return text
    lines = text.splitlines()
    pieces = _split(lines)
    if pieces[0].words > max_words:
        return " ".join(text.split()[:max_words]) + f" {GAP}"
    chosen = {0}
    left = max_words - pieces[0].words
    for n in _best_first(pieces, query):
        cost = pieces[n].words + len(pieces[n].label.split())
        if n not in chosen and cost <= left:
            chosen.add(n)
            left -= cost
    return _join(pieces, chosen)


def _split(lines: list[str]) -> list[_Piece]:
    pieces: list[_Piece] = []
    for number, line in enumerate(lines):
        found = _LABEL.match(line)
        label = found.group(0).strip() if found else ""
        texts = _PIECE_END.split(line.strip()) if line.strip() else []
        pieces += [_Piece(number, label if position else "", piece) for position, piece in enumerate(texts)]
    return pieces


def _best_first(pieces: list[_Piece], query: str) -> list[int]:
    """Pieces by the query's words that they or their label hold, a word that few pieces hold weighing more.

    Pieces without any are left out, unless none has any.
    """
    held = [set(_words(f"{piece.label} {piece.text}")) for piece in pieces]
    count = Counter(word for words in held for word in words)
    asked = set(_words(query))
    scores = [sum(math.log(1 + len(pieces) / count[word]) for word in words & asked) for words in held]
    best = sorted(range(len(pieces)), key=lambda n: (-scores[n], n))
    return [n for n in best if scores[n]] or best


def _words(text: str) -> list[str]:
    return [word.rstrip("s") for word in split_words(text)]


def _join(pieces: list[_Piece], chosen: set[int]) -> str:
    lines: list[str] = []
    before = -1  # the piece written last
    for n in sorted(chosen):
        piece, gap = pieces[n], f"{GAP} " if n - before > 1 else ""
        if before >= 0 and pieces[before].line == piece.line:
            lines[-1] += f" {gap}{piece.text}"
        else:
            lines.append(f"{piece.label} {gap}{piece.text}".strip() if piece.label else piece.text)
        before = n
    return "\n".join(lines) + (f" {GAP}" if before < len(pieces) - 1 else "")
