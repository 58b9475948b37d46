"""What lives in an execution environment from an INIT to the next reset.

The runtime's process, the extensions' processes, and the three APIs that they speak.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any, Protocol

from lambdalab.clock import LabClock, stopwatch, wall_time
from lambdalab.execution import report
from lambdalab.execution.extension import Failure
from lambdalab.execution.extension_processes import ExtensionProcesses, extension_files
from lambdalab.execution.extensions_api import ExtensionsApi
from lambdalab.execution.journal import Journal
from lambdalab.execution.pipes import OutputPipe
from lambdalab.execution.runtime_api import RuntimeApi
from lambdalab.execution.sandbox import Sandbox, SandboxGoneError
from lambdalab.execution.spec import SNAP_START, Invocation, Outcome
from lambdalab.execution.start import Start
from lambdalab.execution.streaming import LARGEST_RESPONSE
from lambdalab.execution.telemetry_api import LOGS_API, TELEMETRY_API, TelemetryApi
from lambdalab.execution.variables import extension_variables
from lambdalab.wire import BodyReader, Request, Response

__all__ = ["Life", "LifeEvents"]

# What the delivery of buffered telemetry may take of SHUTDOWN, in real seconds.
DELIVERY = 0.1
_EXTENSIONS_API = "/2020-01-01/"


class LifeEvents(Protocol):
    """What an environment hears of the life in it."""

    def init_runtime_done(self) -> None:
        """The runtime has initialized the function; extensions may still be at work."""

    def answered(self, outcome: Outcome) -> None:
        """The runtime has answered an invocation; what it has printed is not read yet."""

    def runtime_done(self, outcome: Outcome) -> None:
        """The runtime has finished an invocation; extensions may still be at work."""

    def phase_over(self, outcome: Outcome | None) -> None:
        """Runtime and extensions wait for the next event; the outcome is the runtime's answer."""

    def phase_failed(self, outcome: Outcome) -> None:
        """A process is gone that should not be."""


