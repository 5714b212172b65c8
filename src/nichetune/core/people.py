"""Who is at work, for logs that say who did what."""

from __future__ import annotations

import getpass


def name_user() -> str:
    """The user's name on this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run a user id that has no name
        return "unknown"
