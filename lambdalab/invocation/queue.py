"""The queue of asynchronous invocations: every event is handled, retried, or given up for a reason.

A function error costs one of the attempts and waits one minute, then two; a throttle or an error of
the system costs none and waits longer each time, until the event is too old.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from random import Random

from lambdalab import facts
from lambdalab.clock import Hold, LabClock, Scheduled
from lambdalab.errors import AwsError
from lambdalab.execution.spec import Invocation
from lambdalab.functions.lookup import Located
from lambdalab.functions.records import Function
from lambdalab.invocation.queued import Attempt, QueuedEvent
from lambdalab.invocation.reports import QueueReports

__all__ = ["EventQueue"]

DELIVERIES = facts.quota("asynchronous.deliveries").value
_FIRST_WAIT = facts.quota("asynchronous.throttle-first-wait").seconds
_LONGEST_WAIT = facts.quota("asynchronous.throttle-longest-wait").seconds
# The wait before each retry of a function error, in seconds.
_RETRY_WAITS = tuple(
    facts.quota(f"asynchronous.{name}-wait").seconds for name in ("first", "second")
)

Run = Callable[[Located, Invocation], Awaitable[Attempt]]
# Takes an event that is through, with the condition under which it is, where it belongs.
GoOn = Callable[[QueuedEvent, str], Awaitable[None]]


class EventQueue:
    """The events of all functions of one cloud.

    ``run`` makes one attempt; ``go_on`` brings what is through to where the settings say.
    """

    def __init__(
        self, run: Run, go_on: GoOn, *, clock: LabClock, reports: QueueReports, random: Random
    ) -> None:
        self._run = run
        self._go_on = go_on
        self._clock = clock
        self._reports = reports
        self._random = random
        self._ready: dict[Function, deque[QueuedEvent]] = {}
        self._busy: dict[Function, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[QueuedEvent, Scheduled] = {}
        self._holds: dict[QueuedEvent, Hold] = {}

    def put(self, target: Located, invocation: Invocation) -> None:
        """Queue an event for the function, version or alias that a request named."""
        event = QueuedEvent(target, invocation, self._clock.now())
        self._reports.accepted(event)
        self._make_ready(event)

    def clear(self) -> None:
        """Forget every event; what runs is cut off."""
        for task in self._tasks:
            task.cancel()
        for waiting in self._waiting.values():
            waiting.cancel()
        for hold in self._holds.values():
            hold.release()
        for kept in (self._ready, self._busy, self._waiting, self._holds):
            kept.clear()

    # Waiting and being ready.

    def _make_ready(self, event: QueuedEvent) -> None:
        self._waiting.pop(event, None)
        # Winding waits for an event that could run now.
        self._holds[event] = self._clock.hold()
        self._ready.setdefault(event.function, deque()).append(event)
        self._fill(event.function)

    def _fill(self, function: Function) -> None:
        """Start as many deliveries as a function gets at a time."""
        ready = self._ready.get(function)
        while ready and self._busy.get(function, 0) < DELIVERIES:
            self._busy[function] = self._busy.get(function, 0) + 1
            task = asyncio.get_running_loop().create_task(self._deliver(ready.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not ready:
            self._ready.pop(function, None)

    async def _deliver(self, event: QueuedEvent) -> None:
        try:
            await self._attempt(event)
        finally:
            # After a clear() others may hold these places: its own are gone with it.
            hold = self._holds.pop(event, None)
            if hold is not None:
                hold.release()
                self._leave(event.function)

    def _leave(self, function: Function) -> None:
        self._busy[function] -= 1
        if not self._busy[function]:
            del self._busy[function]
        self._fill(function)

    def _wait(self, event: QueuedEvent, delay: float, reason: str) -> None:
        self._reports.retry(event, delay, reason)
        self._waiting[event] = self._clock.call_later(delay, lambda: self._make_ready(event))

    # One attempt, and what follows from it.

    async def _attempt(self, event: QueuedEvent) -> None:
        if event.function.deleted or event.gone:
            self._reports.dropped(event, "FunctionDeleted")
        elif event.function.reserved_concurrency == 0:
            await self._give_up(event, "ZeroReservedConcurrency")
        elif self._clock.now() >= event.expires:
            await self._give_up(event, "EventAgeExceeded")
        else:
            await self._try(event)

    async def _try(self, event: QueuedEvent) -> None:
        self._reports.age(event, self._clock.now())
        try:
            attempt = await self._run(event.target, event.invocation)
        except AwsError as refusal:
            await self._refused(event, refusal)
            return
        except Exception as error:
            # Whatever is wrong in the lab: no event is lost for it, and the timeline tells.
            await self._refused(event, AwsError("ServiceException", str(error), 500))
            return
        event.attempts += 1
        event.throttles = 0
        event.last = attempt
        if not attempt.outcome.failed:
            await self._go_on(event, "Success")
        elif event.attempts > event.most_retries:
            await self._give_up(event, "RetriesExhausted")
        else:
            await self._retry(event)

    async def _retry(self, event: QueuedEvent) -> None:
        delay = _RETRY_WAITS[min(event.attempts, len(_RETRY_WAITS)) - 1]
        if self._clock.now() + delay >= event.expires:
            await self._give_up(event, "EventAgeExceeded")
        else:
            self._wait(event, delay, "function error")

    async def _refused(self, event: QueuedEvent, refusal: AwsError) -> None:
        """Throttled, or no environment: back into the queue until the event is too old."""
        event.refused = refusal
        if refusal.code == "RecursiveInvocationException":
            await self._give_up(event, "RecursiveInvocation")
            return
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2**event.throttles)
        event.throttles = min(event.throttles + 1, 30)
        # Half of it is chance, so that events that were refused together do not come together.
        delay = longest * (0.5 + self._random.random() / 2)
        left = max(0.0, event.expires - self._clock.now())
        self._wait(event, min(delay, left), refusal.code)

    async def _give_up(self, event: QueuedEvent, condition: str) -> None:
        self._reports.dropped(event, condition)
        await self._go_on(event, condition)
