"""The Runtime API of one execution environment, version 2018-06-01.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import asyncio
import json
from typing import Protocol

from lambdalab import facts
from lambdalab.execution.spec import Invocation
from lambdalab.wire import Request, Response

__all__ = ["RuntimeApi", "RuntimeEvents"]

_PREFIX = "/2018-06-01/runtime/"
_INVOCATION = "invocation/"
LARGEST_RESPONSE = facts.quota("payload.synchronous-response").bytes
_ACCEPTED = Response(202, b'{"status":"OK"}\n', (("Content-Type", "application/json"),))


class RuntimeEvents(Protocol):
    """What an execution environment hears from its runtime."""

    def runtime_ready(self) -> None:
        """The runtime asks for the next invocation: INIT, or the one before, is over."""

    def runtime_responded(self, body: bytes) -> None:
        """The runtime sent a result."""

    def runtime_failed(self, body: bytes) -> None:
        """The runtime sent an error of the function."""

    def init_failed(self, body: bytes, error_type: str) -> None:
        """The runtime could not initialize the function."""


class RuntimeApi:
    """Answers one runtime; holds its request for the next invocation until there is one."""

    def __init__(self, events: RuntimeEvents) -> None:
        self._events = events
        self._waiting: asyncio.Future[Response] | None = None
        self._current: str | None = None
        self._event: Response | None = None
        self._initialized = False

    def deliver(self, invocation: Invocation, deadline_ms: int) -> None:
        """Give the waiting runtime its next invocation; the deadline is real epoch time."""
        assert self._waiting is not None
        self._current = invocation.request_id
        waiting, self._waiting = self._waiting, None
        self._event = _next(invocation, deadline_ms)
        waiting.set_result(self._event)

    def handle(self, request: Request) -> Response | asyncio.Future[Response]:
        """Answer a request of the runtime."""
        if not request.path.startswith(_PREFIX):
            return _error(404, "InvalidPath", "No such resource of the Runtime API.")
        call = request.path[len(_PREFIX) :]
        if call == "invocation/next" and request.method == "GET":
            return self._next()
        if call == "init/error" and request.method == "POST":
            if self._initialized:
                return _error(403, "InvalidStateTransition", "State transition is not allowed")
            self._events.init_failed(request.body, _error_type(request))
            return _ACCEPTED
        if call.startswith(_INVOCATION) and request.method == "POST":
            request_id, _, verb = call[len(_INVOCATION) :].partition("/")
            return self._finished(request_id, verb, request.body)
        return _error(404, "InvalidPath", "No such resource of the Runtime API.")

    def _next(self) -> Response | asyncio.Future[Response]:
        if self._current is not None and self._event is not None:
            return self._event  # an event that has no answer yet is given again
        self._initialized = True
        self._waiting = asyncio.get_running_loop().create_future()
        self._events.runtime_ready()
        return self._waiting

    def _finished(self, request_id: str, verb: str, body: bytes) -> Response:
        if request_id != self._current:
            return _error(400, "InvalidRequestID", "Invalid request ID")
        accepted = _ACCEPTED
        if verb == "response":
            self._events.runtime_responded(body)
            if len(body) > LARGEST_RESPONSE:
                accepted = _error(413, "RequestEntityTooLarge", "The response is too large.")
        elif verb == "error":
            self._events.runtime_failed(body)
        else:
            return _error(404, "InvalidPath", "No such resource of the Runtime API.")
        # An invocation is answered once: a second answer names an invalid request id.
        self._current = None
        return accepted


def _next(invocation: Invocation, deadline_ms: int) -> Response:
    headers = [
        ("Content-Type", "application/json"),
        ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(deadline_ms)),
        ("Lambda-Runtime-Invoked-Function-Arn", invocation.arn),
        ("Lambda-Runtime-Trace-Id", invocation.trace_id),
    ]
    if invocation.client_context is not None:
        headers.append(("Lambda-Runtime-Client-Context", invocation.client_context))
    return Response(200, invocation.event, tuple(headers))


def _error_type(request: Request) -> str:
    """What the runtime calls its error; any other form than Category.Reason is unknown."""
    given = request.headers.get("lambda-runtime-function-error-type", "")
    return given if given.startswith(("Runtime.", "Function.")) else "Runtime.Unknown"


def _error(status: int, kind: str, message: str) -> Response:
    body = json.dumps({"errorMessage": message, "errorType": kind}).encode()
    return Response(status, body, (("Content-Type", "application/json"),))
