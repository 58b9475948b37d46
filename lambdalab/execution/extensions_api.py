"""The Extensions API of one execution environment, version 2020-01-01.

An invocation is answered as soon as the runtime has answered, but the phase, and with it Duration
and what is billed, ends when the runtime and every extension have asked for the next event.
Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

from __future__ import annotations

import asyncio
import json
from typing import Protocol

from lambdalab.execution.extension import (
    INVOKE,
    SHUTDOWN,
    TOLD,
    Extension,
    Failure,
    Step,
    crashed,
    unlaunched,
)
from lambdalab.execution.extension_requests import (
    JSON,
    Refused,
    check_events,
    events_of,
    identifier_of,
    name_of,
    refusal,
    state_refusal,
)
from lambdalab.execution.extensions import MOST, Extensions
from lambdalab.execution.spec import Invocation, RuntimeSpec
from lambdalab.wire import Request, Response

__all__ = ["ExtensionEvents", "ExtensionsApi"]

_PREFIX = "/2020-01-01/extension/"
_ACCEPTED = Response(202, b'{"status":"OK"}\n', (JSON,))
_ERRORS = {"init/error": Step.INIT_ERROR, "exit/error": Step.EXIT_ERROR}
_TRACE = "X-Amzn-Trace-Id"

Answer = Response | asyncio.Future[Response]


class ExtensionEvents(Protocol):
    """What an execution environment hears from its extensions."""

    def extensions_registered(self) -> None:
        """Every external extension has registered: the runtime may start."""

    def extensions_ready(self) -> None:
        """Every extension waits for the next event: INIT, or an invocation, is over for them."""

    def extension_failed(self, failure: Failure) -> None:
        """An extension ended or could not start: the phase fails; told once in a lifetime."""


class ExtensionsApi:
    """Answers the extensions of one environment; holds their requests until there is an event."""

    def __init__(self, spec: RuntimeSpec, events: ExtensionEvents) -> None:
        self.extensions = Extensions()
        self._spec = spec
        self._events = events
        self._closed = False
        self._failed = False
        self._goodbye: dict[str, object] | None = None
        self._calls = {
            ("POST", "register"): self._register,
            ("GET", "event/next"): self._next,
            ("POST", "init/error"): self._error,
            ("POST", "exit/error"): self._error,
        }

    # Orders of the environment.

    def expect(self, count: int) -> None:
        """So many external extensions are to be launched; the runtime waits for them all."""
        self.extensions.expect(count)

    def launching(self, name: str) -> bool:
        """An external extension is about to be launched; False where it is one too many."""
        extension = self.extensions.add(name, external=True)
        if len(self.extensions) <= MOST:
            return True
        self._fail(unlaunched(extension, None))
        return False

    def launch_failed(self, name: str, error: OSError) -> None:
        """An extension could not be launched."""
        extension = self.extensions.named(name)
        if extension is not None:
            self._fail(unlaunched(extension, error))

    def close_registration(self) -> None:
        """The runtime has asked for its first event: nobody can register any more."""
        self._closed = True

    def invoke(self, invocation: Invocation, deadline_ms: int) -> None:
        """Tell those who registered for INVOKE; the deadline is real epoch time."""
        event: dict[str, object] = {
            "eventType": INVOKE,
            "deadlineMs": deadline_ms,
            "requestId": invocation.request_id,
            "invokedFunctionArn": invocation.arn,
            "tracing": {"type": _TRACE, "value": invocation.trace_id},
        }
        for extension in self._subscribed(INVOKE):
            extension.give(event)

    def shutdown(self, reason: str, deadline_ms: int) -> set[str]:
        """Tell the external ones who registered for SHUTDOWN; gives their names, the others die.

        ``reason`` is spindown, timeout or failure. One that is busy hears of it when it asks next.
        """
        self._goodbye = {
            "eventType": SHUTDOWN,
            "shutdownReason": reason,
            "deadlineMs": deadline_ms,
        }
        told = self._subscribed(SHUTDOWN)
        for extension in told:
            extension.give(self._goodbye)
        return {extension.name for extension in told}

    def exited(self, name: str, status: int) -> None:
        """The process of an external extension ended; a negative status is a signal's number."""
        extension = self.extensions.named(name)
        if extension is None:
            return
        if self._goodbye is None:
            self._fail(crashed(extension, status))
        else:
            extension.ended(status)

    def told_error(self) -> str | None:
        """Extension.InitError or Extension.ExitError, if an extension has told one.

        It outranks the exit of the runtime, which an internal extension takes with it.
        """
        return next((TOLD[one.state] for one in self.extensions if one.state in TOLD), None)

    # Requests of the extensions.

    def handle(self, request: Request) -> Answer:
        """Answer a request of an extension."""
        call = request.path.removeprefix(_PREFIX) if request.path.startswith(_PREFIX) else ""
        answer = self._calls.get((request.method, call))
        if answer is None:
            return refusal(404, "InvalidPath", "No such resource of the Extensions API.")
        try:
            return answer(request, call)
        except Refused as refused:
            return refused.response

    def _register(self, request: Request, _: str) -> Answer:
        name = name_of(request)
        events = events_of(request.body)
        known = self.extensions.named(name)
        extension = self._internal(name, events) if known is None or not known.external else known
        check_events(events, external=extension.external)
        self._step(extension, Step.REGISTER, name)
        extension.events = events
        if extension.external and self.extensions.registered:
            self._events.extensions_registered()
        return self._welcome(extension, request)

    def _internal(self, name: str, events: tuple[str, ...]) -> Extension:
        """A new internal extension, if there may be one."""
        check_events(events, external=False)
        if self._closed:
            raise Refused("closed")
        if len(self.extensions) >= MOST:
            raise Refused("too-many", limit=MOST)
        if self.extensions.named(name) is not None:
            raise Refused("name-taken")
        return self.extensions.add(name, external=False)

    def _welcome(self, extension: Extension, request: Request) -> Response:
        spec = self._spec
        body = {
            "functionName": spec.name,
            "functionVersion": spec.version,
            "handler": spec.handler,
        }
        wanted = request.headers.get("lambda-extension-accept-feature", "").split(",")
        if "accountId" in (feature.strip() for feature in wanted):
            body["accountId"] = spec.account
        identifier = ("Lambda-Extension-Identifier", extension.identifier)
        return Response(200, json.dumps(body).encode(), (JSON, identifier))

    def _next(self, request: Request, _: str) -> Answer:
        identifier = identifier_of(request)
        extension = self.extensions.identified(identifier)
        if extension is None:
            raise Refused("unknown", identifier=identifier)
        self._step(extension, Step.NEXT, identifier)
        waiting = extension.wait()
        if self._goodbye is not None and extension in self._subscribed(SHUTDOWN):
            extension.give(self._goodbye)
        elif self.extensions.ready:
            self._events.extensions_ready()
        return waiting

    def _error(self, request: Request, call: str) -> Answer:
        identifier = identifier_of(request)
        error_type = request.headers.get("lambda-extension-function-error-type", "")
        if not error_type:
            raise Refused("no-error-type")
        extension = self.extensions.identified(identifier)
        if extension is None:
            raise Refused("unknown-in-error")
        self._step(extension, _ERRORS[call], identifier, error_type)
        extension.refuse(state_refusal(extension, Step.NEXT, identifier).response)
        # The phase fails when the process ends, for how it ends is part of what AWS tells.
        return _ACCEPTED

    # The steps.

    def _subscribed(self, event: str) -> list[Extension]:
        return [extension for extension in self.extensions if event in extension.events]

    def _step(
        self, extension: Extension, step: Step, called: str, error_type: str | None = None
    ) -> None:
        if not extension.step(step, error_type):
            raise state_refusal(extension, step, called)

    def _fail(self, failure: Failure) -> None:
        """Tell of the first failure; those that follow follow from it."""
        if not self._failed:
            self._failed = True
            self._events.extension_failed(failure)
