"""An encrypted file of what was masked, so that who holds the key can go back, and nobody else.

masked lines + their original values -> vault (Fernet: AES-128-CBC and HMAC-SHA256; key by HKDF from the mask key)

    write_vault(path, key, [["Maria Keller", "00482913"], []])   # per line, in the order of its `entities`
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nichetune.core.errors import UserError


def write_vault(path: Path, key: bytes, values: list[list[str]]) -> None:
    """Writes the values encrypted, mode 0600, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(_cipher(key).encrypt(json.dumps(values).encode("ascii")))
    os.replace(part, path)


def read_vault(path: Path, key: bytes) -> list[list[str]]:
    """The values, per line.

    Raises:
        UserError: no vault, or another key's.
    """
    if not path.is_file():
        raise UserError(f"no such vault: {path}")
    try:
        values: list[list[str]] = json.loads(_cipher(key).decrypt(path.read_bytes()))
    except InvalidToken:
        raise UserError(f"{path}: this key does not open it") from None
    return values


def _cipher(key: bytes) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"nichetune mask vault").derive(key)
    return Fernet(base64.urlsafe_b64encode(derived))
