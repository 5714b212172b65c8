"""Training conversations, looked up once: passages of the index are found anew only when something changed.

split/ + index/ -> cache/chats-<key>.json in the run's folder: {"int-0007": [{"role": "user", "content": "…"}, …], …}

A grounded example's passages cost a search each, and the search its libraries: five of the twelve seconds before the
first step of the demo. The texts are masked ones, as those of the stages that they come from.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from nichetune.core.files import hash_value, read_json, write_json
from nichetune.core.records import Example, Message
from nichetune.core.settings import Settings
from nichetune.core.stages import code_version, input_digest
from nichetune.generate.prompts import training_chats

_CODE = ("generate", "retrieve", "models")


def keep_chats(
    settings: Settings, examples: list[Example], index: Path | None, cache: Path
) -> dict[str, list[Message]]:
    """Conversations by example id; with an index they are kept in the folder `cache`, the latest ones only."""
    if index is None:
        return training_chats(settings, examples, None)
    used = settings.model_dump(mode="json", by_alias=True, include={"tasks", "index"})
    asked = [example.model_dump(mode="json") for example in examples]
    key = hash_value([used, asked, input_digest(index), code_version(_CODE)])[:32]
    kept = cache / f"chats-{key}.json"
    if kept.is_file():
        return {name: [Message.model_validate(one) for one in chat] for name, chat in read_json(kept).items()}
    chats = training_chats(settings, examples, index)
    for old in cache.glob("chats-*.json"):
        old.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # a cache that cannot be written costs seconds, never the training
        write_json(kept, {name: [one.model_dump() for one in chat] for name, chat in chats.items()})
    return chats
