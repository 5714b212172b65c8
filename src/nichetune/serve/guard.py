"""The outermost layer of the gateway: bodies have a size, and what nobody foresaw is an answer, not a traceback.

Reads any request -> passes it on, or

    413 {"error": {"message": "the body is larger than 524,288 bytes", "code": "request_too_large", …}}
    500 {"error": {"message": "internal error (KeyError): see the server's log", "code": "internal_error", …}}

Starlette's own last resort hands an exception on to the web server, which logs it with its message, and that may
quote the text that it choked on.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nichetune.serve.errors import ApiError, answer_refused, failures_told


class Guard:
    """Middleware around the whole app."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        started = False

        async def send_on(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            with failures_told():
                await self._app(scope, self._limit(scope, receive), send_on)
        except ApiError as error:
            if started:  # the status is gone: all that is left is to break off
                raise
            await answer_refused(error)(scope, receive, send)

    def _limit(self, scope: Scope, receive: Receive) -> Receive:
        """Refuses by the length that a request declares, else by what has come so far."""
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        declared = int(lengths[0]) if lengths and lengths[0].isdigit() else 0
        taken = 0

        async def receive_within() -> Message:
            nonlocal taken
            self._check(declared)
            message = await receive()
            taken += len(message.get("body", b""))
            self._check(taken)
            return message

        return receive_within

    def _check(self, length: int) -> None:
        if length > self._max_bytes:
            raise HTTPException(413, f"the body is larger than {self._max_bytes:,} bytes")
