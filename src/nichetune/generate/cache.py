"""Keeps what was generated, so that a killed evaluation goes on where it stood and a repeated one costs nothing.

An SQLite file, a row an answer, written as soon as the answer has ended. The key holds all that decides a text
(`generate/identity.py`), and who else was in its batch: a log-probability's last digits depend on that (and a text's
choice between near equals, outside float32), so a batch that was cut is generated again whole, and a continued run
equals an unbroken one.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nichetune.core.files import hash_value
from nichetune.generate.engine import Output, Request, TransformersEngine, plan_batches
from nichetune.generate.identity import Identity
from nichetune.models.shared_prefix import common_prefix

if TYPE_CHECKING:
    from nichetune.generate.llamacpp import ChatRequest
    from nichetune.generate.remote import RemoteEngine


class PredictionCache:
    """Outputs by key. A folder that cannot be written gives an error, never a silent miss.

    Attributes:
        written_tokens: new tokens of all outputs that were put in since it was opened.
    """

    def __init__(self, path: Path) -> None:
        self.written_tokens = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")  # outlives a kill; a power cut may cost the last answers
        self._db.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT NOT NULL)")

    def get(self, keys: Iterable[str]) -> dict[str, Output]:
        """Those of the keys' outputs that are kept."""
        found: dict[str, Output] = {}
        for key in keys:
            row = self._db.execute("SELECT value FROM answers WHERE key = ?", (key,)).fetchone()
            if row:
                found[key] = Output(**json.loads(row[0]))
        return found

    def put(self, outputs: Mapping[str, Output]) -> None:
        """Keeps outputs by key, all or none of them."""
        rows = [(key, json.dumps(asdict(output))) for key, output in outputs.items()]
        with self._db:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", rows)
        self.written_tokens += sum(output.new_tokens for output in outputs.values())

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def generate_cached(
    cache: PredictionCache,
    identity: Identity,
    open_engine: Callable[[], TransformersEngine],
    requests: Sequence[Request],
    batch_size: int,
    done: Callable[[int], Any] = lambda n: None,
) -> list[Output]:
    """Answers requests from the cache where it can; the engine is opened only if something is missing.

    What of a prompt was shared is told as planned for all requests, whatever was missing: costs are counted from it.
    """
    plan = plan_batches(requests, batch_size)
    keys = _name_requests(identity, requests, plan)
    found, askers = cache.get(keys), Counter(keys)
    done(sum(askers[key] for key in found))
    for batch in [own for own in plan if any(keys[place] not in found for place in own)]:
        ask = [requests[place] for place in batch]

        def keep(ended: Mapping[int, Output], batch: list[int] = batch) -> None:
            fresh = {keys[batch[n]]: output for n, output in ended.items() if keys[batch[n]] not in found}
            cache.put(fresh)
            found.update(fresh)
            done(sum(askers[key] for key in fresh))

        open_engine().generate(ask, keep=keep)
    outputs = [found[key] for key in keys]
    for batch in plan:
        shared = common_prefix([requests[place].ids for place in batch])
        for n, place in enumerate(batch):
            outputs[place] = replace(outputs[place], cached_tokens=shared if n else 0)
    return outputs


def _name_requests(identity: Identity, requests: Sequence[Request], plan: list[list[int]]) -> list[str]:
    """A key a request; equal requests have one, and one answer."""
    keys = [""] * len(requests)
    for batch in plan:
        prompts = [asdict(requests[place]) for place in batch]
        companions = hash_value(prompts)
        for place, prompt in zip(batch, prompts, strict=True):
            keys[place] = identity.key(prompt | {"companions": companions})
    return keys


def ask_remote_cached(
    cache: PredictionCache | None,
    identity: Identity,
    open_engine: Callable[[], RemoteEngine],
    requests: Sequence[ChatRequest],
    done: Callable[[int], Any] = lambda n: None,
) -> list[Output]:
    """Answers of a hosted model: what was answered once is paid for, and never asked again.

    Args:
        cache: None keeps nothing.
    """
    keys = [identity.key(asdict(request) | {"messages": [m.model_dump() for m in request.messages]})
            for request in requests]  # fmt: skip
    found, askers = cache.get(keys) if cache else {}, Counter(keys)
    done(sum(askers[key] for key in found))
    missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in found}
    names = list(missing)

    def keep(place: int, output: Output) -> None:
        found[names[place]] = output
        if cache:
            cache.put({names[place]: output})
        done(askers[names[place]])

    if missing:
        engine = open_engine()
        try:
            engine.generate(list(missing.values()), keep)
        finally:
            engine.close()
    return [found[key] for key in keys]
