"""One execution environment: a process, its Runtime API, its phases.

INIT starts with the process and ends when the runtime asks for its first event. Between
invocations the environment is frozen: its processes are stopped and use no CPU at all.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
from collections.abc import Callable
from typing import NamedTuple

from lambdalab import facts
from lambdalab.clock import LabClock, stopwatch, wall_time
from lambdalab.execution import report
from lambdalab.execution.cpu import CpuShare
from lambdalab.execution.logbook import LogBook, LogStream
from lambdalab.execution.memory import MB, MemoryReader, MemoryWatch
from lambdalab.execution.output import LogEvents
from lambdalab.execution.paths import Paths
from lambdalab.execution.runtime_api import RuntimeApi
from lambdalab.execution.spec import Invocation, Outcome, RuntimeSpec
from lambdalab.execution.variables import environment_variables
from lambdalab.execution.zygote_client import ZygoteClient, signal_group
from lambdalab.wire import LOOPBACK, Listener, listen

__all__ = ["Environment", "Machinery"]

# An invocation longer than this has its peak read from the kernel, not only its present memory.
LONG = 0.005
# How long an environment stays awake after an invocation, in real seconds.
FREEZE_AFTER = 0.002
# One turn reads at least what a pipe holds, so nothing written before an answer comes after it.
READ = 1 << 16
READS = 16
LARGEST_RESPONSE = facts.quota("payload.synchronous-response").bytes
LONGEST_INIT = facts.quota("init.maximum").value


class Machinery(NamedTuple):
    """What all environments of a cloud share."""

    clock: LabClock
    logbook: LogBook
    watch: MemoryWatch
    zygote: ZygoteClient
    cpu: bool


class Environment:
    """An execution environment of one version of one function.

    ``name`` is how the timeline calls it, ``stream`` where its log goes.
    """

    def __init__(
        self,
        spec: RuntimeSpec,
        name: str,
        stream: LogStream,
        *,
        machinery: Machinery,
        on_end: Callable[[Environment, str], None],
        log: list[str],
    ) -> None:
        self.spec = spec
        self.name = name
        self.stream = stream
        self.ended = False
        self._on_end = on_end
        self._clock, self._logbook, self._watch, self._zygote, _ = machinery
        self._hold_cpu = machinery.cpu
        self._api = RuntimeApi(self)
        self._paths = Paths(spec.task_root, self._zygote.runtime_directory, spec.runtime, spec.opt)
        self._events = LogEvents(self._paths)
        self._phase: asyncio.Future[Outcome | None] | None = None
        self._answer: Outcome | None = None
        self._request_id = ""
        self._log = log
        self._peak = 0
        self._pid = 0
        self._listener: Listener | None = None
        self._memory: MemoryReader | None = None
        self._cpu: CpuShare | None = None
        self._freezing: asyncio.TimerHandle | None = None
        self._frozen = False
        self._output = -1

    # The phases.

    async def initialize(self, request_id: str, phase: str = "init") -> Outcome | None:
        """Run INIT; None when the function is ready, else what went wrong.

        ``request_id`` is the invocation that waits: platform errors name it. ``phase`` is
        ``invoke`` when INIT runs again inside an invocation, after it failed at first.
        """
        self._request_id = request_id
        self._phase = asyncio.get_running_loop().create_future()
        if phase == "init":
            self.write([report.init_start(self.spec)])
        began = stopwatch()
        await self._start_process()
        limit = self.spec.timeout if phase == "invoke" else LONGEST_INIT
        timer = asyncio.get_running_loop().call_later(limit, self._out_of_time, limit)
        failure = await self._run_phase(timer)
        if failure is not None:
            self.write([report.init_report(stopwatch() - began, phase, failure)])
        return failure

    async def run(self, invocation: Invocation) -> Outcome:
        """Run one invocation; afterwards the environment is frozen, or has ended."""
        loop = asyncio.get_running_loop()
        self._phase = loop.create_future()
        self._request_id = invocation.request_id
        self._answer = None
        self.write([report.start(invocation.request_id, self.spec.version)])
        started, began = self._clock.now(), stopwatch()
        self._thaw()
        self._api.deliver(invocation, int((wall_time() + self.spec.timeout) * 1000))
        timer = loop.call_later(self.spec.timeout, self._out_of_time, self.spec.timeout)
        outcome = await self._run_phase(timer)
        assert outcome is not None
        outcome.began, outcome.duration = started, stopwatch() - began
        self._measure(outcome)
        return outcome

    def report(self, outcome: Outcome) -> None:
        """Write the lines that end an invocation, and hand its log over to the outcome."""
        self.write(
            [
                report.end(self._request_id),
                report.report(self._request_id, outcome, self.spec.memory),
            ]
        )
        outcome.log = self._log.copy()
        self._log.clear()

    def report_failed_init(self, outcome: Outcome, duration: float) -> None:
        """Write the lines of an invocation that never reached the handler; seconds it took."""
        outcome.began, outcome.duration = self._clock.now() - duration, duration
        self._measure(outcome)
        self.write([report.start(self._request_id, self.spec.version)])
        self.report(outcome)

    def end(self, reason: str) -> None:
        """End the environment and all its processes; harmless when it has ended."""
        if self.ended:
            return
        self.ended = True
        self._drain(to_the_end=True)
        self._watch.discard(self)
        if self._pid:
            self._zygote.kill(self._pid)
        if self._listener is not None:
            self._listener.close()
        if self._memory is not None:
            self._memory.close()
        if self._cpu is not None:
            self._cpu.end()
        if self._freezing is not None:
            self._freezing.cancel()
        self._close_output()
        # Ended from outside while it ran: nothing more will come from it.
        self._conclude(report.exit_error(self._request_id, -signal.SIGKILL))
        self._on_end(self, reason)

    def write(self, lines: list[str]) -> None:
        """Write lines into the environment's log."""
        self._log += lines
        self._logbook.add(self.stream, self._clock.now(), lines)

    def memory_room(self) -> float:
        """MB left under the function's memory size; an environment without room is ended."""
        assert self._memory is not None
        used = self._memory.tree() / MB
        self._peak = max(self._peak, math.ceil(used))
        room = self.spec.memory - used
        if room <= 0 and self._phase is not None and not self._phase.done():
            self._conclude(report.out_of_memory(self._request_id))
            self.end("out of memory")
        return room

    # What the runtime tells.

    def runtime_ready(self) -> None:
        """The runtime waits for the next event: the phase is over, and the processes stop."""
        if self._phase is None or self._phase.done():
            return
        self._drain(to_the_end=True)
        self._let_freeze()
        self._phase.set_result(self._answer)

    def runtime_responded(self, body: bytes) -> None:
        """The runtime sent a result."""
        too_large = len(body) > LARGEST_RESPONSE
        self._answer = report.response_too_large() if too_large else Outcome(body)

    def runtime_failed(self, body: bytes) -> None:
        """The runtime sent an error of the function."""
        self._answer = Outcome(self._paths.on_aws(body), "error", "Function.Unknown")

    def init_failed(self, body: bytes, error_type: str) -> None:
        """The runtime could not initialize the function; its process ends next."""
        self._answer = Outcome(self._paths.on_aws(body), "init-error", error_type)

    # The steps.

    async def _start_process(self) -> None:
        self._listener = await listen(self._api.handle)
        self._output, write_end = os.pipe()
        os.set_blocking(self._output, False)
        address = f"{LOOPBACK}:{self._listener.port}"
        request = {
            "environment": environment_variables(self.spec, address, self.stream.stream),
            "directory": str(self.spec.task_root),
            "opt": str(self.spec.opt) if self.spec.opt else "",
            "handler": self.spec.handler,
        }
        try:
            self._pid = await self._zygote.spawn(request, write_end)
        finally:
            os.close(write_end)
        if self.ended:  # while its process was being made
            self._zygote.discard(self._pid)
            return
        asyncio.get_running_loop().add_reader(self._output, self._drain)
        self._memory = MemoryReader(self._pid)
        self._peak = math.ceil(self._memory.own() / MB)
        if self._hold_cpu:
            self._cpu = CpuShare(self._pid, self.spec.memory)
        self._zygote.on_exit(self._pid, self._exited)

    async def _run_phase(self, timer: asyncio.TimerHandle) -> Outcome | None:
        """Wait until the phase is over; the clock runs at real speed meanwhile."""
        assert self._phase is not None
        self._watch.add(self)
        self._clock.begin_work()
        try:
            return await self._phase
        finally:
            timer.cancel()
            self._clock.end_work()
            self._watch.discard(self)

    def _conclude(self, outcome: Outcome) -> None:
        if self._phase is not None and not self._phase.done():
            self._phase.set_result(outcome)

    def _out_of_time(self, limit: int) -> None:
        self._conclude(report.timed_out(self._request_id, limit))
        self.end("timeout")

    def _exited(self, status: int) -> None:
        """The process is gone: by itself in a phase, or because it was ended."""
        self._pid = 0
        self._drain(to_the_end=True)
        # An error that the runtime has sent explains the exit that follows it.
        self._conclude(self._answer or report.exit_error(self._request_id, status))
        self.end("its process exited")

    def _let_freeze(self) -> None:
        """Freeze soon: invocations that follow each other closely spare the stop and the start."""
        if self._cpu is not None:
            self._cpu.end()
        self._freezing = asyncio.get_running_loop().call_later(FREEZE_AFTER, self._freeze)

    def _freeze(self) -> None:
        self._freezing = None
        if self.ended:
            return
        self._frozen = True
        signal_group(self._pid, signal.SIGSTOP)

    def _thaw(self) -> None:
        if self._freezing is not None:
            self._freezing.cancel()
            self._freezing = None
        if self._frozen:
            self._frozen = False
            signal_group(self._pid, signal.SIGCONT)
        if self._cpu is not None:
            self._cpu.begin()

    def _measure(self, outcome: Outcome) -> None:
        if not self.ended and self._memory is not None:
            peak = self._memory.peak() if outcome.duration > LONG else self._memory.own()
            self._peak = max(self._peak, math.ceil(peak / MB))
        outcome.memory_used = min(self._peak, self.spec.memory)
        if outcome.status == "out-of-memory":
            outcome.memory_used = self.spec.memory

    def _drain(self, *, to_the_end: bool = False) -> None:
        """Read what the function has written so far; at the end of a phase also a part of a line.

        Never reads on for ever: a function may write faster than it is read.
        """
        written: list[str] = []
        with contextlib.suppress(BlockingIOError):
            for _ in range(READS):
                if self._output < 0:
                    break
                data = os.read(self._output, READ)
                if not data:
                    self._close_output()
                written += self._events.feed(data)
        if to_the_end:
            written += self._events.finish()
        if written:
            self.write(written)

    def _close_output(self) -> None:
        if self._output >= 0:
            asyncio.get_running_loop().remove_reader(self._output)
            os.close(self._output)
            self._output = -1
