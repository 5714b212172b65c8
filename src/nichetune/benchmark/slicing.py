"""Names of the slices of time that items belong to, from their `valid_from`.

dates as they were written -> a slice for each
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_DATE = re.compile(r"(\d{4})-(\d{2})")


def name_slices(dates: Sequence[str | None]) -> list[str]:
    """The slice of each: its year, its month where all are of one year, what is no date as it stands; empty for none.

    >>> name_slices(["2024-03-01", "2025-01-07", None]), name_slices(["2024-03-01", "2024-07-09"])
    (['2024', '2025', ''], ['2024-03', '2024-07'])
    >>> name_slices(["2021", "2025-04-01", " edition 3 "])
    ['2021', '2025', 'edition 3']
    """
    texts = [(date or "").strip() for date in dates]
    found = [_DATE.match(text) for text in texts]
    others = {text for text, match in zip(texts, found, strict=True) if text and not match}
    by_year = len({match[1] for match in found if match} | others) > 1
    return [(match[1] if by_year else match[0]) if match else text for match, text in zip(found, texts, strict=True)]
