"""CloudWatch Logs subscriptions: what a function gets of a log group, and who may give it."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from typing import Any

import pytest

from tests.conftest import MakeFunction
from tests.engine import refusal
from tests.event_stage import Stage, stage

__all__ = ["stage"]

GROUP = "/shop/orders"
NOT_INVOCABLE = (
    400, "InvalidParameterException",
    "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission "
    "to execute your function.",
)  # fmt: skip


def unpacked(event: Any) -> dict[str, Any]:
    """What a function reads out of its event."""
    assert list(event) == ["awslogs"]
    found: dict[str, Any] = json.loads(gzip.decompress(b64decode(event["awslogs"]["data"])))
    return found


def group_arn(stage: Stage, group: str = GROUP) -> str:
    return f"arn:aws:logs:{stage.lab.region}:{stage.lab.account}:log-group:{group}:*"


def make_group(stage: Stage) -> None:
    logs = stage.lab.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")


def subscribe(stage: Stage, pattern: str = "", name: str = "f", group: str = GROUP) -> None:
    stage.lab.client("logs").put_subscription_filter(
        logGroupName=group, filterName=name, filterPattern=pattern, destinationArn=stage.arn
    )


def write(stage: Stage, *messages: str) -> int:
    now = int(stage.lab.clock.now().timestamp() * 1000)
    stage.lab.client("logs").put_log_events(
        logGroupName=GROUP, logStreamName="s",
        logEvents=[{"timestamp": now, "message": message} for message in messages],
    )  # fmt: skip
    return now


@pytest.mark.parametrize("principal", ["logs.amazonaws.com", "logs.us-east-1.amazonaws.com"])
def test_events_that_match_arrive_gzipped(stage: Stage, principal: str) -> None:
    make_group(stage)
    stage.allow(principal, group_arn(stage), SourceAccount=stage.lab.account)
    subscribe(stage, "ERROR")
    now = write(stage, "all is well", "ERROR one", "ERROR two")
    (event,) = stage.events()
    told = unpacked(event)
    ids = [one.pop("id") for one in told["logEvents"]]
    assert told == {
        "messageType": "DATA_MESSAGE", "owner": stage.lab.account, "logGroup": GROUP,
        "logStream": "s", "subscriptionFilters": ["f"],
        "logEvents": [{"timestamp": now, "message": text} for text in ("ERROR one", "ERROR two")],
    }  # fmt: skip
    assert len(set(ids)) == 2
    assert all(len(one) == 56 and one.isdigit() for one in ids)
    assert [one["how"] for one in stage.told("push")] == ["asynchronous"]
    write(stage, "all is well")
    assert stage.events() == []


def test_fields_that_the_pattern_names_come_along(stage: Stage) -> None:
    make_group(stage)
    stage.allow("logs.amazonaws.com", group_arn(stage))
    subscribe(stage, "[level, status = 5*]")
    write(stage, "ERROR 503", "ERROR 404")
    (event,) = stage.events()
    (found,) = unpacked(event)["logEvents"]
    assert found["extractedFields"] == {"level": "ERROR", "status": "503"}


def test_the_log_of_another_function(stage: Stage, make_function: MakeFunction) -> None:
    code = 'def handler(event, context):\n    print("ERROR", event["what"])\n'
    make_function(code, FunctionName="shop")
    stage.lam.invoke(FunctionName="shop", Payload=b'{"what": "before"}')
    group = "/aws/lambda/shop"
    stage.lab.client("logs").describe_log_groups()
    stage.allow("logs.amazonaws.com", group_arn(stage, group))
    subscribe(stage, "ERROR", group=group)
    stage.lam.invoke(FunctionName="shop", Payload=b'{"what": "now"}')
    (event,) = stage.events()
    told = unpacked(event)
    assert [one["message"] for one in told["logEvents"]] == ["ERROR now\n"]
    assert told["logGroup"] == group
    assert told["logStream"].startswith("20")


def test_without_permission_there_is_no_subscription(stage: Stage) -> None:
    make_group(stage)
    logs = stage.lab.client("logs")
    assert refusal(lambda: subscribe(stage)) == NOT_INVOCABLE
    # A permission for another group, or for the group without its streams, does not do.
    stage.allow("logs.amazonaws.com", group_arn(stage, "/other"))
    stage.allow("logs.amazonaws.com", group_arn(stage).removesuffix(":*"))
    stage.allow("events.amazonaws.com", group_arn(stage))
    assert refusal(lambda: subscribe(stage)) == NOT_INVOCABLE
    assert logs.describe_subscription_filters(logGroupName=GROUP)["subscriptionFilters"] == []
    write(stage, "ERROR")
    assert stage.events() == []


def test_a_permission_that_is_taken_back(stage: Stage) -> None:
    make_group(stage)
    stage.lam.add_permission(
        FunctionName="fn", StatementId="logs", Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
    )  # fmt: skip
    subscribe(stage)
    stage.lam.remove_permission(FunctionName="fn", StatementId="logs")
    write(stage, "lost")
    assert stage.events() == []
    (refused,) = stage.told("refused")
    assert refused["source"] == group_arn(stage)


def test_a_function_does_not_get_its_own_log(stage: Stage) -> None:
    stage.lam.invoke(FunctionName="fn", Payload=b"1")
    group = "/aws/lambda/fn"
    stage.allow("logs.amazonaws.com", group_arn(stage, group))
    stage.lab.client("logs").describe_log_groups()
    said = refusal(lambda: subscribe(stage, group=group))
    assert said == (
        400, "InvalidParameterException",
        "The log group provided is reserved for the function logs of the destination function.",
    )  # fmt: skip


def test_two_filters_and_changes(stage: Stage) -> None:
    """Source: https://github.com/localstack/localstack, recorded 2026-02."""
    make_group(stage)
    logs = stage.lab.client("logs")
    stage.allow("logs.amazonaws.com", group_arn(stage))
    subscribe(stage, "ERROR", "one")
    subscribe(stage, "", "two")
    assert refusal(lambda: subscribe(stage, "", "three")) == (
        400, "LimitExceededException", "Resource limit exceeded.",
    )  # fmt: skip
    subscribe(stage, "WARN", "one")
    shown = logs.describe_subscription_filters(logGroupName=GROUP)["subscriptionFilters"]
    assert [(one["filterName"], one["filterPattern"]) for one in shown] == [
        ("one", "WARN"), ("two", ""),
    ]  # fmt: skip
    assert shown[0]["applyOnTransformedLogs"] is False
    write(stage, "ERROR x")
    assert [unpacked(one)["subscriptionFilters"] for one in stage.events()] == [["two"]]
    logs.delete_subscription_filter(logGroupName=GROUP, filterName="two")
    write(stage, "ERROR x")
    assert stage.events() == []
    said = refusal(logs.delete_subscription_filter, logGroupName=GROUP, filterName="two")
    assert said == (
        400, "ResourceNotFoundException", "The specified subscription filter does not exist.",
    )  # fmt: skip