class Life:
    """The processes of an environment and what they say."""

    def __init__(
        self,
        start: Start,
        sandbox: Sandbox,
        journal: Journal,
        events: LifeEvents,
        clock: LabClock,
    ) -> None:
        self.initialized = False
        self.pid = 0
        self._start = start
        self._sandbox = sandbox
        self._journal = journal
        self._paths = start.paths
        self._events = events
        self._answer: Outcome | None = None
        self._waits = False
        self.over = False
        self._request_id = ""
        self._pipes: list[OutputPipe] = []
        self._runtime_start: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._runtime_api = RuntimeApi(self, restorable=start.spec.initialization == SNAP_START)
        self._extensions_api = ExtensionsApi(start.spec, self)
        self.extensions = self._extensions_api.extensions
        self._processes = ExtensionProcesses(self._extensions_api, sandbox, self._run_extension)
        self._telemetry = TelemetryApi(
            self, self._known, clock, json_lines=start.spec.log_level is not None
        )
        journal.telemetry = self._telemetry

    # Orders of the environment.

    async def begin(self, request_id: str, opt: Path | None) -> None:
        """INIT: the extensions first, and when they have registered, the runtime."""
        self._request_id = request_id
        if extension_files(opt):
            await self._processes.launch(opt, str(self._start.spec.opt))
        else:
            await self._run_runtime()

    def deliver(self, invocation: Invocation, deadline_ms: int) -> None:
        """Give the runtime, and the extensions that asked for it, the next event."""
        self._request_id, self._answer, self._waits = invocation.request_id, None, False
        self._telemetry.thaw()
        self._extensions_api.invoke(invocation, deadline_ms)
        self._runtime_api.deliver(invocation, deadline_ms)

    def restore(self) -> None:
        """RESTORE: the runtime goes on behind its snapshot, and runs the hooks for that."""
        self._waits = False
        self._telemetry.thaw()
        self._runtime_api.restore()

    def init_over(self) -> None:
        """INIT is over, well or badly: nobody subscribes any more, the log tells of extensions."""
        self._telemetry.close_subscriptions()
        self._journal.extensions(_told(self.extensions))

    def freeze(self) -> None:
        """Nothing runs until the next event."""
        self._telemetry.freeze()

    def drain(self) -> None:
        """Read all that has been written so far."""
        for pipe in self._pipes:
            pipe.drain(to_the_end=True)

    async def shutdown(self, reason: str) -> None:
        """SHUTDOWN: first the runtime ends, then the extensions may finish their work.

        ``reason`` is spindown, timeout or failure.
        """
        self.over = True
        self._telemetry.thaw()
        self._telemetry.flush()
        began, allowance = stopwatch(), self.extensions.allowance
        # Their last events come before the one that says goodbye.
        await self._telemetry.delivered(min(allowance.total, DELIVERY))
        await self._end_runtime(allowance.runtime)
        seconds = max(allowance.total - (stopwatch() - began), 0.0)
        deadline_ms = int((wall_time() + seconds) * 1000)
        await self._processes.shutdown(reason, seconds, deadline_ms)

    async def _end_runtime(self, seconds: float) -> None:
        """Ask the runtime to end, and end it when its time is over."""
        if not self.pid:
            return
        self._sandbox.terminate(self.pid)
        try:
            await asyncio.wait_for(self._gone.wait(), seconds)
        except TimeoutError:
            self._sandbox.kill(self.pid)
            await self._gone.wait()

    def end(self) -> None:
        """Nothing of it is heard any more."""
        self.over = True
        for pipe in self._pipes:
            pipe.close()
        self._telemetry.close()
        self._journal.telemetry = None

    # Requests.

    def handle(self, request: Request) -> Response | asyncio.Future[Response]:
        """Answer a request of the runtime, or of an extension."""
        if request.path.startswith(_EXTENSIONS_API):
            return self._extensions_api.handle(request)
        if request.path.startswith((TELEMETRY_API, LOGS_API)):
            return self._telemetry.handle(request)
        return self._runtime_api.handle(request)

    def stream(self, request: Request) -> BodyReader | None:
        """Who reads the body of a streamed response; None for any other request."""
        return self._runtime_api.stream(request)

    def _known(self, identifier: str) -> str | None:
        extension = self.extensions.identified(identifier)
        return extension.name if extension else None

    # What the runtime tells.

    def runtime_ready(self) -> None:
        """The runtime waits for the next event."""
        self._waits = True
        if self.initialized and self._answer is not None:
            self._events.answered(self._answer)
        self._extensions_api.close_registration()
        self.drain()
        if not self.initialized:
            self._events.init_runtime_done()
        elif self._answer is not None:
            self._events.runtime_done(self._answer)
        self._check()

    def runtime_restorable(self) -> None:
        """The runtime has initialized the function, and waits for what comes after a snapshot."""
        self._waits = True
        self._extensions_api.close_registration()
        self.drain()
        self._events.init_runtime_done()
        self._check()

    def runtime_responded(self, body: bytes) -> None:
        """The runtime sent a result."""
        too_large = len(body) > LARGEST_RESPONSE
        self._answer = report.response_too_large() if too_large else Outcome(body)

    def runtime_failed(self, body: bytes, error_type: str) -> None:
        """The runtime sent an error of the function."""
        self._answer = Outcome(self._paths.on_aws(body), "error", error_type)

    def init_failed(self, body: bytes, error_type: str) -> None:
        """The runtime could not initialize the function; its process ends next."""
        self._answer = Outcome(self._paths.on_aws(body), "init-error", error_type)

    # What the extensions tell.

    def extensions_registered(self) -> None:
        """Every external extension has registered: the runtime starts."""
        self._runtime_start = asyncio.get_running_loop().create_task(self._follow())

    def extensions_ready(self) -> None:
        """Every extension waits for the next event."""
        self.drain()
        self._check()

    def extension_failed(self, failure: Failure) -> None:
        """An extension ended or could not start."""
        self._fail(failure.outcome(self._request_id))

    def telemetry_subscribed(self, name: str, state: str, types: list[str]) -> None:
        """An extension has subscribed to telemetry."""
        self._journal.telemetry_subscribed(name, state, types)

    # The steps.

    async def _run_runtime(self) -> None:
        spec, program = self._start.spec, self._start.program
        pipe = self._pipe(self._journal.function)
        process: dict[str, Any] = {
            "environment": self._start.variables | program.variables,
            "directory": str(spec.task_root),
            "opt": str(spec.opt) if spec.opt else "",
            "handler": spec.handler,
            "program": list(program.command),
            "script": self._start.handover,
        }
        self.pid = await self._run(process, pipe)
        self._sandbox.on_exit(self.pid, self._exited)

    async def _follow(self) -> None:
        """Start the runtime after the extensions: nobody waits for that alone."""
        try:
            await self._run_runtime()
        except SandboxGoneError:
            self._fail(report.exit_error(self._request_id, -signal.SIGKILL))

    async def _run_extension(self, program: str) -> int:
        pipe = self._pipe(self._journal.extension)
        environment = extension_variables(self._start.variables)
        process = {"environment": environment, "directory": "/", "program": [program]}
        return await self._run(process, pipe)

    async def _run(self, process: dict[str, Any], pipe: OutputPipe) -> int:
        try:
            return await self._sandbox.run(process, pipe.inlet)
        finally:
            pipe.close_inlet()

    def _pipe(self, write: Any) -> OutputPipe:
        pipe = OutputPipe(self._paths, write)
        self._pipes.append(pipe)
        return pipe

    def _check(self) -> None:
        """The phase is over when everybody waits for the next event."""
        if not self._waits or not self.extensions.ready or self.over:
            return
        self.initialized = True
        answer, self._answer = self._answer, None
        self._events.phase_over(answer)

    def _exited(self, status: int) -> None:
        """The runtime's process is gone: an error that it has sent explains the exit."""
        self.pid = 0
        self._gone.set()
        # An extension in the runtime's process takes it with it, and has told why.
        told = self._extensions_api.told_error()
        self._fail(self._answer or report.exit_error(self._request_id, status, told))

    def _fail(self, outcome: Outcome) -> None:
        if not self.over:
            self.over = True
            self.drain()
            self._events.phase_failed(outcome)


def _told(extensions: Any) -> list[dict[str, Any]]:
    return [event.record for event in extensions.told(0.0)]
