"""Cuts a long text between sentences, and counts the words of any script.

cut_sentences("Dr. Roe saw it. It was red.", 4)  ->  ["Dr. Roe saw it.", "It was red."]
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# A sentence's sign, what may close behind it, and a space; Chinese and Japanese write no space.
_END = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|[。！？]+[”’」』）]*")
# A stop after these ends no sentence: titles, Latin, measures, and single initials.
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"“])(?:(?:dr|mr|mrs|ms|prof|st|sr|jr|no|nos|vs|cf|ca|approx|fig|figs|sec|art|ch|vol|pp?|ed|eds|inc|ltd|"
    r"co|corp|dept|est|etc|al|e\.g|i\.e|viz|resp|min|max|sog|bzw|z\.b|u\.a|n°|nr|str)|[A-Z])\.\s+$",
    re.IGNORECASE,
)
_OPENING = re.compile(r"[\"'“‘(\[]*[^\W_a-z]")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1780-\u17ff]")
# A Chinese word has 1.5 to 2 characters.
_WORDS_A_CHARACTER = 0.6
# What is no text at all (a line of base64) still has to end somewhere.
_LONGEST_WORD_CHARACTERS = 4000


def count_words(text: str) -> int:
    """Words of a text; where a script writes no spaces, by its characters."""
    count = len(text.split())
    unspaced = 0 if text.isascii() else len(_UNSPACED.findall(text))
    return count + int(unspaced * _WORDS_A_CHARACTER) + len(text) // _LONGEST_WORD_CHARACTERS


def cut_sentences(text: str, max_words: int) -> list[str]:
    """Pieces of at most `max_words` words, cut between sentences or lines where there are any, else between words."""
    pieces: list[str] = []
    held, words = "", 0
    for sentence in _sentences(text):
        for part in _cut_words(sentence, max_words):
            size = count_words(part)
            if held and words + size > max_words:
                pieces.append(held)
                held, words = "", 0
            held, words = held + part, words + size
    pieces.append(held)
    return [piece.strip() for piece in pieces if piece.strip()]


def _sentences(text: str) -> Iterator[str]:
    """The sentences with the spaces behind them: together they are the text."""
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        is_stop = match.group()[0] == "."
        if is_stop and (_ABBREVIATION.search(text[max(0, end - 12) : end]) or not _OPENING.match(text, end)):
            continue
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _cut_words(sentence: str, max_words: int) -> Iterator[str]:
    """A sentence as it is; a longer one by its lines; a longer line after every so many words or characters."""
    if count_words(sentence) <= max_words:
        yield sentence
        return
    for line in sentence.splitlines(keepends=True):
        if count_words(line) <= max_words:
            yield line
            continue
        for token in re.findall(r"\S+\s*|\s+", line):
            yield from (token[start : start + 300] for start in range(0, len(token), 300))
