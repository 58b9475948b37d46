"""The event that a function gets of messages in a queue.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html; recorded events of AWS for the
members that are always there.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from lambdalab.neighbours.messages.sqs import Received

__all__ = ["ENVELOPE", "event_of", "record_of", "text_of"]

# What stands around the records, in bytes: a record counts with the comma before it.
ENVELOPE = len('{"Records":[]}')


def record_of(message: Received, arn: str) -> dict[str, Any]:
    """One member of ``Records``."""
    return {
        "messageId": message.id,
        "receiptHandle": message.handle,
        "body": message.body,
        "attributes": message.attributes,
        "messageAttributes": {
            name: _attribute(value) for name, value in message.message_attributes.items()
        },
        "md5OfMessageAttributes": message.md5_of_attributes,
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    """A message attribute as functions see it; what SQS does not have yet is empty."""
    shown: dict[str, Any] = {}
    if "StringValue" in value:
        shown["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        binary = value["BinaryValue"]
        # moto keeps bytes of one protocol, and base64 text of the other.
        shown["binaryValue"] = (
            b64encode(binary).decode("ascii") if isinstance(binary, bytes) else binary
        )
    return {
        **shown,
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }


def event_of(records: list[str]) -> bytes:
    """The event of records that are JSON texts already."""
    return f'{{"Records":[{",".join(records)}]}}'.encode()


def text_of(record: dict[str, Any]) -> str:
    """A record as JSON text."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)
