"""What tests of streams share: sources, a function that tells what it got, mappings, answers."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from lambdalab import Lab
from tests.engine import wait_until

# A function that tells the gate what it got and does what its records say: data that begins with
# "bad" fails, "names" is named as failed, an event of a window returns the number of its records.
TELLING = """
import base64, json, os, socket

def told(event):
    with socket.create_connection(("127.0.0.1", int(os.environ["GATE"]))) as connection:
        connection.sendall(json.dumps(event).encode() + b"\\n")
        connection.recv(1)

def text(record):
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode(errors="replace")
    return record["dynamodb"]["Keys"]["id"]["S"]

def number(record):
    return record["kinesis" if "kinesis" in record else "dynamodb"][
        "sequenceNumber" if "kinesis" in record else "SequenceNumber"]

def handler(event, context):
    told(event)
    texts = [text(one) for one in event["Records"]]
    if any(one.startswith("bad") for one in texts):
        raise ValueError("bad record")
    named = [number(one) for one in event["Records"] if text(one).startswith("named")]
    answer = {"batchItemFailures": [{"itemIdentifier": one} for one in named]}
    if "window" in event:
        answer["state"] = {"count": event["state"].get("count", 0) + len(texts)}
    return answer
"""


def texts(event: dict[str, Any]) -> list[str]:
    """What the Kinesis records of an event carry."""
    return [base64.b64decode(one["kinesis"]["data"]).decode() for one in event["Records"]]


def make_stream(lab: Lab, name: str = "s", shards: int = 1) -> str:
    kinesis = lab.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    return str(summary["StreamARN"])


def put(lab: Lab, *records: str, key: str = "k", stream: str = "s") -> list[str]:
    """Put records in one request; gives their sequence numbers. ``key:text`` gives a key."""
    rows = []
    for one in records:
        keyed = re.fullmatch(r"(\w+):(.*)", one)
        rows.append(
            {
                "Data": (keyed[2] if keyed else one).encode(),
                "PartitionKey": keyed[1] if keyed else key,
            }
        )
    answer = lab.client("kinesis").put_records(StreamName=stream, Records=rows)
    return [one["SequenceNumber"] for one in answer["Records"]]


def map_stream(lab: Lab, arn: str, function: str, **settings: Any) -> str:
    """Make a mapping from the beginning of a stream, and wait until it is Enabled."""
    lam = lab.client("lambda")
    wanted = {"StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 3} | settings
    if wanted.get("MaximumRetryAttempts") is None:
        del wanted["MaximumRetryAttempts"]
    made = lam.create_event_source_mapping(EventSourceArn=arn, FunctionName=function, **wanted)
    settle(lab, made["UUID"])
    return str(made["UUID"])


def settle(lab: Lab, uuid: str) -> dict[str, Any]:
    """Wind until a mapping is at rest."""
    lab.clock.advance(seconds=1)
    shown: dict[str, Any] = lab.client("lambda").get_event_source_mapping(UUID=uuid)
    assert shown["State"] in ("Enabled", "Disabled"), shown
    return shown


def make_queue(lab: Lab, name: str = "failures") -> str:
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(told["Attributes"]["QueueArn"])


def to(arn: str) -> dict[str, Any]:
    """A DestinationConfig."""
    return {"OnFailure": {"Destination": arn}}


def received(lab: Lab, name: str = "failures") -> list[Any]:
    """All that a queue holds, read as JSON and taken out."""
    sqs = lab.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found: list[Any] = []
    while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in got:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def result(lab: Lab, uuid: str) -> str:
    shown = lab.client("lambda").get_event_source_mapping(UUID=uuid)
    return str(shown["LastProcessingResult"])


__all__ = [
    "TELLING", "make_queue", "make_stream", "map_stream", "put", "received", "result", "settle",
    "texts", "to", "wait_until",
]  # fmt: skip
