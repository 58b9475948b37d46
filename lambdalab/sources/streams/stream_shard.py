"""The reader of one shard: takes records from the stream, and brings batches through the function.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
"""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import TYPE_CHECKING, Any

from lambdalab.neighbours.streams.stream_hooks import Shard, StreamRecord
from lambdalab.sources.filters import Filters
from lambdalab.sources.streams.stream_attempt import Attempt
from lambdalab.sources.streams.stream_batch import Batch
from lambdalab.sources.streams.stream_lane import Lane

if TYPE_CHECKING:
    from lambdalab.sources.streams.stream_poller import StreamPoller

__all__ = ["ShardReader"]

# How many records a reader holds for each lane, where that is more than two batches.
_HELD = 1000
_AT_A_TIME = 1000
_UNLIMITED = -1


class ShardReader:
    """Where one mapping has come to in one shard."""

    def __init__(self, poller: StreamPoller, shard: Shard, after: int) -> None:
        self.poller = poller
        self.platform = poller.platform
        self.mapping = poller.mapping
        self.source = poller.source
        self.shard = shard
        self._after = after
        self._filters = Filters(None)
        self._lanes: list[Lane] = [Lane(self)]
        self._exhausted = False

    @property
    def paused(self) -> bool:
        """Whether no new attempt may begin."""
        return not self.poller.reading or self._lanes_to_change()

    @property
    def drained(self) -> bool:
        """Whether the shard is closed and all of its records are through."""
        return not self.shard.is_open and self._exhausted and self._idle

    @property
    def _idle(self) -> bool:
        return all(lane.idle for lane in self._lanes)

    def setting(self, name: str) -> Any:
        """A setting of the mapping."""
        return self.mapping.settings[name]

    def configure(self) -> None:
        """The mapping's settings may have changed."""
        self._filters = Filters(self.mapping.settings.get("FilterCriteria"))

    def rest(self) -> None:
        """Begin nothing any more."""
        for lane in self._lanes:
            lane.rest()

    def wake(self) -> None:
        """Read what is there, and let every lane do what is due."""
        if self._lanes_to_change() and not any(lane.running for lane in self._lanes):
            self._change_lanes()
        if self.paused:
            return
        self._read()
        for lane in self._lanes:
            lane.wake()

    def text(self, record: StreamRecord) -> str | None:
        """The event of a record as JSON; None where the filters refuse it."""
        event = self.source.event(self.shard.shard_id, record, self.poller.role)
        if self._filters and not self._filters.match(self.source.filtered(event)):
            self.poller.count(FilteredOutEventCount=1)
            return None
        return json.dumps(event, separators=(",", ":"), ensure_ascii=False)

    def lifetime(self) -> float:
        """For how many seconds after its arrival a record is tried."""
        age = self.setting("MaximumRecordAgeInSeconds")
        kept = self.poller.retention
        return kept if age == _UNLIMITED else min(kept, float(age))

    def run(self, lane: Lane, batch: Batch) -> None:
        """Try a batch; the clock waits until it is known what has become of it."""
        hold = self.platform.clock.hold()

        async def work() -> None:
            try:
                await Attempt(self, lane, batch).make()
                lane.running = False
                self.poller.look()
            finally:
                hold.release()

        self.poller.begun(asyncio.get_running_loop().create_task(work()))

    # Reading.

    def _read(self) -> None:
        if not self.poller.there:
            return
        room = self._room()
        while room > 0:
            records = self.source.read(self.shard.shard_id, self._after, min(room, _AT_A_TIME))
            self.poller.count(PolledEventCount=len(records))
            for record in records:
                self._lane_of(record).give(record)
            if len(records) < min(room, _AT_A_TIME):
                self._exhausted = True
            if not records:
                return
            self._after = records[-1].sequence
            room -= len(records)

    def _room(self) -> int:
        held = max(_HELD, 2 * self.setting("BatchSize")) * len(self._lanes)
        return int(held) - sum(len(lane.pending) for lane in self._lanes)

    def _lane_of(self, record: StreamRecord) -> Lane:
        number = zlib.crc32(record.key.encode()) % len(self._lanes)
        return self._lanes[number]

    # Lanes.

    def _lanes_to_change(self) -> bool:
        return bool(self.setting("ParallelizationFactor") != len(self._lanes))

    def _change_lanes(self) -> None:
        """Deal out anew what is not yet done; retries of what had failed begin anew."""
        waiting = sorted(record for lane in self._lanes for record in lane.waiting)
        self.rest()
        self._lanes = [Lane(self) for _ in range(self.setting("ParallelizationFactor"))]
        for record in waiting:
            self._lane_of(record).give(record)
