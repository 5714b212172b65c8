"""The forms in which texts are compared: for being the same, and for being nearly the same.

text -> normal text

    "Pt: [PERSON_1].  Pinguecula, OD; -2.50 D"  ->  "pt person pinguecula od -2.50 d"

Case, space, punctuation and a placeholder's number mean nothing; signs that change a value (the minus of "-2.50",
"A+" against "A-", "<", "%") and the point and comma inside a number do.
"""

from __future__ import annotations

import re
import unicodedata
from string import digits

_PLACEHOLDER = re.compile(r"\[([A-Z][A-Z_]*)_\d+\]")
# A word or number with what belongs to it, or a sign that means something by itself.
_TOKEN = re.compile(r"(?<![\w)])[-+]?\d+(?:[.,:/]\d+)*%?|\w+(?:['’]\w+)*(?:[+-](?=[\s.,;:)]|$))?|[<>=±≤≥%°]")
_DIGITS = re.compile(r"\d+")


def normalise_text(text: str) -> str:
    """The form in which two inputs are the same."""
    plain = unicodedata.normalize("NFKC", text)
    if "[" in plain:
        plain = _PLACEHOLDER.sub(lambda match: f" {match.group(1).lower()} ", plain)
    if plain.isascii():  # the usual case, at half the cost
        return " ".join(_TOKEN.findall(plain.lower()))
    # Word by word: folding may put a mark behind a letter, at which a word would be cut.
    return " ".join(token.casefold().replace("’", "'") for token in _TOKEN.findall(plain))


def loosen_text(text: str) -> str:
    """The form in which two inputs are nearly the same: numbers count as one word, whatever they are."""
    return loosen_normal(normalise_text(text))


def loosen_normal(normal: str) -> str:
    """The same, of a text that is normalised already."""
    if normal.isascii() and not any(digit in normal for digit in digits):  # the usual case, at a tenth of the cost
        return normal
    return _DIGITS.sub("0", normal)
