"""Batches that are given up: their records of failure, and where these go.

Queues and topics get what tells the batch, a bucket the event as well.
Source: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from lambdalab.functions.mapping import EventSourceMapping
from lambdalab.neighbours.buckets import s3
from lambdalab.neighbours.messages import sns, sqs
from lambdalab.sources.streams.stream_batch import Batch
from lambdalab.sources.streams.stream_source import StreamSource
from lambdalab.sources.streams.stream_time import in_milliseconds

__all__ = ["EXHAUSTED", "TOO_OLD", "deliver", "failure_record", "object_key"]

EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"


def failure_record(
    mapping: EventSourceMapping,
    source: StreamSource,
    shard_id: str,
    batch: Batch,
    condition: str,
    now: float,
) -> dict[str, Any]:
    """What is told of a batch that was given up."""
    first, last = batch.items[0].record, batch.items[-1].record
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": batch.request_id,
            "functionArn": mapping.function_arn,
            "condition": condition,
            "approximateInvokeCount": batch.attempts,
        }
    }
    if condition == EXHAUSTED:
        record["responseContext"] = batch.response
    return record | {
        "version": "1.0",
        "timestamp": in_milliseconds(now),
        source.batch_info: {
            "shardId": shard_id,
            "startSequenceNumber": str(first.sequence),
            "endSequenceNumber": str(last.sequence),
            "approximateArrivalOfFirstRecord": source.date(first.arrived),
            "approximateArrivalOfLastRecord": source.date(last.arrived),
            "batchSize": len(batch.items),
            "streamArn": source.arn,
        },
    }


def object_key(mapping: EventSourceMapping, shard_id: str, now: float, name: str) -> str:
    """The key under which a bucket gets the record."""
    moment = datetime.fromtimestamp(now, UTC)
    return f"aws/lambda/{mapping.uuid}/{shard_id}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{name}"


async def deliver(
    mapping: EventSourceMapping, record: dict[str, Any], event: str, key: str
) -> str | None:
    """Send a record of failure to where the mapping says; gives the error where that fails."""
    arn = mapping.settings["DestinationConfig"]["OnFailure"]["Destination"]
    try:
        # In a thread: moto is asked, and may block.
        await asyncio.to_thread(_send, mapping, arn, record, event, key)
    except Exception as error:
        return str(getattr(error, "message", None) or error) or type(error).__name__
    return None


def _send(
    mapping: EventSourceMapping, arn: str, record: dict[str, Any], event: str, key: str
) -> None:
    service = arn.split(":")[2]
    if service == "s3":
        body = json.dumps(record | {"payload": event}, separators=(",", ":"))
        s3.put_object(mapping.function.account, arn.split(":::")[1], key, body.encode())
        return
    text = json.dumps(record, separators=(",", ":"))
    if service == "sns":
        sns.publish(arn, text, {})
    else:
        sqs.send(arn, text, {}, None)
