"""What tests of queues share: queues, a function that tells what it got, mappings, windings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from lambdalab import Lab

# Tells its event; what it does is said by the bodies, or by the variable ANSWER.
TELLER = """import json, os
def handler(event, context):
    print(json.dumps(event))
    if any(one["body"].startswith("fail") for one in event["Records"]):
        raise ValueError("as the message wants it")
    return json.loads(os.environ.get("ANSWER", "null"))
"""
# Names the messages as failed whose body says so.
PARTIAL = """import json
def handler(event, context):
    print(json.dumps(event))
    failed = [one["messageId"] for one in event["Records"] if one["body"].startswith("fail")]
    return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}
"""


class Stage:
    """A lab with clients, and the words of these tests."""

    def __init__(self, lab: Lab, make_function: Callable[..., str]) -> None:
        self.lab = lab
        self.lam: Any = lab.client("lambda")
        self.sqs: Any = lab.client("sqs")
        self.make_function = make_function

    def queue(self, name: str = "q", **attributes: str) -> str:
        """Make a queue; gives its ARN."""
        if name.endswith(".fifo"):
            attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} | attributes
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])

    def url(self, arn: str) -> str:
        return f"{self.lab.endpoint_url}/123456789012/{arn.rpartition(':')[2]}"

    def with_grave(self, most: int, name: str = "q", **attributes: str) -> tuple[str, str]:
        """A queue and its dead-letter queue."""
        suffix = ".fifo" if name.endswith(".fifo") else ""
        grave = self.queue(f"grave{suffix}")
        policy = json.dumps({"deadLetterTargetArn": grave, "maxReceiveCount": most})
        return self.queue(name, RedrivePolicy=policy, **attributes), grave

    def read(self, function: str, arn: str, **settings: Any) -> str:
        """Make a mapping; gives its UUID once it is at rest, and what waits has been processed."""
        uuid = self.read_soon(function, arn, **settings)
        self.wind(1)
        self.wind()
        return uuid

    def read_soon(self, function: str, arn: str, **settings: Any) -> str:
        """Make a mapping; it reads within a second."""
        made = self.lam.create_event_source_mapping(
            FunctionName=function, EventSourceArn=arn, **settings
        )
        return str(made["UUID"])

    def send(self, arn: str, *bodies: str, **more: Any) -> list[str]:
        """Send messages; gives their ids."""
        url = self.url(arn)
        sent = [self.sqs.send_message(QueueUrl=url, MessageBody=body, **more) for body in bodies]
        return [one["MessageId"] for one in sent]

    def wind(self, seconds: float = 0) -> None:
        """Wind the clock; what was started before and on the way is over afterwards."""
        self.lab.clock.advance(seconds=seconds)

    def now(self) -> float:
        return self.lab.clock.now().timestamp()

    def counts(self, arn: str) -> tuple[int, int, int]:
        """How many messages are free, in flight, delayed."""
        kinds = ("", "NotVisible", "Delayed")
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        url = self.url(arn)
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        free, in_flight, delayed = (int(found[name]) for name in names)
        return free, in_flight, delayed

    def events(self, function: str) -> list[dict[str, Any]]:
        """The events that a function got, in their order."""
        logs = self.lab.client("logs")
        group = f"/aws/lambda/{function}"
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return []
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, filterPattern='"Records"'
        )
        return [json.loads(one["message"]) for page in pages for one in page["events"]]

    def bodies(self, function: str) -> list[list[str]]:
        """The bodies of each batch that a function got."""
        return [[one["body"] for one in event["Records"]] for event in self.events(function)]

    def told(self, *kinds: str) -> list[Any]:
        """The records of the timeline of those kinds."""
        return [record for record in self.lab.timeline if record.kind in kinds]

    def shown(self, uuid: str) -> dict[str, Any]:
        """The mapping as the API shows it."""
        found: dict[str, Any] = self.lam.get_event_source_mapping(UUID=uuid)
        return found
