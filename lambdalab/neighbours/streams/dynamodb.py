"""Streams of tables in moto's DynamoDB: what Lambda reads of them.

A stream has one shard here. moto's records are mended in ``dynamodb_changes``.
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

from lambdalab.neighbours.streams.dynamodb_changes import LOCK, RETENTION, first_kept
from lambdalab.neighbours.streams.stream_hooks import Shard, StreamRecord

__all__ = ["RETENTION", "find", "position", "read", "shards", "stream_exists"]


def stream_exists(arn: str) -> bool:
    """Whether a table has a stream of that ARN: the latest one, the only one that moto keeps."""
    return find(arn) is not None


def find(arn: str) -> Any:
    """The one shard of the stream of that ARN; None where there is no such stream."""
    from moto.dynamodb.models import dynamodb_backends

    region, account = arn.split(":")[3:5]
    if region not in dynamodb_backends[account]:
        return None
    name, _, label = arn.split(":", 5)[5].removeprefix("table/").partition("/stream/")
    table = dynamodb_backends[account][region].tables.get(name)
    if table is None or not label or table.latest_stream_label != label:
        return None
    return table.stream_shard


def shards(arn: str) -> list[Shard]:
    """The one shard of a stream; it is closed when the table's stream has been turned off."""
    shard = find(arn)
    return [Shard(shard.id, (), bool(shard.table.stream_specification.get("StreamEnabled")))]


def position(arn: str, start: str) -> int:
    """The sequence number after which to read, for a StartingPosition."""
    shard = find(arn)
    written = len(shard.items) if start == "LATEST" else 0
    return int(shard.starting_sequence_number) + written - 1


def read(arn: str, after: int, limit: int) -> list[StreamRecord]:
    """The next records of a stream, oldest first."""
    with LOCK:
        shard = find(arn)
        begin = max(after + 1 - shard.starting_sequence_number, first_kept(shard))
        return [_record(shard, one.record) for one in shard.items[begin : begin + limit]]


def _record(shard: Any, record: dict[str, Any]) -> StreamRecord:
    told = record["dynamodb"]
    arrived = told["ApproximateCreationDateTime"].replace(tzinfo=UTC).timestamp()
    # What has the same partition key keeps its order, whatever the sort key.
    key = json.dumps(told["Keys"][shard.table.hash_key_attr])
    return StreamRecord(int(told["SequenceNumber"]), key, arrived, told["SizeBytes"], record)
