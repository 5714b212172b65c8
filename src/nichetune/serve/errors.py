"""Every way in which the server says no, in OpenAI's shape, in one line, and without a word of the user's.

Reads an exception -> an HTTP answer:

    404 {"error": {"message": "no version 'blue': there are production", "type": "invalid_request_error",
                   "param": "model", "code": "model_not_found"}}
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from nichetune.core.errors import NichetuneError, SystemFailure
from nichetune.core.progress import say


class ApiError(Exception):
    """A refusal; `param` names the part of the request that it is about."""

    def __init__(self, status: int, message: str, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param

    def to_json(self) -> dict[str, Any]:
        """OpenAI's shape of an error."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def as_api_error(error: Exception) -> ApiError:
    """What a failure while answering is to the client; what nobody foresaw is logged, without its message.

    A library's message may quote the text that it choked on, so that only its type and place are told.
    """
    if isinstance(error, ApiError):
        return error
    if isinstance(error, NichetuneError):
        return ApiError(503 if isinstance(error, SystemFailure) else 500, str(error), "not_able_to_answer")
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    place = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    say(f"internal error: {type(error).__name__} at {place}")
    return ApiError(500, f"internal error ({type(error).__name__}): see the server's log", "internal_error")


class failures_told:  # noqa: N801 - used as a statement, like contextlib's own
    """Turns whatever fails in the block into an `ApiError`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _place: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, StopIteration):
            raise as_api_error(error) from None


def install_error_answers(app: FastAPI) -> None:
    """Gives every refusal of an app the one shape."""

    @app.exception_handler(ApiError)
    async def answer_refusal(_: Request, error: ApiError) -> JSONResponse:
        return answer_refused(error)

    @app.exception_handler(NichetuneError)
    async def answer_failure(_: Request, error: NichetuneError) -> JSONResponse:
        return answer_refused(as_api_error(error))

    @app.exception_handler(RequestValidationError)
    async def answer_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer_refused(explain_invalid(error.errors()))

    @app.exception_handler(HTTPException)
    async def answer_http(_: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}.get(error.status_code)
        return answer_refused(ApiError(error.status_code, str(error.detail), code or "bad_request"), error.headers)


def explain_invalid(problems: Sequence[Any]) -> ApiError:
    """The problem that lies deepest, by place and rule: the input itself is never repeated."""
    problem = max(problems, key=lambda one: len(one["loc"]))
    if problem["type"] == "json_invalid":
        return ApiError(400, "the body is not valid JSON", "invalid_json")
    # A union's own branches ("str", "list[TextPart]") stand in the place too, and tell a client nothing.
    steps = [str(step) for step in problem["loc"][1:] if step != "str" and "[" not in str(step)]
    place = ".".join(steps)
    return ApiError(400, f"{place or 'body'}: {problem['msg']}", "invalid_value", place or None)


def answer_refused(error: ApiError, headers: Any = None) -> JSONResponse:
    """The HTTP answer of a refusal."""
    return JSONResponse(error.to_json(), status_code=error.status, headers=headers)
