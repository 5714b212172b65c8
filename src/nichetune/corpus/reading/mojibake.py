"""Finds text that was decoded wrongly before it came here, and undoes it where that is certain.

    "MeniÃ¨re"  ->  "Menière"          "MeniÌ�re"  ->  refused: what it said is lost

A repair is ftfy's: it tries the few ways in which text really gets broken, and takes one only if the result decodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ftfy import fix_encoding
from ftfy.badness import is_bad

Rule = Literal["repair", "refuse", "keep"]
MOJIBAKE = "mojibake"
LOST = "lost characters (U+FFFD)"
# In a passage a few glyphs without a letter (a PDF's bullets) are no reason to lose it; in a record one is too many.
_LOST_SHARE_OF_PASSAGE = 0.01
_LONG = 400


@dataclass
class Mended:
    """A record's values after the rule was applied.

    Attributes:
        repaired: how many of its texts were mended.
        problem: why the record cannot be used; empty if it can.
    """

    values: dict[str, Any]
    repaired: int = 0
    problem: str = ""


def mend_values(values: dict[str, Any], rule: Rule) -> Mended:
    """Applies the rule to every text of a record, however deep it lies."""
    mended = Mended(values)
    if rule != "keep":
        mended.values = {name: _mend(value, rule, mended) for name, value in values.items()}
    return mended


def _mend(value: Any, rule: Rule, mended: Mended) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else _mend_text(value, rule, mended)
    if isinstance(value, list):
        return [_mend(one, rule, mended) for one in value]
    if isinstance(value, dict):
        return {name: _mend(one, rule, mended) for name, one in value.items()}
    return value


def _mend_text(text: str, rule: Rule, mended: Mended) -> str:
    if is_bad(text):
        fixed = fix_encoding(text) if rule == "repair" else text
        if is_bad(fixed):
            mended.problem = MOJIBAKE
        elif fixed != text:
            mended.repaired += 1
            text = fixed.removeprefix("\ufeff")  # a byte order mark that became text
    lost = text.count("\ufffd")
    if lost and (len(text) < _LONG or lost > _LOST_SHARE_OF_PASSAGE * len(text)):
        mended.problem = LOST
    return text
