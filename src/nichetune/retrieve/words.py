"""What counts as a word when texts are searched, where a code such as H10.1 is one word.

split_words("Code first with H10.1?") -> ["code", "first", "with", "h10.1"]
fold_codes("see ISO-9001") -> "see ISO-9001 ISO9001"
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:[.\-/_][^\W_]+)*")


def split_words(text: str) -> list[str]:
    """The words of a text in lower case, codes whole."""
    return [word.casefold() for word in _WORD.findall(text)]


def fold_codes(text: str) -> str:
    """The text with each code such as H10.1 or ISO-9001 once more as one word.

    Full-text search splits at punctuation: without this, H10.1 would match every H10 and every 1.
    """
    words = [re.sub(r"[\W_]", "", word) for word in _WORD.findall(text) if not word.isalnum()]
    codes = [word for word in words if any(character.isdigit() for character in word)]
    return f"{text} {' '.join(codes)}" if codes else text
