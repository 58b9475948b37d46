"""One extension of an execution environment: its states, and what it may do in each.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html; the states and
their names are those of https://github.com/aws/aws-lambda-runtime-interface-emulator.
"""

from __future__ import annotations

import asyncio
import json
import signal
from enum import StrEnum
from typing import NamedTuple
from uuid import uuid4

from lambdalab import facts
from lambdalab.execution.spec import Outcome
from lambdalab.wire import Response

__all__ = [
    "INVOKE",
    "SHUTDOWN",
    "TOLD",
    "Extension",
    "Failure",
    "State",
    "Step",
    "crashed",
    "unlaunched",
]

INVOKE, SHUTDOWN = "INVOKE", "SHUTDOWN"
_PLATFORM_ERROR = facts.message("function-error")


class State(StrEnum):
    """What an extension is at, by the names that AWS's log lines and answers use."""

    STARTED = "Started"
    REGISTERED = "Registered"
    READY = "Ready"
    RUNNING = "Running"
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"
    SHUTDOWN_FAILED = "ShutdownFailed"
    EXITED = "Exited"
    LAUNCH_ERROR = "LaunchError"


class Step(StrEnum):
    """What moves an extension from state to state; the values are the states that it asks for."""

    REGISTER = "Registered"
    NEXT = "Ready"
    EVENT = "Running"
    INIT_ERROR = "InitError"
    # AWS names this state where it refuses the call, and ExitError where it lists extensions.
    EXIT_ERROR = "Exited"
    LAUNCH_ERROR = "LaunchError"


_ALLOWED: dict[Step, dict[State, State]] = {
    Step.REGISTER: {State.STARTED: State.REGISTERED},
    Step.NEXT: {State.REGISTERED: State.READY, State.RUNNING: State.READY},
    Step.EVENT: {State.READY: State.RUNNING},
    # An error may be told again; the first one stays.
    Step.INIT_ERROR: dict.fromkeys((State.REGISTERED, State.INIT_ERROR), State.INIT_ERROR),
    Step.EXIT_ERROR: dict.fromkeys(
        (State.REGISTERED, State.READY, State.RUNNING, State.EXIT_ERROR), State.EXIT_ERROR
    ),
    Step.LAUNCH_ERROR: {State.STARTED: State.LAUNCH_ERROR},
}
# What an extension told of itself before it ended; else it crashed.
TOLD = {State.INIT_ERROR: "Extension.InitError", State.EXIT_ERROR: "Extension.ExitError"}


class Extension:
    """An extension: external ones are processes of their own, internal ones part of the runtime.

    ``events`` are those it registered for, in its own order. ``error_type`` is what it called its
    error, or why it could not be launched; None while all is well.
    """

    def __init__(self, name: str, *, external: bool) -> None:
        self.name = name
        self.external = external
        self.identifier = str(uuid4())
        self.state = State.STARTED
        self.events: tuple[str, ...] = ()
        self.error_type: str | None = None
        self._waiting: asyncio.Future[Response] | None = None

    def step(self, step: Step, error_type: str | None = None) -> bool:
        """Take a step; False, and nothing changes, where its state does not allow it."""
        state = _ALLOWED[step].get(self.state)
        if state is None:
            return False
        self.state = state
        self.error_type = self.error_type or error_type
        return True

    def wait(self) -> asyncio.Future[Response]:
        """The answer to its request for the next event, once there is one."""
        self._waiting = asyncio.get_running_loop().create_future()
        return self._waiting

    def give(self, event: dict[str, object]) -> None:
        """Answer its waiting request with an event."""
        if self.step(Step.EVENT):
            self._answer(_rendered(event))

    def refuse(self, refusal: Response) -> None:
        """Answer its waiting request, if there is one, with a refusal."""
        self._answer(refusal)

    def ended(self, status: int) -> None:
        """Its process ended after it was told to; ``status`` as of ``Failure``."""
        if self.state is State.RUNNING:
            self.state = State.EXITED if status == 0 else State.SHUTDOWN_FAILED

    def _answer(self, response: Response) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(response)


class Failure(NamedTuple):
    """An extension that ended, or never started: what the phase under way fails with."""

    name: str
    error_type: str
    reason: str

    def outcome(self, request_id: str) -> Outcome:
        """What the caller of the invocation under way, or waiting for INIT, sees."""
        text = _PLATFORM_ERROR.format(request_id=request_id, reason=self.reason)
        error = {"errorType": self.error_type, "errorMessage": text}
        status = "init-error" if self.error_type == "Extension.InitError" else "crash"
        body = json.dumps(error, separators=(",", ":")).encode()
        return Outcome(body, status, self.error_type)


def crashed(extension: Extension, status: int) -> Failure:
    """The failure of an extension whose process ended; a negative status is a signal's number.

    To end with status 0 is a failure too: extensions live as long as their environment.
    """
    reason = facts.message("extension-failure.exit").text
    if status < 0:
        reason = facts.message("extension-failure.exit-signal").format(signal=_signal(-status))
    elif status > 0:
        reason = facts.message("extension-failure.exit-status").format(exit_status=status)
    return Failure(extension.name, TOLD.get(extension.state, "Extension.Crash"), reason)


def unlaunched(extension: Extension, error: OSError | None) -> Failure:
    """The failure of an extension that did not start: ``error``, or None for one too many."""
    if error is None:
        reason = facts.message("extension-failure.launch-too-many").text
        kind = "TooManyExtensions"
    else:
        message = facts.message("extension-failure.launch")
        told = (error.strerror or str(error)).lower()
        reason = message.format(name=extension.name, reason=told)
        kind = "PermissionDenied" if isinstance(error, PermissionError) else "UnknownError"
    extension.step(Step.LAUNCH_ERROR, kind)
    return Failure(extension.name, "Extension.LaunchError", reason)


def _rendered(event: dict[str, object]) -> Response:
    headers = (
        ("Content-Type", "application/json"),
        ("Lambda-Extension-Event-Identifier", str(uuid4())),
    )
    return Response(200, json.dumps(event, separators=(",", ":")).encode(), headers)


def _signal(number: int) -> str:
    if number == signal.SIGKILL:
        return "killed"
    return (signal.strsignal(number) or f"signal {number}").lower()
