"""Remembers every id of a corpus and where it first stood, on disk: memory stays the same for any number of records.

SeenIds().add("examples", "n1", "notes.csv:2") -> None; the next add of that id -> "notes.csv:2"
"""

from __future__ import annotations

import hashlib
import sqlite3


class SeenIds:
    """The ids met so far."""

    def __init__(self) -> None:
        # The empty name is SQLite's own temporary file: gone when it is closed, and kept in memory while it is small.
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.execute("PRAGMA journal_mode = OFF")
        self._base.execute("PRAGMA synchronous = OFF")
        self._base.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, place TEXT) WITHOUT ROWID")
        self._base.execute("BEGIN")

    def add(self, kind: str, name: str, place: str) -> str | None:
        """Notes an id; where it stood first if it is not new.

        Args:
            kind: ids of different kinds may be the same.
        """
        key = hashlib.blake2b(f"{kind}\x1f{name}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if self._base.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, place)).rowcount:
            return None
        return str(self._base.execute("SELECT place FROM seen WHERE key = ?", (key,)).fetchone()[0])

    def close(self) -> None:
        """Forgets everything."""
        self._base.close()
