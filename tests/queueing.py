"""What the tests of asynchronous invocation share: obedient functions, and where events end."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tests.engine import wait_until

ACCOUNT, REGION = "123456789012", "us-east-1"

# Fails, or runs too long, or ends its process, as its event says; counts its runs per environment.
OBEYS = """
import os, time
def handler(event, context):
    if event.get("fail"):
        raise ValueError(event["fail"])
    if event.get("exit"):
        os._exit(event["exit"])
    if event.get("sleep"):
        time.sleep(event["sleep"])
    return {"got": event}
"""


class Places(NamedTuple):
    """Where events and records may go; by ARN."""

    queue: str
    topic: str
    bus: str
    bucket: str


def make_places(lab: Any) -> Places:
    """A queue, a topic and a bus (each with a queue behind it, of its name), and a bucket."""
    sqs, sns, events = lab.client("sqs"), lab.client("sns"), lab.client("events")
    for name in ("queue", "topic", "bus"):
        sqs.create_queue(QueueName=name)
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("topic"),
        Attributes={"RawMessageDelivery": "true"},
    )  # fmt: skip
    bus = events.create_event_bus(Name="bus")["EventBusArn"]
    events.put_rule(Name="all", EventBusName="bus", EventPattern='{"source": ["lambda"]}')
    events.put_targets(
        Rule="all", EventBusName="bus", Targets=[{"Id": "queue", "Arn": queue_arn("bus")}]
    )
    lab.client("s3").create_bucket(Bucket="records")
    return Places(queue_arn("queue"), topic, bus, "arn:aws:s3:::records")


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def take(lab: Any, queue: str) -> list[dict[str, Any]]:
    """Everything that is in a queue; it is gone from there."""
    sqs = lab.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found = []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages", []):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found += messages
    return found


def bodies(lab: Any, queue: str) -> list[Any]:
    """What is in a queue, read as JSON; it is gone from there."""
    return [json.loads(message["Body"]) for message in take(lab, queue)]


def send(lam: Any, name: str, event: Any = None, **parameters: Any) -> str:
    """Invoke as Event; gives the request's id."""
    payload = json.dumps({} if event is None else event).encode()
    answer = lam.invoke(FunctionName=name, InvocationType="Event", Payload=payload, **parameters)
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    return str(answer["ResponseMetadata"]["RequestId"])


def of_kind(lab: Any, *kinds: str) -> list[Any]:
    return [record for record in lab.timeline if record.kind in kinds]


def wait_for(lab: Any, kind: str, count: int = 1) -> list[Any]:
    """The records of a kind, once there are so many."""
    wait_until(lambda: len(of_kind(lab, kind)) >= count)
    return of_kind(lab, kind)


def total(lab: Any, name: str, metric: str) -> float:
    """The sum of a metric of a function, over the last days."""
    from datetime import timedelta

    now = lab.clock.now()
    points = lab.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda", MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        StartTime=now - timedelta(days=2), EndTime=now + timedelta(days=1),
        Period=86_400, Statistics=["Sum"],
    )["Datapoints"]  # fmt: skip
    return float(sum(point["Sum"] for point in points))