def test_what_cannot_be_subscribed_is_refused(stage: Stage) -> None:
    make_group(stage)
    logs = stage.lab.client("logs")
    place = f"{stage.lab.region}:{stage.lab.account}"

    def said(arn: str, group: str = GROUP) -> Any:
        return refusal(
            logs.put_subscription_filter, logGroupName=group, filterName="f", filterPattern="",
            destinationArn=arn,
        )  # fmt: skip

    assert said(f"arn:aws:lambda:{place}:function:none") == NOT_INVOCABLE
    assert said("arn:aws:lambda:us-east-1:999999999999:function:fn")[1:] == (
        "AccessDeniedException", "Cross-account lambda invocation passing is not allowed. You must "
        "use DestinationPolicies to create cross account lambda triggers.",
    )  # fmt: skip
    assert said(f"arn:aws:kinesis:{place}:stream/s")[1:] == (
        "InvalidParameterException",
        "destinationArn for vendor kinesis cannot be used without roleArn",
    )
    stage.allow("logs.amazonaws.com", group_arn(stage, "/nowhere"))
    assert said(stage.arn, "/nowhere")[:2] == (400, "ResourceNotFoundException")


def test_a_queue_of_functions_stays_lossless_under_many_lines(stage: Stage) -> None:
    make_group(stage)
    stage.allow("logs.amazonaws.com", group_arn(stage))
    subscribe(stage)
    for number in range(20):
        write(stage, *(f"line {number}-{one}" for one in range(50)))
    events = [one for event in stage.events() for one in unpacked(event)["logEvents"]]
    assert {one["message"] for one in events} == {
        f"line {number}-{one}" for number in range(20) for one in range(50)
    }
    assert len(events) == 1000


