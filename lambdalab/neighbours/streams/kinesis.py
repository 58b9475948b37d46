"""Data streams and their consumers in moto's Kinesis: what Lambda reads of them.

moto's streams are mended in ``kinesis_changes``.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC
from typing import Any

from lambdalab.neighbours.streams.kinesis_changes import LOCK, trim
from lambdalab.neighbours.streams.stream_hooks import Shard, StreamRecord

__all__ = ["exists", "find", "position", "read", "retention", "shards"]


def exists(arn: str) -> bool:
    """Whether there is a stream, or a consumer of a stream, of that ARN."""
    stream = _stream(arn)
    return stream is not None and (stream.arn == arn or bool(stream.get_consumer_by_arn(arn)))


def find(arn: str) -> object | None:
    """What tells the stream of that ARN from an earlier one of the same name; None without one."""
    return _stream(arn) if exists(arn) else None


def retention(arn: str) -> float:
    """For how long a stream keeps its records, in seconds."""
    return float(_stream(arn).retention_period_hours) * 3600


def shards(arn: str) -> list[Shard]:
    """The shards of a stream, parents first."""
    with LOCK:
        return [
            Shard(
                one.shard_id,
                tuple(name for name in (one.parent, one.adjacent_parent) if name),
                one.is_open,
            )
            for one in _stream(arn).shards.values()
        ]


def position(arn: str, shard_id: str, start: str, timestamp: float | None = None) -> int:
    """The sequence number after which to read, for a StartingPosition."""
    shard = _stream(arn).shards[shard_id]
    with LOCK:
        if start == "LATEST":
            return int(shard.get_max_sequence_number())
        if start == "AT_TIMESTAMP" and timestamp is not None:
            return int(shard.get_sequence_number_at(timestamp))
    return 0


def read(arn: str, shard_id: str, after: int, limit: int) -> list[StreamRecord]:
    """The next records of a shard, oldest first; what the stream has dropped is not there."""
    with LOCK:
        stream = _stream(arn)
        trim(stream)
        kept: list[Any] = stream.shards[shard_id].ordered
        begin = bisect_right(kept, after, key=lambda one: one.sequence_number)
        return [_record(one) for one in kept[begin : begin + limit]]


def _record(one: Any) -> StreamRecord:
    arrived = one.created_at_datetime.replace(tzinfo=UTC).timestamp()
    return StreamRecord(one.sequence_number, one.partition_key, arrived, len(one.data), one.data)


def _stream(arn: str) -> Any:
    from moto.kinesis.models import kinesis_backends

    region, account, resource = arn.split(":")[3:6]
    if region not in kinesis_backends[account]:
        return None
    return kinesis_backends[account][region].streams.get(resource.split("/")[1])
