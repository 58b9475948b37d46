"""Kinesis data streams as an event source, read with the others or through a consumer of its own.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

import base64
from typing import Any

from lambdalab.neighbours.streams import kinesis
from lambdalab.neighbours.streams.stream_hooks import Shard, StreamRecord
from lambdalab.sources import filters
from lambdalab.sources.streams.stream_time import in_milliseconds

__all__ = ["KinesisSource"]


class KinesisSource:
    """A data stream, named by its own ARN or by that of a consumer (enhanced fan-out)."""

    batch_info = "KinesisBatchInfo"

    def __init__(self, arn: str) -> None:
        self.shown_arn = arn
        self.arn = arn.partition("/consumer/")[0]
        self._region = arn.split(":")[3]

    def find(self) -> object | None:
        """What tells the stream from another one of the same name; None where there is none."""
        return kinesis.find(self.shown_arn)

    def retention(self) -> float:
        """For how long the stream keeps its records, in seconds."""
        return kinesis.retention(self.arn)

    def shards(self) -> list[Shard]:
        """The shards, parents before their children."""
        return kinesis.shards(self.arn)

    def position(self, shard_id: str, start: str, timestamp: float | None) -> int:
        """The sequence number after which to read, for a StartingPosition."""
        return kinesis.position(self.arn, shard_id, start, timestamp)

    def read(self, shard_id: str, after: int, limit: int) -> list[StreamRecord]:
        """The next records of a shard, oldest first."""
        return kinesis.read(self.arn, shard_id, after, limit)

    def event(self, shard_id: str, record: StreamRecord, role: str) -> dict[str, Any]:
        """The record as the function gets it."""
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record.key,
                "sequenceNumber": str(record.sequence),
                "data": record.content,
                "approximateArrivalTimestamp": round(record.arrived, 3),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard_id}:{record.sequence}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role,
            "awsRegion": self._region,
            "eventSourceARN": self.shown_arn,
        }

    def filtered(self, event: dict[str, Any]) -> dict[str, Any]:
        """The members of the record, with the data as text or JSON."""
        members: dict[str, Any] = event["kinesis"]
        text = base64.b64decode(members["data"]).decode(errors="replace")
        return {**members, "data": filters.data(text)}

    def date(self, time: float) -> str:
        """The arrival of a record as failure records tell it."""
        return in_milliseconds(time)
