"""Amazon Data Firehose: gathers records, lets a function transform them, writes them into S3.

Source: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Coroutine, Mapping
from random import Random
from typing import Any

from lambdalab import facts
from lambdalab.clock import Hold, LabClock
from lambdalab.draws import identifier
from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours.streams import firehose as neighbour
from lambdalab.neighbours.streams.firehose import Stream
from lambdalab.sources.delivery_streams.firehose_buffers import Buffer
from lambdalab.sources.delivery_streams.firehose_checks import check
from lambdalab.sources.delivery_streams.firehose_objects import encoding_of, name_of, packed
from lambdalab.sources.delivery_streams.firehose_reader import StreamReaders, Taken
from lambdalab.sources.delivery_streams.firehose_transform import (
    Failure,
    Record,
    Results,
    Transformation,
    delimiter_of,
    event_of,
    failed_document,
)
from lambdalab.sources.pushed import Pushes, Sender, within
from lambdalab.timeline import Record as Told
from lambdalab.timeline import Timeline

__all__ = ["Firehose"]

PRINCIPAL = "firehose.amazonaws.com"
_SIZE = facts.quota("firehose.buffer-size").bytes
_INTERVAL = facts.quota("firehose.buffer-interval").seconds
# In real time, as functions run.
_LONGEST = facts.quota("firehose.lambda-timeout").seconds
_RETRY_WAIT = facts.quota("firehose.lambda-retry-wait").seconds
_DELIVERY_WAIT = facts.quota("firehose.delivery-retry-wait").seconds
_DELIVERY_AGE = facts.quota("firehose.delivery-retry-age").seconds
# Ids of records have the form of Kinesis's sequence numbers.
_FIRST_ID = 49_546_986_683_135_544_286_507_457_936_321_625_675_700_192_471_156_785_154
# What Lambda refuses, as Firehose calls it; all else is an error of the function.
_REFUSALS = {
    "ResourceNotFoundException": "ResourceNotFound",
    "AccessDeniedException": "InvokeAccessDenied",
    "TooManyRequestsException": "InvokeLimitExceeded",
}


class Firehose:
    """The delivery streams of one cloud, whose event loop is ``loop``."""

    def __init__(
        self,
        pushes: Pushes,
        clock: LabClock,
        timeline: Timeline,
        random: Random,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._pushes = pushes
        self._clock = clock
        self._timeline = timeline
        self._random = random
        self._loop = loop
        self._ids = itertools.count(_FIRST_ID, 16)
        self._buffers: dict[tuple[str, ...], Buffer[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers = StreamReaders(loop, self._take)

    # What moto asks, in its threads.

    def check(self, destination: Mapping[str, Any]) -> None:
        """Refuse settings that AWS or the lab does not take, and roles that Firehose may not."""
        check(destination)
        transformation = Transformation.of(destination)
        if transformation is not None:
            try:
                self._pushes.check_role(transformation.role, PRINCIPAL)
            except (AwsError, LookupError):
                raise aws_error("firehose.role", role=transformation.role) from None

    def created(self, stream: Stream) -> None:
        """A stream was made: it may read another one."""
        if stream.source is not None:
            self._readers.add(stream.arn, stream.source)

    def arrived(self, stream: Stream, records: list[bytes]) -> None:
        """Records were put into a stream."""
        taken: list[Taken] = [(data, None) for data in records]
        with contextlib.suppress(RuntimeError):  # the cloud has ended
            self._loop.call_soon_threadsafe(self._take, stream, taken)

    def clear(self) -> None:
        """Forget what was gathered."""
        for buffer in self._buffers.values():
            buffer.clear()
        self._buffers.clear()
        self._readers.clear()

    async def drained(self) -> None:
        """Wait until nothing is being transformed or written."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # Gathering.

    def _take(self, stream: Stream, records: list[Taken]) -> None:
        transformation = Transformation.of(stream.destination)
        if stream.destination.get("S3BackupMode") == "Enabled" and transformation is not None:
            backup = stream.destination.get("S3BackupDescription") or {}
            for data, _ in records:
                self._store(stream._replace(destination=backup), "backup", data)
        if transformation is None:
            for data, _ in records:
                self._store(stream, "records", data)
            return
        buffer = self._buffer(
            (stream.arn, stream.version, "function"),
            transformation.size,
            transformation.interval,
            lambda gathered: self._spawn(self._transform(stream, transformation, gathered, 1)),
        )
        arrived = int(self._clock.now() * 1000)
        for data, more in records:
            buffer.add(Record(f"{next(self._ids)}000000", data, arrived, more), len(data))

    def _store(self, stream: Stream, what: str, data: bytes) -> None:
        """Gather data for an object: ``records``, ``backup``, or what ``failed``."""
        hints = stream.destination.get("BufferingHints") or {}
        size, interval = hints.get("SizeInMBs"), hints.get("IntervalInSeconds")
        between = delimiter_of(stream.destination) if what == "records" else b""
        buffer = self._buffer(
            (stream.arn, stream.version, what),
            _SIZE if size is None else int(size) * 2**20,
            _INTERVAL if interval is None else float(interval),
            lambda gathered: self._spawn(self._write(stream, what, between.join(gathered))),
        )
        buffer.add(data, len(data))

    def _buffer(
        self,
        key: tuple[str, ...],
        size: int,
        interval: float,
        flush: Callable[[list[Any]], None],
    ) -> Buffer[Any]:
        found = self._buffers.get(key)
        if found is None:
            found = self._buffers[key] = Buffer(self._clock, size, interval, flush)
        return found

    # Work; winding waits for it.

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(self._held(work, self._clock.hold()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _held(work: Coroutine[Any, Any, None], hold: Hold) -> None:
        try:
            await work
        finally:
            hold.release()

    async def _transform(
        self, stream: Stream, how: Transformation, records: list[Record], attempt: int
    ) -> None:
        """Call the function for a batch; what cannot be transformed is written apart."""
        event = event_of(stream, identifier(self._random), records)
        sender = Sender(PRINCIPAL, stream.arn, by_role=True)
        found = await self._call(how, event, sender)
        if isinstance(found, bytes):
            results = Results.of(found, records)
        elif attempt <= how.retries:
            self._clock.call_later(
                _RETRY_WAIT,
                lambda: self._spawn(self._transform(stream, how, records, attempt + 1)),
            )
            return
        else:
            results = Results([], [(record, found) for record in records])
        for data in results.data:
            self._store(stream, "records", data)
        ended = self._clock.now()
        if results.failed:
            failures = sorted({failure for _, failure in results.failed})
            await asyncio.to_thread(neighbour.log, stream, failures, how.function)
        for record, failure in results.failed:
            line = failed_document(record, failure, how.function, attempt, ended)
            self._store(stream, "failed", line)

    async def _call(self, how: Transformation, event: bytes, sender: Sender) -> bytes | Failure:
        """The function's answer, or why there is none."""
        try:
            self._pushes.check_role(how.role, PRINCIPAL)
        except AwsError:
            return Failure.of("AssumeRoleAccessDenied")
        try:
            outcome = await within(self._pushes.call(how.function, event, sender), _LONGEST)
        except AwsError as refusal:
            return Failure.of(_REFUSALS.get(refusal.code, "FunctionError"))
        if outcome is None:
            return Failure.of("FunctionTimedOut")
        return Failure.of("FunctionError") if outcome.failed else outcome.payload

    async def _write(
        self, stream: Stream, what: str, content: bytes, began: float | None = None
    ) -> None:
        """Write an object; where that fails it is tried again, for a day."""
        first = self._clock.now() if began is None else began
        failed = what == "failed"
        to, now = stream.destination, self._clock.now()
        key = name_of(to, stream.name, stream.version, now, self._random, failed=failed)
        form = None if failed else to.get("CompressionFormat")
        body, encoding = packed(content, form), encoding_of(form)
        bucket = str(to.get("BucketARN", "")).rpartition(":::")[2]
        try:
            put = neighbour.put_object
            await asyncio.to_thread(put, stream.account, bucket, key, body, encoding)
        except Exception as error:
            words = str(getattr(error, "message", None) or error) or type(error).__name__
            told = {"what": what, "to": bucket, "error": words}
            self._timeline.add(Told(now, "undelivered", stream.name, None, None, None, told))
            if now - first < _DELIVERY_AGE:
                self._clock.call_later(
                    _DELIVERY_WAIT,
                    lambda: self._spawn(self._write(stream, what, content, first)),
                    background=True,
                )
