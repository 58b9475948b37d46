"""Traces through queues, topics and buckets, and functions that call themselves through them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab, facts
from tests.engine import wait_until
from tests.message_stage import Stage
from tests.queueing import queue_arn

# Recorded: LocalStack's snapshots of August 2023, test_xray_header of S3, SNS and SQS.
TRACE = "Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1"
ROUNDS = facts.quota("recursion.rounds").value
SEND = """import boto3, os
client = boto3.client(os.environ["SERVICE"])
def handler(event, context):
    {call}
"""
# What a function does that starts itself again.
CALLS = {
    "queue": ("sqs", "client.send_message(QueueUrl='q', MessageBody='x')"),
    "queue, with attributes": (
        "sqs",
        "client.send_message(QueueUrl='q', MessageBody='x', MessageAttributes="
        "{'a': {'DataType': 'String', 'StringValue': 'b'}})",
    ),
    "queue, in a batch": (
        "sqs",
        "client.send_message_batch(QueueUrl='q', Entries=[{'Id': 'a', 'MessageBody': 'x'}])",
    ),
    "topic": (
        "sns",
        "client.publish(TopicArn='arn:aws:sns:us-east-1:123456789012:news', Message='x')",
    ),
    "topic and queue": (
        "sns",
        "client.publish(TopicArn='arn:aws:sns:us-east-1:123456789012:other', Message='x')",
    ),
    "bucket": ("s3", "client.put_object(Bucket='photos', Key='k', Body=b'x')"),
    "bucket, in another way": (
        "s3",
        "client.copy_object(Bucket='photos', Key='k', CopySource='photos/k', Metadata={},"
        " MetadataDirective='REPLACE')",
    ),
}


@pytest.fixture
def stage(lab: Lab, make_function: Callable[..., str]) -> Stage:
    return Stage(lab, make_function)


def traced(client: Any) -> Any:
    """Let a client send the header that the SDK adds inside functions."""

    def add(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["X-Amzn-Trace-Id"] = TRACE

    client.meta.events.register("before-call", add)
    return client


def headers_in(stage: Stage, name: str) -> list[str | None]:
    """The trace of each message of a queue."""
    url = stage.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found = stage.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["AWSTraceHeader"]
    )
    return [one.get("Attributes", {}).get("AWSTraceHeader") for one in found.get("Messages", [])]


def test_a_trace_goes_into_queues(stage: Stage) -> None:
    stage.queue("q")
    url = stage.sqs.get_queue_url(QueueName="q")["QueueUrl"]
    other = TRACE.replace("Sampled=1", "Sampled=0")
    stage.sqs.send_message(QueueUrl=url, MessageBody="none")
    traced(stage.sqs).send_message(QueueUrl=url, MessageBody="plain")
    stage.sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x"}])
    stage.sqs.send_message(
        QueueUrl=url, MessageBody="named",
        MessageSystemAttributes={
            "AWSTraceHeader": {"DataType": "String", "StringValue": other}
        },
    )  # fmt: skip
    named = {"AWSTraceHeader": {"DataType": "String", "StringValue": other}}
    entries = [
        {"Id": "a", "MessageBody": "x"},
        {"Id": "b", "MessageBody": "x", "MessageSystemAttributes": named},
    ]
    stage.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert headers_in(stage, "q") == [None, TRACE, TRACE, other, TRACE, other]


def test_a_trace_goes_through_topics_and_buckets(stage: Stage) -> None:
    stage.s3.create_bucket(Bucket="photos")
    policy = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    queue, topic = stage.queue("q", policy), stage.topic()
    stage.sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({"Statement": [policy]})
    )
    stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    stage.notify(
        QueueConfigurations=[{"QueueArn": queue, "Events": ["s3:ObjectCreated:Put"]}],
        TopicConfigurations=[{"TopicArn": topic, "Events": ["s3:ObjectCreated:Copy"]}],
    )
    assert headers_in(stage, "q") == [None, None], "of the test events"
    traced(stage.s3).put_object(Bucket="photos", Key="a", Body=b"")
    stage.s3.copy_object(Bucket="photos", Key="b", CopySource="photos/a")
    traced(stage.sns).publish(TopicArn=topic, Message="x")
    assert headers_in(stage, "q") == [TRACE] * 3


def connect(stage: Stage, function: str, kind: str) -> None:
    """Let what the function does start it again."""
    arn = stage.arn.replace("teller", function)
    for service in ("s3", "sns"):
        stage.lam.add_permission(
            FunctionName=function, StatementId=service, Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
        )  # fmt: skip
    if "queue" in kind:
        stage.queue("q")
        stage.lam.create_event_source_mapping(FunctionName=function, EventSourceArn=queue_arn("q"))
    if "topic" in kind:
        stage.sns.subscribe(TopicArn=stage.topic(), Protocol="lambda", Endpoint=arn)
        stage.sns.subscribe(TopicArn=stage.topic("other"), Protocol="sqs", Endpoint=queue_arn("q"))
    if "bucket" in kind:
        stage.s3.create_bucket(Bucket="photos")
        stage.put("k")
        stage.notify(stage.rule() | {"LambdaFunctionArn": arn})


@pytest.mark.parametrize("kind", CALLS)
def test_a_function_that_starts_itself_is_stopped(
    stage: Stage, make_function: Callable[..., str], kind: str
) -> None:
    service, call = CALLS[kind]
    call = call.replace("'q'", repr(f"{stage.lab.endpoint_url}/123456789012/q"))
    looping = make_function(
        SEND.format(call=call), FunctionName="looping", Timeout=30, MemorySize=1769,
        Environment={"Variables": {"SERVICE": service}},
    )  # fmt: skip
    connect(stage, looping, kind)
    stage.lam.invoke(FunctionName=looping, InvocationType="Event")

    def of(wanted: str) -> list[Any]:
        return [one for one in stage.told(wanted) if one.function == looping]

    (stopped,) = wait_until(lambda: of("throttle"), 60)
    assert stopped.detail["reason"] == "RecursiveInvocation"
    stage.settle()
    runs = of("invoke")
    assert len(runs) == ROUNDS
    assert {one.detail["status"] for one in runs} == {"success"}
