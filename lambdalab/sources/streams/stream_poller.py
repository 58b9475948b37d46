"""The poller of a stream for one mapping: its shards, and where the mapping has come to in each.

A shard is read when its parents are drained, so records of one key keep their order over a reshard.
A mapping that is disabled and enabled again goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from typing import Any

from lambdalab import facts
from lambdalab.errors import AwsError
from lambdalab.functions.mapping import EventSourceMapping
from lambdalab.sources.platform import Platform
from lambdalab.sources.streams.stream_batch import Batch
from lambdalab.sources.streams.stream_failures import deliver, failure_record, object_key
from lambdalab.sources.streams.stream_shard import ShardReader
from lambdalab.sources.streams.stream_source import StreamSource

__all__ = ["StreamPoller"]


class StreamPoller:
    """Reads one stream for one mapping, whenever ``look`` is called for a reason."""

    def __init__(
        self, mapping: EventSourceMapping, source: StreamSource, platform: Platform
    ) -> None:
        self.mapping = mapping
        self.source = source
        self.platform = platform
        self.reading = False
        self.there = False
        self.retention = 0.0
        self.role = ""
        self._stream: object | None = None
        self._readers: dict[str, ShardReader] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to read, or go on."""
        self.reading = True
        for reader in self._readers.values():
            reader.configure()
        self.look()

    def stop(self) -> None:
        """Begin nothing any more."""
        self.reading = False
        for reader in self._readers.values():
            reader.rest()

    async def drained(self) -> None:
        """Wait until no function runs with records of this mapping."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def look(self) -> None:
        """Something may be new: records, shards, or the end of the stream."""
        if not self.reading:
            return
        self._find()
        for reader in list(self._readers.values()):
            if self._is_due(reader):
                reader.wake()

    # The shards.

    def _find(self) -> None:
        stream = self.source.find()
        self.there = stream is not None
        if stream is None:
            self._gone()
            return
        first = stream != self._stream
        if first:
            # Another stream of the same name has nothing to do with the one before.
            self._stream, self._readers = stream, {}
        self.retention = self.source.retention()
        self.role = self._role()
        for shard in self.source.shards():
            reader = self._readers.get(shard.shard_id)
            if reader is None:
                self._readers[shard.shard_id] = reader = ShardReader(
                    self, shard, self._position(shard.shard_id) if first else 0
                )
                reader.configure()
            reader.shard = shard

    def _gone(self) -> None:
        """There is no stream: told once, and shown until there is one again."""
        before = self.mapping.last_result
        self.result("stream-gone")
        if self.mapping.last_result != before:
            reason, source = self.mapping.last_result, self.source.shown_arn
            self.platform.tell("trouble", self.mapping, source=source, reason=reason)

    def _role(self) -> str:
        try:
            target = self.platform.functions.locate(self.mapping.function_arn)
        except AwsError:
            return self.role
        return target.version.deployed.role

    def _position(self, shard_id: str) -> int:
        settings = self.mapping.settings
        return self.source.position(
            shard_id, settings["StartingPosition"], settings.get("StartingPositionTimestamp")
        )

    def _is_due(self, reader: ShardReader) -> bool:
        parents = (self._readers.get(name) for name in reader.shard.parents)
        return all(parent is None or parent.drained for parent in parents)

    # What attempts ask for.

    def begun(self, task: asyncio.Task[None]) -> None:
        """An attempt has begun."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def result(self, name: str) -> None:
        """What the mapping shows as the result of the last processing, by its name in ``facts``."""
        self.mapping.last_result = facts.message(f"poll.{name}").text

    def failed(self, records: int) -> None:
        """So many records have not come through."""
        self.result("failed")
        self.count(FailedInvokeEventCount=records)

    def count(self, **values: int) -> None:
        """Metrics of the mapping, where they are asked for."""
        if "EventCount" in (self.mapping.settings.get("MetricsConfig") or {}).get("Metrics", []):
            told = {name: value for name, value in values.items() if value}
            now = self.platform.clock.now()
            self.platform.metrics.add_mapping(self.mapping.function, self.mapping.uuid, now, **told)

    async def give_up(self, shard_id: str, batch: Batch, condition: str) -> None:
        """Records are not tried any more: they go to the destination for failures, if any."""
        now = self.platform.clock.now()
        record = failure_record(self.mapping, self.source, shard_id, batch, condition, now)
        detail: dict[str, Any] = {"shard": shard_id, "condition": condition}
        self._tell("dropped", batch, attempts=batch.attempts, **detail)
        self.count(DroppedEventCount=len(batch.items))
        arn = self.mapping.settings["DestinationConfig"]["OnFailure"].get("Destination")
        if arn is None:
            return
        key = object_key(self.mapping, shard_id, now, self.platform.identifier())
        error = await deliver(self.mapping, record, batch.event, key)
        if error is None:
            self._tell("delivered", batch, what="record", to=arn)
            self.count(OnFailureDestinationDeliveredEventCount=len(batch.items))
        else:
            self._tell("undelivered", batch, what="record", to=arn, error=error)
            self._measure(DestinationDeliveryFailures=1)

    def told_attempt(self, shard_id: str, batch: Batch) -> None:
        """An attempt begins: the age of its newest record is measured, in milliseconds."""
        if batch.items:
            age = self.platform.clock.now() - batch.items[-1].record.arrived
            self._measure(IteratorAge=max(0.0, age * 1000))
        self.count(InvokedEventCount=len(batch.items))
        self._tell("poll", batch, shard=shard_id, attempt=batch.attempts + 1)

    def told_split(self, shard_id: str, batch: Batch) -> None:
        """A batch was split."""
        self._tell("split", batch, shard=shard_id)

    def told_retry(self, shard_id: str, batch: Batch, delay: float, reason: str) -> None:
        """A batch waits to be tried again."""
        self._tell(
            "retry", batch, shard=shard_id, reason=reason,
            attempts=batch.attempts, delay=round(delay, 3),
        )  # fmt: skip

    def _tell(self, kind: str, batch: Batch, **detail: object) -> None:
        self.platform.tell(
            kind,
            self.mapping,
            batch.request_id or None,
            source=self.source.shown_arn,
            records=len(batch.items),
            **detail,
        )

    def _measure(self, **values: float) -> None:
        now = self.platform.clock.now()
        self.platform.metrics.add(self.mapping.function, now, None, **values)
