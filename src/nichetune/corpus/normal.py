"""The forms in which texts are compared: for being the same, and for being nearly the same.

text -> normal text

    "Pt: [PERSON_1].  Pinguecula, OD; -2.50 D"  ->  "pt person pinguecula od -2.50 d"

Case, space, punctuation and a placeholder's number mean nothing; signs that change a value (the minus of "-2.50",
"A+" against "A-", "<", "%") and the point and comma inside a number do.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

_PLACEHOLDER = re.compile(r"\[([A-Z][A-Z_]*)_\d+\]")
# A word or number with what belongs to it, or a sign that means something by itself.
_TOKEN = re.compile(r"(?<![\w)])[-+]?\d+(?:[.,:/]\d+)*%?|\w+(?:['’]\w+)*(?:[+-](?=[\s.,;:)]|$))?|[<>=±≤≥%°]")
_DIGIT = digits.encode()
_DIGITS = re.compile(r"\d+")
# Of a text of these alone the words are the runs of letters.
_BLANKS = b' \t\n\r\f\v.,;:!?()"/&*#@$^~`{}|\\'
_PLAIN = _BLANKS + ascii_letters.encode()
_LONGEST_KEPT = 64  # letters: longer chunks are hardly words, and may be encoded files
_FOLD_PLAIN = bytes.maketrans(_BLANKS + ascii_uppercase.encode(), b" " * len(_BLANKS) + ascii_lowercase.encode())


def normalise_text(text: str) -> str:
    """The form in which two inputs are the same."""
    return " ".join(fold_text(text).decode("utf-8", "surrogatepass").split())


def fold_text(text: str) -> bytes:
    """The same in UTF-8, with any number of blanks between the words."""
    raw = text.encode("utf-8", "surrogatepass")
    if not raw.translate(None, _PLAIN):  # the usual case, at a tenth of the cost
        return raw.translate(_FOLD_PLAIN)
    # No rule reaches over a blank, and what stands between two of them comes again and again.
    chunks = text.split()
    fold = _fold_again if len(max(chunks, key=len, default="")) <= _LONGEST_KEPT else _fold_chunk
    return " ".join(map(fold, chunks)).encode("utf-8", "surrogatepass")


def loosen_folded(folded: bytes) -> bytes:
    """A folded text in which numbers count as one word."""
    if folded.isascii() and len(folded.translate(None, _DIGIT)) == len(folded):
        return folded
    return _DIGITS.sub("0", folded.decode("utf-8", "surrogatepass")).encode("utf-8", "surrogatepass")


def _fold_chunk(chunk: str) -> str:
    """What stands between two blanks, folded; it may be several words, or none."""
    plain = unicodedata.normalize("NFKC", chunk)
    if "[" in plain:
        plain = _PLACEHOLDER.sub(lambda match: f" {match.group(1).lower()} ", plain)
    # Word by word: folding may put a mark behind a letter, at which a word would be cut.
    return " ".join(token.casefold().replace("’", "'") for token in _TOKEN.findall(plain))


_fold_again = lru_cache(1 << 15)(_fold_chunk)


def loosen_text(text: str) -> str:
    """The form in which two inputs are nearly the same: numbers count as one word, whatever they are."""
    return loosen_normal(normalise_text(text))


def loosen_normal(normal: str) -> str:
    """The same, of a text that is normalised already."""
    if normal.isascii() and not any(digit in normal for digit in digits):  # the usual case, at a tenth of the cost
        return normal
    return _DIGITS.sub("0", normal)
