"""Keeps what was generated, so that a killed evaluation goes on where it stood and a repeated one costs nothing.

An SQLite file, a row a batch of prompts: a batch's rounding depends on who is in it, so a batch is kept whole.
The key holds all that decides a text: weights, adapter, quantisation, tokenizer and template (in the prompts' ids
and the weights' digests), index version, prompt ids, decoding, engine and its versions. A key that leaves out the
adapter scores it with the base's answers.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nichetune.core.files import hash_value
from nichetune.generate.engine import Output, Request, TransformersEngine, plan_batches


class PredictionCache:
    """Outputs by key. A folder that cannot be written gives an error, never a silent miss."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS outputs (key TEXT PRIMARY KEY, value TEXT NOT NULL)")

    def get(self, key: str) -> list[Output] | None:
        """The outputs of a batch, or None."""
        row = self._db.execute("SELECT value FROM outputs WHERE key = ?", (key,)).fetchone()
        return [Output(**one) for one in json.loads(row[0])] if row else None

    def put(self, key: str, outputs: Sequence[Output]) -> None:
        """Keeps the outputs of a batch."""
        value = json.dumps([asdict(o) for o in outputs])
        self._db.execute("INSERT OR REPLACE INTO outputs VALUES (?, ?)", (key, value))

    def get_text(self, key: str) -> str | None:
        """A text that was kept by itself, or None."""
        row = self._db.execute("SELECT value FROM outputs WHERE key = ?", (key,)).fetchone()
        return str(json.loads(row[0])) if row else None

    def put_text(self, key: str, text: str) -> None:
        """Keeps a text by itself, such as a judge's reply."""
        self._db.execute("INSERT OR REPLACE INTO outputs VALUES (?, ?)", (key, json.dumps(text)))

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def generate_cached(
    cache: PredictionCache,
    identity: dict[str, Any],
    open_engine: Callable[[], TransformersEngine],
    requests: Sequence[Request],
    batch_size: int,
    done: Callable[[int], Any] = lambda n: None,
) -> list[Output]:
    """Answers requests from the cache where it can; the engine is opened only if something is missing.

    Args:
        identity: all that decides the text besides the prompts: digests of weights and adapter, quantisation, index
            version, engine, versions.
    """
    outputs: dict[int, Output] = {}
    for batch in plan_batches(requests, batch_size):
        members = [requests[i] for i in batch]
        key = hash_value({"who": identity, "what": [asdict(m) for m in members]})
        answers = cache.get(key)
        if answers is None:
            answers = open_engine().generate(members)
            cache.put(key, answers)
        outputs |= dict(zip(batch, answers, strict=True))
        done(len(batch))
    return [outputs[i] for i in range(len(requests))]
