"""Shows a URL without what may be a key in it, for settings that are written down, messages and sources.

"https://kim:pw@host/a.csv?sig=abc"  ->  "https://host/a.csv"
"""

from __future__ import annotations

import re

_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+://)")
_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+://)[^/@]*@")


def show_url(text: str) -> str:
    """A URL without user and password, and on the web without query and fragment; any other text as it is."""
    if not _URL.match(text):
        return text
    bare = re.split(r"[?#]", text, maxsplit=1)[0] if text.lower().startswith("http") else text
    return _USER.sub(r"\1", bare)
