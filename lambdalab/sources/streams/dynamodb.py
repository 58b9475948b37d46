"""DynamoDB Streams as an event source: what happened to the items of a table.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

import json
from typing import Any

from lambdalab.neighbours.streams import dynamodb
from lambdalab.neighbours.streams.stream_hooks import Shard, StreamRecord
from lambdalab.sources import filters
from lambdalab.sources.streams.stream_time import in_seconds

__all__ = ["DynamoDbSource"]

_PARTS = ("Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType")


class DynamoDbSource:
    """The stream of a table."""

    batch_info = "DDBStreamBatchInfo"

    def __init__(self, arn: str) -> None:
        self.arn = self.shown_arn = arn

    def find(self) -> object | None:
        """What tells the stream from another one; its ARN does, for it holds the time."""
        return self.arn if dynamodb.stream_exists(self.arn) else None

    def retention(self) -> float:
        """For how long the stream keeps its records, in seconds."""
        return dynamodb.RETENTION

    def shards(self) -> list[Shard]:
        """The one shard."""
        return dynamodb.shards(self.arn)

    def position(self, shard_id: str, start: str, timestamp: float | None) -> int:  # noqa: ARG002
        """The sequence number after which to read, for a StartingPosition."""
        return dynamodb.position(self.arn, start)

    def read(self, shard_id: str, after: int, limit: int) -> list[StreamRecord]:  # noqa: ARG002
        """The next records of the shard, oldest first."""
        return dynamodb.read(self.arn, after, limit)

    def event(self, shard_id: str, record: StreamRecord, role: str) -> dict[str, Any]:  # noqa: ARG002
        """The record as the function gets it; times are in whole seconds."""
        written: dict[str, Any] = record.content
        told = written["dynamodb"]
        event = {
            "eventID": written["eventID"],
            "eventName": written["eventName"],
            "eventVersion": written["eventVersion"],
            "eventSource": written["eventSource"],
            "awsRegion": written["awsRegion"],
            "dynamodb": {
                "ApproximateCreationDateTime": int(record.arrived),
                **{part: told[part] for part in _PARTS if part in told},
            },
            "eventSourceARN": self.arn,
        }
        if "userIdentity" in written:
            event["userIdentity"] = written["userIdentity"]
        return event

    def filtered(self, event: dict[str, Any]) -> dict[str, Any]:
        """The whole record."""
        seen: dict[str, Any] = filters.read(json.dumps(event))
        return seen

    def date(self, time: float) -> str:
        """The arrival of a record as failure records tell it."""
        return in_seconds(time)
