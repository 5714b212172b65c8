"""A hosted model behind OpenAI's chat API: several requests at once, no more a minute than allowed, tried again.

    [ChatRequest(messages=[…], max_new_tokens=56)] -> [Output(text='{"finding": …}', prompt_tokens=90, …)]

A rung of the ladder is asked by it, and so is a judge. Answers are handed over one by one as they arrive, so that what
was paid for is kept whatever happens next. The key comes from the environment and goes into a header, nowhere else;
errors tell the address and status, never a text.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from nichetune.core.errors import NichetuneError, SystemFailure, UserError
from nichetune.generate.engine import Output
from nichetune.generate.host import Host
from nichetune.generate.llamacpp import ChatRequest

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0
_AGAIN = frozenset({408, 409, 425, 429})  # and all of 500 and above
_KEPT = "what was answered so far is kept, and the same command goes on from there"
# Hosts that know one of these by another name, or not at all, say so in `error.param`.
_OTHERWISE = {"max_tokens": "max_completion_tokens", "temperature": "", "seed": ""}


class RemoteEngine:
    """Asks one hosted model.

    Raises:
        UserError: the variable that should hold the key is not set.
    """

    name = "remote"

    def __init__(self, host: Host) -> None:
        self.host = host
        self._pace = _Pace(host.asking.requests_per_minute)
        self._stop = threading.Event()
        self._unknown: set[str] = set()
        key = host.read_key()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(headers=headers, timeout=host.asking.timeout_s)

    def generate(
        self, requests: Sequence[ChatRequest], keep: Callable[[int, Output], Any] = lambda place, output: None
    ) -> list[Output]:
        """Answers all requests, in their order.

        Args:
            keep: called in this thread with the place and output of each answer as it arrives.

        Raises:
            SystemFailure: the host cannot be reached, or keeps saying no; answers that came have been handed over.
            UserError: the host refuses the key, the model or the request.
        """
        outputs: dict[int, Output] = {}
        self._stop.clear()
        pool = ThreadPoolExecutor(self.host.asking.concurrency)
        try:
            waiting = {pool.submit(self._ask, request): place for place, request in enumerate(requests)}
            failure: NichetuneError | None = None
            while waiting:
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    place = waiting.pop(future)
                    answer = _result(future)
                    if isinstance(answer, Output):
                        outputs[place] = answer
                        keep(place, answer)
                    elif answer is not None and failure is None:
                        failure = answer
                        self._give_up(waiting)
            if failure is not None:
                raise failure
        finally:
            self._give_up({})
            pool.shutdown(cancel_futures=True)
        return [outputs[place] for place in range(len(requests))]

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()

    def _give_up(self, waiting: dict[Future[Output | None], int]) -> None:
        """No new request; those under way may end."""
        self._stop.set()
        for future in [future for future in waiting if future.cancel()]:
            waiting.pop(future)

    def _ask(self, request: ChatRequest) -> Output | None:
        """An answer, or None where all was stopped before it came."""
        try:
            return self._try(request)
        except NichetuneError:
            self._stop.set()  # at once: this thread would go on with the next request
            raise

    def _try(self, request: ChatRequest) -> Output | None:
        reason, tries = "", 0
        while tries <= self.host.asking.retries and not self._stop.is_set():
            self._pace.wait(self._stop)
            if self._stop.is_set():
                break
            body = self._body(request)
            try:
                response = self._client.post(f"{self.host.url}/chat/completions", json=body)
            except httpx.RequestError as error:
                reason, pause = type(error).__name__, 0.0
            else:
                if response.status_code == httpx.codes.OK:
                    return self._read(response)
                if self._adapts(response, body):
                    continue
                reason, pause = self._judge(response)
            tries += 1
            self._pace.hold(pause)
            if tries <= self.host.asking.retries:
                longest = min(_FIRST_WAIT_S * 2 ** (tries - 1), _LONGEST_WAIT_S)
                self._stop.wait(max(pause, longest * random.uniform(0.5, 1.0)))  # not all at the same moment
        if tries <= self.host.asking.retries:
            return None
        told = f"{reason} in {tries} {'try' if tries == 1 else 'tries'}"
        raise SystemFailure(f"{self.host.place}: {self.host.url}: {told}: {_KEPT}")

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.host.model, "messages": [m.model_dump() for m in request.messages],
            "max_tokens": request.max_new_tokens, "temperature": 0,
        }  # fmt: skip
        if self.host.seed is not None:
            body["seed"] = self.host.seed
        for name in self._unknown & body.keys():
            value = body.pop(name)
            if _OTHERWISE[name]:
                body[_OTHERWISE[name]] = value
        return body

    def _adapts(self, response: httpx.Response, body: dict[str, Any]) -> bool:
        """Whether the host does not know one of the parameters sent, which is then named otherwise or left out."""
        name = _read_error(response).get("param") if response.status_code == httpx.codes.BAD_REQUEST else None
        if name not in _OTHERWISE or name not in body:
            return False
        self._unknown = self._unknown | {name}
        return True

    def _judge(self, response: httpx.Response) -> tuple[str, float]:
        """Why there is no answer and how many seconds the host wants to be left alone.

        Raises:
            UserError: asking again would not help.
        """
        status = response.status_code
        if status in _AGAIN or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return f"HTTP {status}", _read_pause(response)
        where = f"{self.host.place}: {self.host.url} answered HTTP {status}"
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            variable = self.host.asking.key_env
            key = f"the key in {variable} was refused" if variable else "`key_env` names no key, and one is wanted"
            raise UserError(f"{where}: {key}: {_KEPT}")
        if status == httpx.codes.NOT_FOUND:
            raise UserError(f"{where}: check `url` and `model` ({self.host.model})")
        code = str(_read_error(response).get("code") or "")
        raise UserError(f"{where}{f' ({code})' if code.isidentifier() and len(code) <= 60 else ''}: {_KEPT}")

    def _read(self, response: httpx.Response) -> Output:
        try:
            answer = response.json()
            choice, usage = answer["choices"][0], answer.get("usage") or {}
            text, cut = choice["message"]["content"] or "", choice.get("finish_reason") == "length"
            tokens = int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise SystemFailure(
                f"{self.host.place}: {self.host.url} does not answer in the form of OpenAI's chat API: {_KEPT}"
            ) from None
        if not usage and self.host.is_priced:
            raise UserError(f"{self.host.place}: the host counts no tokens (`usage`), and so no price can be told")
        return Output(str(text).strip(), tokens[1], tokens[0], 0, "length" if cut else "end")


@dataclass
class _Pace:
    """Moments at which requests may start: so many a minute, and none while the host wants to be left alone."""

    per_minute: float

    def __post_init__(self) -> None:
        self._lock, self._next = threading.Lock(), 0.0

    def wait(self, stop: threading.Event) -> None:
        """Waits for the next free moment, or until all is stopped."""
        with self._lock:
            moment = max(time.monotonic(), self._next)
            self._next = moment + (60 / self.per_minute if self.per_minute else 0)
        stop.wait(max(0.0, moment - time.monotonic()))

    def hold(self, seconds: float) -> None:
        """Nobody asks for so long."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


def _result(future: Future[Output | None]) -> Output | NichetuneError | None:
    try:
        return future.result()
    except NichetuneError as error:
        return error


def _read_pause(response: httpx.Response) -> float:
    """Seconds of a Retry-After, which is a number or a date (RFC 9110, section 10.2.3); 0 without one."""
    told = response.headers.get("retry-after", "")
    try:
        seconds = float(told) if told.replace(".", "", 1).isdigit() else _seconds_until(told)
    except ValueError:
        return 0.0
    return min(max(0.0, seconds), _LONGEST_WAIT_S)


def _seconds_until(date: str) -> float:
    moment = parsedate_to_datetime(date)
    return moment.timestamp() - time.time()


def _read_error(response: httpx.Response) -> dict[str, Any]:
    """OpenAI's error object; empty where there is none."""
    try:
        found = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}
