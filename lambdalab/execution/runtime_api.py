"""The Runtime API of one execution environment, version 2018-06-01.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Protocol

from lambdalab import facts
from lambdalab.execution import streaming
from lambdalab.execution.spec import Invocation
from lambdalab.execution.streaming import LARGEST_RESPONSE, StreamedAnswer
from lambdalab.wire import BodyReader, Prompt, Request, Response

__all__ = ["RuntimeApi", "RuntimeEvents"]

_PREFIX = "/2018-06-01/runtime/"
_INVOCATION = "invocation/"
# A runtime whose answer came too late may be about to end, though it has asked for the next event
# in the same breath. For so long, in real seconds, nobody relies on it.
DOUBT = 0.05
_MODE = "lambda-runtime-function-response-mode"
_ATTEMPT = "lambda-runtime-invocation-id"
_ACCEPTED = Response(202, b'{"status":"OK"}\n', (("Content-Type", "application/json"),))
_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


class RuntimeEvents(Protocol):
    """What an execution environment hears from its runtime."""

    def runtime_ready(self) -> None:
        """The runtime asks for the next invocation: INIT, or the one before, is over."""

    def runtime_responded(self, body: bytes) -> None:
        """The runtime sent a result; an empty one where the caller has it part by part."""

    def runtime_failed(self, body: bytes, error_type: str) -> None:
        """The runtime sent an error of the function."""

    def init_failed(self, body: bytes, error_type: str) -> None:
        """The runtime could not initialize the function, or a hook after a restore failed."""

    def runtime_restorable(self) -> None:
        """The runtime is ready for a snapshot, and asks for what comes after it."""


class RuntimeApi:
    """Answers one runtime; holds its request for the next invocation until there is one.

    ``restorable``: SnapStart is on, so the runtime asks once when it may go on after a snapshot.
    """

    def __init__(self, events: RuntimeEvents, *, restorable: bool = False) -> None:
        self._events = events
        self._restorable = restorable
        self._snapshot: asyncio.Future[Response] | None = None
        self._waiting: asyncio.Future[Response] | None = None
        self._current: Invocation | None = None
        self._event: Response | None = None
        self._initialized = False
        self._refused = False
        self._streams = False

    def deliver(self, invocation: Invocation, deadline_ms: int) -> None:
        """Give the waiting runtime its next invocation; the deadline is real epoch time."""
        assert self._waiting is not None
        self._current = invocation
        waiting, self._waiting = self._waiting, None
        self._event = _next(invocation, deadline_ms)
        waiting.set_result(self._event)

    def restore(self) -> None:
        """Let the runtime go on after the snapshot; it is ready when it asks for an invocation."""
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None:
            snapshot.set_result(Response(200, b""))
        else:  # it does not know of snapshots
            self._events.runtime_ready()

    def handle(self, request: Request) -> Response | asyncio.Future[Response]:
        """Answer a request of the runtime."""
        if not request.path.startswith(_PREFIX):
            return _error("no-such-path")
        call = request.path[len(_PREFIX) :]
        if request.method == "GET":
            if call == "invocation/next":
                return self._next()
            return self._restore_next() if call == "restore/next" else _error("no-such-path")
        if request.method != "POST":
            return _error("no-such-path")
        if call.startswith(_INVOCATION):
            request_id, _, verb = call[len(_INVOCATION) :].partition("/")
            return self._finished(request_id, verb, request)
        if call == "init/error":
            return self._init_failed(request)
        return self._restore_failed(request) if call == "restore/error" else _error("no-such-path")

    def stream(self, request: Request) -> BodyReader | None:
        """Who reads the body of a request as it comes; None where it is read as a whole."""
        if request.headers.get(_MODE, "").lower() != "streaming":
            return None
        request_id, _, verb = request.path[len(_PREFIX) + len(_INVOCATION) :].partition("/")
        if not request.path.startswith(_PREFIX + _INVOCATION) or verb != "response":
            return None
        refusal = self._mismatch(request_id, request)
        if refusal is not None:
            return _Unread(refusal)
        assert self._current is not None
        content_type = request.headers.get("content-type", "")
        answer = StreamedAnswer(self._current.sink, content_type)
        # An invocation is answered once, and this is the answer.
        self._current, self._streams = None, True
        return _StreamReader(answer, self._events, self._streamed)

    def _next(self) -> Response | asyncio.Future[Response]:
        if self._current is not None and self._event is not None:
            return self._event  # an event that has no answer yet is given again
        self._initialized = True
        loop = asyncio.get_running_loop()
        self._waiting = Prompt(loop=loop)
        if self._refused:
            self._refused = False
            loop.call_later(DOUBT, self._events.runtime_ready)
        elif not self._streams:  # else it is ready when its answer is over
            self._events.runtime_ready()
        return self._waiting

    def _streamed(self) -> None:
        """A streamed answer is over; the runtime may wait already for what comes next."""
        self._streams = False
        if self._waiting is not None:
            self._events.runtime_ready()

    def _restore_next(self) -> Response | asyncio.Future[Response]:
        if not self._restorable:
            return _error("no-snapstart")
        if self._initialized or self._snapshot is not None:
            return _error("state")
        self._snapshot = asyncio.get_running_loop().create_future()
        self._events.runtime_restorable()
        return self._snapshot

    def _restore_failed(self, request: Request) -> Response:
        if not self._restorable:
            return _error("no-snapstart")
        if self._initialized or self._snapshot is not None:
            return _error("state")
        self._events.init_failed(request.body, _error_type(request, "Runtime.Unknown"))
        return _ACCEPTED

    def _init_failed(self, request: Request) -> Response:
        if self._initialized:
            return _error("state")
        self._events.init_failed(request.body, _error_type(request, "Runtime.Unknown"))
        return _ACCEPTED

    def _finished(self, request_id: str, verb: str, request: Request) -> Response:
        refusal = self._mismatch(request_id, request)
        if refusal is not None:
            return refusal
        accepted = _ACCEPTED
        if verb == "response":
            accepted = self._responded(request)
        elif verb == "error":
            error_type = _error_type(request, "Function.Unknown")
            self._events.runtime_failed(request.body, error_type)
        else:
            return _error("no-such-path")
        # An invocation is answered once: a second answer names an invalid request id.
        self._current = None
        return accepted

    def _responded(self, request: Request) -> Response:
        mode = request.headers.get(_MODE)
        if mode is not None and mode.lower() not in ("streaming", "buffered"):
            self._events.runtime_failed(*streaming.broken("invalid-mode"))
            return _error("invalid-mode")
        self._events.runtime_responded(request.body)
        if len(request.body) > LARGEST_RESPONSE:
            return _error("too-large", limit=LARGEST_RESPONSE)
        return _ACCEPTED

    def _mismatch(self, request_id: str, request: Request) -> Response | None:
        """The refusal of an answer to another invocation, or to another attempt at this one."""
        current = self._current
        if current is None or request_id != current.request_id:
            self._refused = current is None
            return _error("invalid-request-id")
        attempt = request.headers.get(_ATTEMPT)
        if attempt is not None and attempt != current.invocation_id:
            return _error("invalid-invocation-id")
        return None


class _Unread:
    """Reads a body that nobody wants, and answers with a refusal."""

    def __init__(self, refusal: Response) -> None:
        self._refusal = refusal

    def data(self, part: bytes) -> None:
        """Drop it."""

    def end(self, trailers: dict[str, str]) -> Response:  # noqa: ARG002 - as of every reader
        """Refuse."""
        return self._refusal

    def lost(self) -> None:
        """Nothing is lost."""


class _StreamReader:
    """Reads a streamed response, and tells the environment how it ended."""

    def __init__(
        self, answer: StreamedAnswer, events: RuntimeEvents, over: Callable[[], None]
    ) -> None:
        self._answer = answer
        self._events = events
        self._over = over

    def data(self, part: bytes) -> None:
        """Hand the next part on."""
        self._answer.add(part)

    def end(self, trailers: dict[str, str]) -> Response:
        """The response is complete, or its trailers tell an error."""
        response = self._end(trailers)
        self._over()
        return response

    def _end(self, trailers: dict[str, str]) -> Response:
        if self._answer.too_large:
            self._events.runtime_failed(*streaming.too_large(self._answer.limit))
            return _error("too-large", limit=self._answer.limit)
        error = streaming.error_of(trailers)
        if error is not None:
            body, error_type = error
            self._events.runtime_failed(body, _known(error_type, "Function.Unknown"))
        else:
            self._events.runtime_responded(self._answer.body)
        return _ACCEPTED

    def lost(self) -> None:
        """The runtime broke off."""
        self._events.runtime_failed(*streaming.broken("truncated"))
        self._over()


def _next(invocation: Invocation, deadline_ms: int) -> Response:
    headers = [
        ("Content-Type", "application/json"),
        ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(deadline_ms)),
        ("Lambda-Runtime-Invoked-Function-Arn", invocation.arn),
        ("Lambda-Runtime-Trace-Id", invocation.trace_id),
        ("Lambda-Runtime-Invocation-Id", invocation.invocation_id),
    ]
    for name, value in (
        ("Lambda-Runtime-Client-Context", invocation.client_context),
        ("Lambda-Runtime-Cognito-Identity", invocation.cognito_identity),
        ("Lambda-Runtime-Aws-Tenant-Id", invocation.tenant_id),
    ):
        if value is not None:
            headers.append((name, value))
    return Response(200, invocation.event, tuple(headers))


def _error_type(request: Request, unknown: str) -> str:
    return _known(request.headers.get(streaming.ERROR_TYPE, ""), unknown)


def _known(error_type: str, unknown: str) -> str:
    """What the runtime calls its error; any other form than Category.Reason is unknown."""
    return error_type if _ERROR_TYPE.search(error_type) else unknown


@cache
def _error(name: str, **fields: object) -> Response:
    """The refusal that stands in ``facts`` under that name."""
    message = facts.message(f"runtime-api.{name}")
    told = {"errorMessage": message.format(**fields), "errorType": message.code}
    body = json.dumps(told).encode()
    return Response(message.status or 400, body, (("Content-Type", "application/json"),))