def test_a_kinesis_stream_as_destination(stage: Stage) -> None:
    make_group(stage)
    kinesis = stage.lab.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    stream = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]
    stage.lab.client("logs").put_subscription_filter(
        logGroupName=GROUP, filterName="f", filterPattern="ERROR",
        destinationArn=stream["StreamARN"], roleArn=stage.role("logs.amazonaws.com"),
    )  # fmt: skip
    write(stage, "ERROR x", "fine")
    stage.lab.clock.run_until_idle()
    shard = kinesis.list_shards(StreamName="s")["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(
        StreamName="s", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = kinesis.get_records(ShardIterator=iterator)["Records"]
    told = json.loads(gzip.decompress(record["Data"]))
    assert [one["message"] for one in told["logEvents"]] == ["ERROR x"]


@pytest.mark.parametrize("pattern", ['"on and on"', ""])
def test_functions_that_write_into_each_others_logs_come_to_an_end(
    stage: Stage, make_function: MakeFunction, pattern: str
) -> None:
    code = "def handler(event, context):\n    print('on and on')\n"
    logs, names = stage.lab.client("logs"), ("ping", "pong")
    arns = {}
    for name in names:
        make_function(code, FunctionName=name)
        arns[name] = stage.arn.replace(":fn", f":{name}")
        logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    for name, other in (names, names[::-1]):
        group = f"/aws/lambda/{name}"
        stage.lam.add_permission(
            FunctionName=other, StatementId="logs", Action="lambda:InvokeFunction",
            Principal="logs.amazonaws.com", SourceArn=group_arn(stage, group),
        )  # fmt: skip
        logs.put_subscription_filter(
            logGroupName=group, filterName="f", filterPattern=pattern, destinationArn=arns[other]
        )
    stage.lam.invoke(FunctionName="ping")
    stage.lab.clock.run_until_idle()
    # The way there, and as often again as Lambda lets other circles go round. Without a pattern the
    # lines that tell of environments' starts, which belong to no request, begin chains as well.
    least, most = (18, 18) if pattern else (18, 600)
    assert least <= len(stage.told("push")) <= most
    assert {one["condition"] for one in stage.told("dropped")} == {"NotImplementedException"}
    assert "in a circle" in stage.told("dropped")[0]["reason"]
    before = len(stage.told("push"))
    stage.lam.invoke(FunctionName="pong")
    stage.lab.clock.run_until_idle()
    assert before < len(stage.told("push")) <= before + most


def test_logs_of_a_function_that_reads_logs_may_be_read(
    stage: Stage, make_function: MakeFunction
) -> None:
    """A line of functions is no circle, however often it is gone along."""
    make_group(stage)
    make_function("def handler(event, context):\n    print('read')\n", FunctionName="first")
    logs, group = stage.lab.client("logs"), "/aws/lambda/first"
    logs.create_log_group(logGroupName=group)
    stage.lam.add_permission(
        FunctionName="first", StatementId="logs", Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com", SourceArn=group_arn(stage),
    )  # fmt: skip
    stage.allow("logs.amazonaws.com", group_arn(stage, group))
    first = stage.arn.replace(":fn", ":first")
    logs.put_subscription_filter(
        logGroupName=GROUP, filterName="f", filterPattern="", destinationArn=first
    )
    subscribe(stage, "read", group=group)
    for number in range(20):
        write(stage, f"line {number}")
        stage.lab.clock.run_until_idle()
    assert len(stage.events()) == 20
    assert stage.told("dropped") == []
