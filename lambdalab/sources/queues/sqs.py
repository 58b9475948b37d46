"""The poller of an Amazon SQS queue, standard or FIFO.

It hears of messages from the queue itself and waits on the clock for what is hidden or delayed, so
an idle mapping costs nothing. A batch goes to the function as soon as it is full, its window is
over, or, without a window, something is there. What succeeds is deleted; what fails, or could not
be invoked, comes back when the queue's visibility timeout is over.
Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from lambdalab import facts
from lambdalab.clock import Hold, Scheduled
from lambdalab.errors import AwsError
from lambdalab.functions.lookup import Located
from lambdalab.functions.mapping import EventSourceMapping
from lambdalab.neighbours.messages import sqs
from lambdalab.neighbours.messages.sqs import QueueGoneError, Received
from lambdalab.sources.filters import Filters, data
from lambdalab.sources.platform import Platform
from lambdalab.sources.queues.sqs_answers import failed_messages
from lambdalab.sources.queues.sqs_batch import Batch
from lambdalab.sources.queues.sqs_events import event_of, record_of, text_of
from lambdalab.sources.queues.sqs_scaling import Scaling

__all__ = ["QueuePoller"]

# How often a mapping without its function looks whether it is there again, in seconds.
_LOOK_AGAIN = 60.0
# Alarms that are so near to each other, in seconds, are one.
_SAME_TIME = 0.0005


class QueuePoller:
    """Reads one queue for one mapping, with the settings that the mapping has when it begins."""

    def __init__(self, mapping: EventSourceMapping, platform: Platform) -> None:
        settings = mapping.settings
        self._mapping = mapping
        self._platform = platform
        self._clock = platform.clock
        self._arn: str = settings["EventSourceArn"]
        self._size: int = settings["BatchSize"]
        self._window: int = settings["MaximumBatchingWindowInSeconds"]
        self._partial = "ReportBatchItemFailures" in settings["FunctionResponseTypes"]
        self._counted = "EventCount" in (settings.get("MetricsConfig") or {}).get("Metrics", [])
        self._filters = Filters(settings.get("FilterCriteria"))
        self._scaling = Scaling(settings)
        self._batch = Batch(self._size)
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: Scheduled | None = None
        self._heard = False
        self._stop_watching: Callable[[], None] | None = None

    # The engine's calls.

    def start(self) -> None:
        """Begin to read."""
        loop = asyncio.get_running_loop()

        def hear() -> None:
            # Called in any thread; one look serves all that came before it.
            if not self._heard:
                self._heard = True
                with contextlib.suppress(RuntimeError):  # the cloud has ended
                    loop.call_soon_threadsafe(self._look)

        self._stop_watching = sqs.watch(self._arn, hear)
        self._look()

    def stop(self) -> None:
        """Read no more. A batch that was being gathered comes back when its time is over."""
        if self._stop_watching is not None:
            self._stop_watching()
            self._stop_watching = None
        self._set_alarm(None)
        self._batch = Batch(self._size)

    async def drained(self) -> None:
        """Wait until no batch is being processed."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # Reading.

    def _look(self) -> None:
        """Take what can be taken, and wait for what comes next."""
        self._heard = False
        if self._stop_watching is None:
            return
        try:
            target = self._platform.functions.locate(self._mapping.function_arn)
        except AwsError:
            self._trouble("poll.function-gone")
            self._set_alarm(self._clock.now() + _LOOK_AGAIN, background=True)
            return
        self._scaling.grow(self._clock.now())
        try:
            while len(self._tasks) < self._scaling.limit and self._gather():
                self._dispatch(target)
        except QueueGoneError:
            # The queue tells when there is one again.
            self._trouble("poll.queue-gone")
            self._set_alarm(None)
            return
        self._wait()

    def _gather(self) -> bool:
        """Fill the batch; gives whether it is to go now."""
        batch = self._batch
        while batch.room and self._receive(batch):
            if batch.handles and not self._window:
                break
        if not batch.handles:
            return False
        return not batch.room or self._clock.now() >= batch.opened + self._window

    def _receive(self, batch: Batch) -> int:
        """One receive; gives how many messages it brought, those filtered out included."""
        unwanted: list[str] = []
        now = self._clock.now()

        def fits(message: Received) -> bool:
            record = record_of(message, self._arn)
            if self._filters and not self._filters.match({**record, "body": data(message.body)}):
                unwanted.append(message.handle)
                return True
            return batch.add(message, text_of(record), now)

        brought = len(sqs.take(self._arn, batch.room, fits))
        self._count(PolledEventCount=brought, FilteredOutEventCount=len(unwanted))
        if unwanted:
            self._delete(unwanted, None, "filtered out")
        return brought

    def _wait(self) -> None:
        """Set the alarm for what comes next: a window's end, a hidden message, a larger limit."""
        now = self._clock.now()
        nexts: list[float | None] = []
        if self._batch.handles:
            nexts.append(self._batch.opened + self._window)
        if len(self._tasks) < self._scaling.limit:
            self._scaling.relaxed()
            due = sqs.next_due(self._arn)
            nexts.append(None if due is None else now + due - sqs.now())
            if not self._tasks:
                self._scaling.emptied()
        elif sqs.waiting(self._arn):
            nexts.append(self._scaling.saturated(now))
        self._set_alarm(min((one for one in nexts if one is not None), default=None))

    def _set_alarm(self, due: float | None, *, background: bool = False) -> None:
        if self._alarm is not None:
            if due is not None and abs(self._alarm.due - due) < _SAME_TIME:
                return
            self._alarm.cancel()
            self._alarm = None
        if due is not None:
            delay = max(0.0, due - self._clock.now())
            self._alarm = self._clock.call_later(delay, self._ring, background=background)

    def _ring(self) -> None:
        self._alarm = None
        self._look()

    # Processing.

    def _dispatch(self, target: Located) -> None:
        """Send the batch on its way; winding waits until it is done."""
        batch, self._batch = self._batch, Batch(self._size)
        request_id = self._platform.identifier()
        self._tell("poll", request_id, len(batch.handles))
        work = self._process(target, batch, request_id, self._clock.hold())
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)

    async def _process(self, target: Located, batch: Batch, request_id: str, hold: Hold) -> None:
        try:
            await self._invoke(target, batch, request_id)
        finally:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.discard(task)
            self._look()
            hold.release()

    async def _invoke(self, target: Located, batch: Batch, request_id: str) -> None:
        count = len(batch.handles)
        self._count(InvokedEventCount=count)
        try:
            outcome = await self._platform.functions.call(
                target, event_of(batch.records), request_id=request_id, trace=batch.trace
            )
        except AwsError as refusal:
            self._failed(request_id, count, refusal.code)
            return
        if outcome.failed:
            self._failed(request_id, count, outcome.status)
            return
        self._mapping.last_result = facts.message("poll.ok").text
        self._scaling.succeeded()
        failed = failed_messages(outcome.payload, set(batch.handles)) if self._partial else set()
        done = [handle for one, handle in batch.handles.items() if one not in failed]
        if done:
            self._delete(done, request_id, "processed")
        if failed:
            self._count(FailedInvokeEventCount=len(failed))
            self._tell("returned", request_id, len(failed), reason="named as failed")

    def _failed(self, request_id: str, count: int, reason: str) -> None:
        """A batch has failed as a whole: it comes back when its time is over."""
        self._mapping.last_result = facts.message("poll.failed").text
        if not self._partial:
            self._scaling.failed()
        self._count(FailedInvokeEventCount=count)
        self._tell("returned", request_id, count, reason=reason)

    def _delete(self, handles: list[str], request_id: str | None, reason: str) -> None:
        sqs.delete(self._arn, handles)
        self._count(DeletedEventCount=len(handles))
        self._tell("deleted", request_id, len(handles), reason=reason)

    # Telling.

    def _trouble(self, name: str) -> None:
        """The mapping cannot work: told once, and shown until it can again."""
        text = facts.message(name).text
        if self._mapping.last_result != text:
            self._mapping.last_result = text
            self._tell("trouble", None, 0, reason=text)

    def _tell(self, kind: str, request_id: str | None, count: int, **detail: str) -> None:
        self._platform.tell(
            kind, self._mapping, request_id, source=self._arn, records=count, **detail
        )

    def _count(self, **values: int) -> None:
        """Metrics of the mapping, where they are asked for."""
        if self._counted:
            told = {name: value for name, value in values.items() if value}
            self._platform.metrics.add_mapping(
                self._mapping.function, self._mapping.uuid, self._clock.now(), **told
            )
