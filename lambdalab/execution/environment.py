"""One execution environment: its phases, and what it keeps from one to the next.

INIT starts with the processes and ends when the runtime and every extension ask for their first
event. Between invocations the environment is frozen: its processes are stopped and use no CPU at
all. After a timeout or a crash it is reset: its processes end, /tmp stays, and the next invocation
runs INIT again.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.clock import LabClock, stopwatch, wall_time
from lambdalab.execution import peers, report, runtimes
from lambdalab.execution.journal import Journal
from lambdalab.execution.latency import StartDelay, StartLatency
from lambdalab.execution.life import Life
from lambdalab.execution.log_tail import LogTail
from lambdalab.execution.logbook import LogBook, LogStream
from lambdalab.execution.memory import MemoryWatch
from lambdalab.execution.pace import Pace
from lambdalab.execution.sandbox import Sandbox, SandboxGoneError
from lambdalab.execution.spec import (
    ON_DEMAND,
    Invocation,
    Outcome,
    RuntimeSpec,
)
from lambdalab.execution.start import Start, start_of
from lambdalab.execution.usage import MemoryUse
from lambdalab.execution.zygote_client import ZygoteClient
from lambdalab.wire import LOOPBACK, BodyReader, Listener, Request, Response, listen

__all__ = ["Environment", "Machinery"]

LONGEST_INIT = facts.quota("init.maximum").value
LONGEST_INIT_AHEAD = facts.quota("init.maximum-provisioned").value

# What a process hears that has outlived its phase.
GONE = Response(
    410, json.dumps({"errorMessage": "The environment is reset.", "errorType": "Gone"}).encode()
)

# Who hears what happens to an environment: kind, environment, beginning, duration, detail.
Tell = Callable[[str, "Environment", float, float | None, dict[str, Any]], None]


class Machinery(NamedTuple):
    """What all environments of a cloud share."""

    clock: LabClock
    logbook: LogBook
    watch: MemoryWatch
    zygote: ZygoteClient
    cpu: bool
    latency: StartLatency | None = None


def _longest_init(spec: RuntimeSpec) -> int:
    """What INIT may take, in seconds: more where nobody waits for it."""
    if spec.initialization == ON_DEMAND:
        return int(LONGEST_INIT)
    return max(int(LONGEST_INIT_AHEAD), spec.timeout)


class Environment:
    """An execution environment of one version of one function.

    ``name`` is how the timeline calls it, ``stream`` where its log goes.
    """

    def __init__(
        self, spec: RuntimeSpec, name: str, stream: LogStream, machinery: Machinery, tell: Tell
    ) -> None:
        self.spec = spec
        self.name = name
        self.ended = False
        self._stream = stream
        self._clock, logbook, self._watch, self._zygote, self._hold_cpu, latency = machinery
        self._tell = tell
        self.journal = Journal(spec, stream, clock=self._clock, logbook=logbook, tail=LogTail())
        self._phase: asyncio.Future[Outcome | None] | None = None
        self._request_id = ""
        self._phase_name = ""
        self._invocation: Invocation | None = None
        self._began = 0.0
        self._answered: Callable[[Outcome], None] | None = None
        self._listener: Listener | None = None
        self._sandbox: Sandbox | None = None
        self._start: Start | None = None
        self._life: Life | None = None
        self._memory = MemoryUse(spec.memory)
        self._pace: Pace | None = None
        # Kept here, for asyncio itself does not keep tasks.
        self._farewell: asyncio.Task[None] | None = None
        self._delay = StartDelay(self._clock, latency)
        # What the start took, in seconds, where it came to a good end.
        self.init_duration: float | None = None
        self.restore_duration: float | None = None

    # The phases.

    async def initialize(self, request_id: str, phase: str = "init") -> Outcome | None:
        """Run INIT; None when the function is ready, else what went wrong.

        ``request_id`` is the invocation that waits: platform errors name it. ``phase`` is
        ``invoke`` when INIT runs inside an invocation, after it failed at first or after a reset.
        """
        self._request_id, self._phase_name = request_id, phase
        if self._start is None:
            await self._prepare()
        limit = self.spec.timeout if phase == "invoke" else _longest_init(self.spec)
        self.journal.init_start(phase)
        # Inside an invocation INIT is part of that, and behind a snapshot nobody waits for it.
        waits = phase == "init" and not self.journal.muted
        started, delay = self._clock.now(), await self._delay.wait(self.spec) if waits else 0.0
        began = stopwatch()
        failure = await self._run_phase(limit, limit, self._begin())
        duration = delay + stopwatch() - began
        if self._life is not None:
            self._life.init_over()
        if failure is not None:
            self.journal.init_runtime_done(failure, phase)
        self.journal.init_report(duration, failure, phase)
        if failure is not None:
            await self._reset(failure)
        elif self._life is not None:
            self._memory.follow(self._life.pid)
            self.init_duration = duration
        detail = {"status": "success" if failure is None else failure.status, "phase": phase}
        if self._start is not None and self._start.program.note:
            detail["note"] = self._start.program.note
        if not self.journal.muted:
            self._tell("init", self, started, duration, detail)
        return failure

    async def begin(self, request_id: str, phase: str = "init") -> Outcome | None:
        """Make the environment ready for invocations."""
        return await self.initialize(request_id, phase)

    async def run(self, invocation: Invocation) -> Outcome:
        """Run one invocation; afterwards the environment is frozen, or reset, or has ended."""
        started, began = self._clock.now(), stopwatch()
        self._invocation, self._began, self._answered = invocation, began, invocation.answered
        outcome = None
        if self._life is None:
            outcome = await self.begin(invocation.request_id, "invoke")
        self.journal.start(invocation.request_id, invocation.trace_id)
        if outcome is None:
            outcome = await self._invoke(invocation, self.spec.timeout - (stopwatch() - began))
        outcome.began, outcome.duration = started, stopwatch() - began
        self._memory.measure(outcome)
        if self._invocation is not None:  # else told when the runtime was done
            self.runtime_done(outcome)
        # A runtime that ended after its answer is a reset too, and no error.
        if self._life is not None and (outcome.platform_error or self._life.over):
            await self._reset(outcome)
            self._tell("reset", self, self._clock.now(), None, {"reason": outcome.status})
        return outcome

    @property
    def lost(self) -> bool:
        """Whether its supervisor was ended from outside: nothing can start in it any more."""
        return self._sandbox is not None and self._sandbox.closed

    def end(self, reason: str) -> None:
        """End the environment and all its processes; harmless when it has ended."""
        if self.ended:
            return
        self.ended = True
        self._delay.end()
        self._stop_life()
        if self._sandbox is not None:
            self._sandbox.close()
        if self._listener is not None:
            self._listener.close()
        # Ended from outside while it ran: nothing more will come from it.
        self.phase_failed(report.exit_error(self._request_id, -signal.SIGKILL))
        self._tell("end", self, self._clock.now(), None, {"reason": reason})

    def let_go(self, reason: str) -> None:
        """End the environment, which is idle, after its SHUTDOWN phase."""
        if self._life is not None and len(self._life.extensions):
            self._farewell = asyncio.get_running_loop().create_task(self._shut_down(reason))
        else:
            self.end(reason)

    async def _shut_down(self, reason: str) -> None:
        """SHUTDOWN: extensions may finish their work."""
        assert self._life is not None
        assert self._pace is not None
        self._pace.wake()
        await self._life.shutdown("spindown")
        self.end(reason)

    async def _invoke(self, invocation: Invocation, limit: float) -> Outcome:
        self._request_id = invocation.request_id
        timeout = self.spec.timeout
        outcome = await self._run_phase(limit, timeout, self._deliver(invocation, limit))
        assert outcome is not None
        return outcome

    async def _reset(self, outcome: Outcome) -> None:
        """End the processes; what is in /tmp stays."""
        if self._life is not None and len(self._life.extensions):
            await self._life.shutdown("timeout" if outcome.status == "timeout" else "failure")
        self._stop_life()
        if self.ended or self._sandbox is None:
            return
        await self._sandbox.clear()
        if self._sandbox.closed:
            self.end("its supervisor was ended")

    # What the life in it tells.

    def init_runtime_done(self) -> None:
        """The runtime has initialized the function."""
        self.journal.init_runtime_done(None, self._phase_name)

    def answered(self, outcome: Outcome) -> None:
        """The runtime has answered: whoever waits for no more than that need not wait longer."""
        tell, self._answered = self._answered, None
        if tell is not None:
            outcome.duration = stopwatch() - self._began
            tell(outcome)

    def runtime_done(self, outcome: Outcome) -> None:
        """The runtime has finished the invocation."""
        invocation, self._invocation = self._invocation, None
        if invocation is not None:
            outcome.duration = stopwatch() - self._began
            self.journal.runtime_done(invocation.request_id, outcome, invocation.trace_id)
            self.answered(outcome)

    def phase_over(self, outcome: Outcome | None) -> None:
        """Runtime and extensions wait for the next event: the phase is over, all is frozen soon."""
        if self._phase is not None and not self._phase.done():
            assert self._pace is not None
            self._pace.rest()
            self._phase.set_result(outcome)

    def phase_failed(self, outcome: Outcome) -> None:
        """Nothing more will come of the phase."""
        if self._phase is not None and not self._phase.done():
            self._phase.set_result(outcome)
        elif self._life is not None and not self.ended:
            # Between invocations: the next one finds an environment that must begin again.
            self._stop_life()
            if self._sandbox is not None:
                self._sandbox.kill_all()
            self._tell("reset", self, self._clock.now(), None, {"reason": outcome.status})

    @property
    def memory_left(self) -> float:
        """MB left under the function's memory size, as last read."""
        return self._memory.left

    def memory_room(self) -> float:
        """MB left under the function's memory size; processes without room are ended."""
        if self._sandbox is None:
            return float(self.spec.memory)
        room = self._memory.look(self._sandbox.pids())
        if room <= 0 and self._phase is not None and not self._phase.done():
            self.phase_failed(report.out_of_memory(self._request_id))
            self._sandbox.kill_all()
        return room

    # The steps.

    async def _begin(self) -> None:
        """Start the processes; what is there already, from before a reset, is used again."""
        assert self._start is not None
        if self._start.program.refusal:
            self.phase_failed(runtimes.refused(self._start.program, self._request_id))
            return
        if self._sandbox is None or self._sandbox.closed:
            self._sandbox = await self._zygote.open(self._start.room)
        else:
            await self._sandbox.clear()
        if self.ended:
            self._sandbox.close()
        if self._phase is None or self._phase.done():
            return
        self._life = Life(self._start, self._sandbox, self.journal, self, self._clock)
        memory = self.spec.memory if self._hold_cpu else None
        self._pace = Pace(self._sandbox, memory, self._life.freeze)
        try:
            await self._life.begin(self._request_id, self.spec.opt)
        except SandboxGoneError:
            self.end("no process could be started")
            raise

    async def _prepare(self) -> None:
        """Find out how the function is started: what is there once is not part of any INIT."""
        self._listener = await listen(self._handle, streams=self._read_streamed, admit=self._is_own)
        address = f"{LOOPBACK}:{self._listener.port}"
        await self._zygote.ready()
        self._start = await start_of(self.spec, self._zygote, address, self._stream.stream)
        if self._start.program.interpreter:
            self._zygote = self._zygote.kin(self._start.program.interpreter)
            await self._zygote.ready()

    def _is_own(self, client: peers.Address, server: peers.Address) -> bool:
        """Whether a connection comes from a process of this environment: loopback is shared."""
        return self._sandbox is not None and peers.is_of(self._sandbox.pids(), client, server)

    def _handle(self, request: Request) -> Any:
        return self._life.handle(request) if self._life else GONE

    def _read_streamed(self, request: Request) -> BodyReader | None:
        return self._life.stream(request) if self._life else None

    async def _deliver(self, invocation: Invocation, limit: float) -> None:
        assert self._life is not None
        assert self._pace is not None
        self._pace.run(self._life.pid)
        self._life.deliver(invocation, int((wall_time() + limit) * 1000))

    async def _run_phase(self, limit: float, told: int, start: Any) -> Outcome | None:
        """Start a phase, wait until it is over; the clock runs at real speed meanwhile.

        After ``limit`` seconds its time is over, which is then told as ``told`` seconds.
        """
        loop = asyncio.get_running_loop()
        self._phase = loop.create_future()
        if self.ended:  # before it had begun
            self._phase.set_result(report.exit_error(self._request_id, -signal.SIGKILL))
        timer = loop.call_later(max(limit, 0), self._out_of_time, told)
        self._watch.add(self)
        self._clock.begin_work()
        try:
            await start
            return await self._phase
        finally:
            timer.cancel()
            self._clock.end_work()
            self._watch.discard(self)

    def _out_of_time(self, limit: int) -> None:
        self.phase_failed(report.timed_out(self._request_id, limit))

    def _stop_life(self) -> None:
        if self._pace is not None:
            self._pace.end()
        self._memory.forget()
        life, self._life = self._life, None
        if life is not None:
            life.end()
