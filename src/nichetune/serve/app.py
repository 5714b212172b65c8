"""The gateway: OpenAI's API over the registered versions, so that every client works.

Reads requests -> answers of the version that `model` names at this moment:

    GET  /healthz                 {"status": "ok"}
    GET  /v1/models               aliases and versions
    POST /v1/chat/completions     {"model": "production", "messages": [{"role": "user", "content": "…"}]}
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

import nichetune
from nichetune.core.settings import Settings
from nichetune.registry.registry import Registry
from nichetune.serve.answering import Answering, Question
from nichetune.serve.errors import install_error_answers
from nichetune.serve.guard import Guard
from nichetune.serve.routing import find_version, resolve_route
from nichetune.serve.schemas import MAX_BODY_BYTES, ChatRequest, refuse_unsupported
from nichetune.serve.wire import Reply, describe_model, list_models


def create_app(registry: Registry, settings: Settings) -> FastAPI:
    """The app over a registry; what another process promotes or rolls back is served from the next request on.

    Args:
        settings: device, batch size and the project's name; what is served comes from the registry alone.
    """
    # The interactive pages load scripts from a CDN, and so are off; /openapi.json describes the API.
    app = FastAPI(title="nichetune", version=nichetune.__version__, docs_url=None, redoc_url=None)
    app.add_middleware(Guard, max_bytes=MAX_BODY_BYTES)
    install_error_answers(app)
    _add_health(app)
    _add_models(app, registry, settings.project)
    _add_chat(app, registry, Answering(settings))
    return app


def _add_health(app: FastAPI) -> None:
    @app.get("/healthz")
    async def tell_health() -> dict[str, str]:
        return {"status": "ok", "nichetune": nichetune.__version__}


def _add_models(app: FastAPI, registry: Registry, owner: str) -> None:
    @app.get("/v1/models")
    def tell_models() -> dict[str, Any]:
        return {"object": "list", "data": list_models(registry.list(), owner)}

    @app.get("/v1/models/{name}")
    def tell_model(name: str) -> dict[str, Any]:
        return describe_model(name, find_version(registry, name), owner)


def _add_chat(app: FastAPI, registry: Registry, answering: Answering) -> None:
    @app.post("/v1/chat/completions", response_model=None)
    async def complete_chat(request: ChatRequest) -> Response:
        refuse_unsupported(request)
        route = await run_in_threadpool(resolve_route, registry, request.model, request.task, request.tenant)
        reply = Reply(route, request.model, request.unread_messages)
        question = Question(route, request.question, request.token_cap)
        if not request.stream:
            return JSONResponse(reply.completion(await answering.answer(question)))
        pieces = answering.stream(question)
        first = await anext(pieces)  # before the status is sent: what fails here still gets its own
        with_usage = request.stream_options is not None and request.stream_options.include_usage
        return _EventStream(reply.chunks(first, pieces, with_usage))


class _EventStream(StreamingResponse):
    """Server-sent events that end when the client goes, and with them the generation and its turn."""

    media_type = "text/event-stream"

    def __init__(self, events: Any) -> None:
        super().__init__(events, headers={"cache-control": "no-cache"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._events.aclose()  # else the turn is held until the garbage collector comes by
