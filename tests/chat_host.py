"""A real HTTP server that speaks OpenAI's chat API and does what a test asks of it: delay, refuse, go down, count."""

from __future__ import annotations

import http.server
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Body = dict[str, Any]
Reply = Callable[[Body], "str | int"]  # a text, or the status of a refusal


class ChatHost:
    """What the server does, and what it was asked.

    Attributes:
        plan: statuses of the first answers; `down_after`: answers after which it says 503.
        headers: sent along; `unknown`: a parameter that it does not know; `pause_s`: how long it thinks.
        asked: the bodies that were answered; `times` and `keys` of all requests.
    """

    def __init__(self, reply: Reply, pause_s: float = 0.0) -> None:
        self.reply, self.pause_s = reply, pause_s
        self.plan: list[int] = []
        self.down_after = 10**9
        self.headers: dict[str, str] = {}
        self.unknown = self.url = ""
        self.asked: list[Body] = []
        self.times: list[float] = []
        self.keys: set[str | None] = set()
        self.working = self.most_working = 0
        self._lock = threading.Lock()

    @property
    def questions(self) -> list[str]:
        """The last turn of each conversation that was answered."""
        return [last_turn(body) for body in self.asked]

    def answer(self, body: Body) -> tuple[int, Body]:
        """The status and the body of an answer."""
        with self._lock:
            self.times.append(time.monotonic())
            self.working += 1
            self.most_working = max(self.most_working, self.working)
            status = self.plan.pop(0) if self.plan else 200
        time.sleep(self.pause_s)
        with self._lock:
            self.working -= 1
            if status == 200 and len(self.asked) >= self.down_after:
                status = 503
            if status == 200 and self.unknown in body:
                return 400, {"error": {"param": self.unknown, "message": last_turn(body)}}
            said = self.reply(body) if status == 200 else status
            if isinstance(said, int):
                return said, {"error": {"message": last_turn(body), "code": "odd_thing"}}
            self.asked.append(body)
        choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        return 200, {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}


def last_turn(body: Body) -> str:
    """What was asked last."""
    return str(body["messages"][-1]["content"])


def prefer_longer(body: Body) -> str:
    """A judge that likes the longer text, and calls texts of like lengths equal."""
    found = re.search(r"Answer A:\n(.*)\n\nAnswer B:\n(.*)\n\nWhich", last_turn(body), re.DOTALL)
    assert found
    a, b = map(len, found.groups())
    return "S" if abs(a - b) < 10 else "A" if a > b else "B"


@contextmanager
def serve(host: ChatHost) -> Iterator[ChatHost]:
    """The server on a free port, up to the end of the block."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            host.keys.add(self.headers.get("authorization"))
            status, told = host.answer(body)
            data = json.dumps(told).encode()
            self.send_response(status)
            for name, value in (host.headers | {"content-length": str(len(data))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
