"""The key behind hashes, surrogates and the vault: 32 random bytes in a file outside the project's folder.

key = load_key(None, project)          # the user's own key, made at first use (mode 0600)
derive(key, "PERSON", "maria keller")  # 32 bytes that nobody without the key can make
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import platformdirs

from nichetune.core.errors import UserError

_KEY_BYTES = 32


def load_key(path: Path | None, project: Path | None = None) -> bytes:
    """The key in a file; the user's own if no path is given. A missing file is made.

    Raises:
        UserError: the file lies inside the project's folder, is readable by others, or holds no key.
    """
    place = (path or Path(platformdirs.user_config_dir("nichetune")) / "mask.key").expanduser().resolve()
    if project is not None and place.is_relative_to(project.resolve()):
        raise UserError(
            f"{place.name}: the key must lie outside the project's folder: whoever has both can undo the masking"
        )
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
    try:
        key = bytes.fromhex(place.read_text(encoding="ascii").strip())
    except (ValueError, IsADirectoryError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise UserError(f"{place.name}: no key: it must hold {2 * _KEY_BYTES} hexadecimal signs")
    if os.name == "posix" and place.stat().st_mode & 0o077:
        raise UserError(f"{place.name}: others can read the key: chmod 600 it")
    return key


def derive(key: bytes, *parts: str) -> bytes:
    """A keyed digest (HMAC-SHA256) of some texts."""
    return hmac.new(key, "\0".join(parts).encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
