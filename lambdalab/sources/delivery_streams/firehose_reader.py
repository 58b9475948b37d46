"""Delivery streams that read a Kinesis data stream, from the moment on at which they are made.

Source: https://docs.aws.amazon.com/firehose/latest/dev/writing-with-kinesis-streams.html
"""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from lambdalab.neighbours.streams import firehose, kinesis, stream_hooks
from lambdalab.neighbours.streams.firehose import Stream
from lambdalab.neighbours.streams.stream_hooks import StreamRecord

__all__ = ["StreamReaders", "Taken"]

# What was read: the data, and what is known of it in its data stream.
Taken = tuple[bytes, dict[str, Any] | None]
# Records that are read at a time.
_MOST = 500


class StreamReaders:
    """Reads for the delivery streams of one cloud; ``take`` gets what was read, in its loop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, take: Callable[[Stream, list[Taken]], None]
    ) -> None:
        self._loop = loop
        self._take = take
        # By delivery stream: the data stream, and the last sequence number of each shard.
        self._positions: dict[str, tuple[str, dict[str, int]]] = {}

    def add(self, arn: str, source: str) -> None:
        """Read a data stream for a delivery stream; called in a thread of moto's."""
        if not kinesis.exists(source):
            return
        latest = {
            shard.shard_id: kinesis.position(source, shard.shard_id, "LATEST")
            for shard in kinesis.shards(source)
        }
        self._positions[arn] = (source, latest)
        if self._hear not in stream_hooks.listeners:
            stream_hooks.listeners.append(self._hear)

    def clear(self) -> None:
        """Read no more."""
        self._positions.clear()

    def _hear(self, source: str) -> None:
        """A data stream has changed; called in the thread that has changed it."""
        if any(source == one for one, _ in list(self._positions.values())):
            with contextlib.suppress(RuntimeError):  # the cloud has ended
                self._loop.call_soon_threadsafe(self._look, source)

    def _look(self, source: str) -> None:
        for arn, (read, positions) in list(self._positions.items()):
            stream = firehose.find(arn)
            if stream is None or not kinesis.exists(read):
                del self._positions[arn]
            elif read == source:
                self._read(stream, source, positions)

    def _read(self, stream: Stream, source: str, positions: dict[str, int]) -> None:
        for shard in kinesis.shards(source):
            # A shard that is new since then is read from its beginning.
            while found := kinesis.read(
                source, shard.shard_id, positions.get(shard.shard_id, 0), _MOST
            ):
                positions[shard.shard_id] = found[-1].sequence
                self._take(stream, [_taken(record, shard.shard_id) for record in found])


def _taken(record: StreamRecord, shard_id: str) -> Taken:
    return b64decode(record.content), {
        "shardId": shard_id,
        "partitionKey": record.key,
        "approximateArrivalTimestamp": int(record.arrived * 1000),
        "sequenceNumber": str(record.sequence),
        "subsequenceNumber": "",
    }
