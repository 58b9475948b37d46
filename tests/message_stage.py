"""What tests of S3 and SNS share: functions that tell their events, buckets, topics and queues."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from lambdalab import Lab
from tests.queueing import ACCOUNT, REGION, bodies, queue_arn

TELLER = """import json
def handler(event, context):
    print(json.dumps(event))
"""
BUCKET = "arn:aws:s3:::photos"


class Stage:
    """A lab with clients, a function that tells its events, and the words of these tests."""

    def __init__(self, lab: Lab, make_function: Callable[..., str]) -> None:
        self.lab = lab
        self.lam: Any = lab.client("lambda")
        self.s3: Any = lab.client("s3")
        self.sns: Any = lab.client("sns")
        self.sqs: Any = lab.client("sqs")
        self.function = make_function(TELLER, FunctionName="teller")
        self.arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function}"

    # Leave.

    def allow(self, service: str, source: str | None = None, **more: Any) -> None:
        """Let a service call the function."""
        given = {"SourceArn": source} if source else {}
        self.lam.add_permission(
            FunctionName=self.function, StatementId=f"{service}-{len(str(more))}",
            Action="lambda:InvokeFunction", Principal=f"{service}.amazonaws.com", **given, **more,
        )  # fmt: skip

    # Buckets.

    def bucket(self, *events: str, **filters: str) -> None:
        """A bucket that tells the function of events, all creations where none are given."""
        self.s3.create_bucket(Bucket="photos")
        self.allow("s3", BUCKET, SourceAccount=ACCOUNT)
        self.notify(self.rule(*events, **filters))

    def rule(self, *events: str, **filters: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            "LambdaFunctionArn": self.arn,
            "Events": list(events) or ["s3:ObjectCreated:*"],
        }
        rules = [{"Name": name, "Value": value} for name, value in filters.items()]
        return found | ({"Filter": {"Key": {"FilterRules": rules}}} if rules else {})

    def notify(self, *rules: dict[str, Any], **more: Any) -> None:
        """Configure the bucket."""
        self.s3.put_bucket_notification_configuration(
            Bucket="photos",
            NotificationConfiguration={"LambdaFunctionConfigurations": list(rules), **more},
        )

    def put(self, key: str, body: bytes = b"content", **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.s3.put_object(Bucket="photos", Key=key, Body=body, **more)
        return made

    # Topics and queues.

    def topic(self, name: str = "news", **attributes: str) -> str:
        return str(self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"])

    def queue(self, name: str, policy: dict[str, Any] | None = None) -> str:
        """Make a queue; gives its ARN."""
        attributes = {"Policy": json.dumps({"Statement": policy})} if policy else {}
        self.sqs.create_queue(QueueName=name, Attributes=attributes)
        return queue_arn(name)

    def subscribe(self, topic: str, **attributes: Any) -> str:
        """Subscribe the function; attributes that are no texts are written as JSON."""
        made = self.sns.subscribe(
            TopicArn=topic, Protocol="lambda", Endpoint=self.arn,
            Attributes={
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in attributes.items()
            },
        )  # fmt: skip
        return str(made["SubscriptionArn"])

    def publish(self, topic: str, message: str = "hello", **more: Any) -> str:
        return str(self.sns.publish(TopicArn=topic, Message=message, **more)["MessageId"])

    # What came of it.

    def settle(self) -> None:
        """Return once nothing is under way."""
        self.lab.clock.advance(seconds=0)

    def records(self) -> list[dict[str, Any]]:
        """The one record of each event that the function has got, in their order."""
        self.settle()
        logs = self.lab.client("logs")
        group = f"/aws/lambda/{self.function}"
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return []
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, filterPattern='"Records"'
        )
        events = [json.loads(one["message"]) for page in pages for one in page["events"]]
        assert all(len(event["Records"]) == 1 for event in events)
        return [event["Records"][0] for event in events]

    def in_queue(self, name: str) -> list[Any]:
        """What a queue holds, read as JSON; it is gone from there."""
        self.settle()
        return bodies(self.lab, name)

    def told(self, *kinds: str) -> list[Any]:
        """The records of the timeline of those kinds."""
        return [record for record in self.lab.timeline if record.kind in kinds]


def attributes(**given: tuple[str, Any]) -> dict[str, Any]:
    """Message attributes, as (data type, value) by name."""
    return {
        name: {"DataType": kind, "BinaryValue" if kind == "Binary" else "StringValue": value}
        for name, (kind, value) in given.items()
    }
