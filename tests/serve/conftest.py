"""A real registry and a real server: two classical versions, trained here on a dozen notes, and the base model."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import openai
import pytest
from serve_desk import CAPITAL, SETTINGS, STORY, TRIAGE, Served, make_note, register, register_classical

from nichetune.core.records import Candidate
from nichetune.registry.registry import Registry
from nichetune.serve.server import listener_url, make_server, open_listener


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`production` and `candidate` name the first classical version; the second answers the other side."""
    folder = tmp_path_factory.mktemp("serve")
    registry = Registry.open(folder / "registry")
    notes = [make_note(n, "right" if n % 2 else "left") for n in range(12)]
    swapped = [make_note(n, "left" if n % 2 else "right").model_copy(update={"messages": notes[n].messages})
               for n in range(12)]  # fmt: skip
    first = register_classical(registry, folder / "first", notes)
    second = register_classical(registry, folder / "second", swapped)
    tasks = {"triage": TRIAGE, "capital": CAPITAL, "story": STORY}
    candidate = Candidate(rung="base", base_model="smollm2-135m", tasks=tasks)
    base = register(registry, folder / "base", candidate, None)
    for alias in ("production", "candidate"):
        registry.set_alias(alias, first.digest)
    listener = open_listener("127.0.0.1", 0)
    server = make_server(registry, SETTINGS)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Served(listener_url(listener), registry, first, second, base)
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def client(served: Served) -> openai.OpenAI:
    return served.client
