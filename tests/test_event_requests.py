"""Requests that no client has checked: refused by the service model, never answered 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from lambdalab import Lab
from tests.engine import Refusal

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:fn"
ROLE = "arn:aws:iam::123456789012:role/taken"
WRONG: list[Any] = [5, -1, [], {}, "", "x", [5], {"a": 1}, True, "arn:x", "\0", "9" * 400]

CALLS: dict[tuple[str, str], dict[str, Any]] = {
    ("events", "PutRule"): {
        "Name": "q", "EventPattern": '{"a":[1]}', "ScheduleExpression": "rate(1 minute)",
        "State": "ENABLED", "EventBusName": "default",
    },
    ("events", "PutTargets"): {
        "Rule": "r",
        "Targets": [{
            "Id": "1", "Arn": FUNCTION, "RetryPolicy": {"MaximumRetryAttempts": 1},
            "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:123456789012:q"},
            "InputTransformer": {"InputPathsMap": {"a": "$.a"}, "InputTemplate": '"<a>"'},
        }],
    },
    ("events", "PutEvents"): {
        "Entries": [{
            "Source": "a", "DetailType": "t", "Detail": "{}", "Resources": ["x"], "Time": 1,
            "EventBusName": "default", "TraceHeader": "Root=1",
        }],
    },
    ("events", "TestEventPattern"): {"EventPattern": '{"a":[1]}', "Event": "{}"},
    ("scheduler", "CreateSchedule"): {
        "Name": "s", "ScheduleExpression": "rate(1 minute)",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 3},
        "Target": {
            "Arn": FUNCTION, "RoleArn": ROLE, "Input": "{}",
            "RetryPolicy": {"MaximumRetryAttempts": 1},
        },
        "ScheduleExpressionTimezone": "UTC", "StartDate": 1900000000, "EndDate": 1999999999,
        "GroupName": "default", "ActionAfterCompletion": "DELETE", "State": "ENABLED",
    },
    ("logs", "PutSubscriptionFilter"): {
        "logGroupName": "g", "filterName": "f", "filterPattern": "", "destinationArn": FUNCTION,
        "roleArn": ROLE,
    },
    ("logs", "FilterLogEvents"): {"logGroupName": "g", "filterPattern": "x"},
    ("firehose", "CreateDeliveryStream"): {
        "DeliveryStreamName": "h",
        "ExtendedS3DestinationConfiguration": {
            "RoleARN": ROLE, "BucketARN": "arn:aws:s3:::bucket",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [{
                    "Type": "Lambda",
                    "Parameters": [
                        {"ParameterName": "LambdaArn", "ParameterValue": FUNCTION},
                        {"ParameterName": "BufferSizeInMBs", "ParameterValue": "1"},
                    ],
                }],
            },
        },
    },
    ("firehose", "PutRecord"): {"DeliveryStreamName": "h", "Record": {"Data": b"x"}},
}  # fmt: skip


def broken(value: Any) -> Iterator[Any]:
    """A value with one thing in it that is wrong, or missing."""
    yield from WRONG
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {key: one for key, one in value.items() if key != name}
            for one in broken(inner):
                yield {**value, name: one}
    if isinstance(value, list):
        for place, inner in enumerate(value):
            for one in broken(inner):
                yield [*value[:place], one, *value[place + 1 :]]


def refused(lab: Lab, service: str, operation: str, given: Any) -> Refusal | None:
    """How a request is refused that no client checks; None if it is not, or cannot be sent."""
    config = Config(parameter_validation=False, retries={"max_attempts": 0})
    client = lab.client(service, config=config)
    try:
        getattr(client, xform_name(operation))(**given)
    except ClientError as caught:
        error, metadata = caught.response["Error"], caught.response["ResponseMetadata"]
        return Refusal(metadata["HTTPStatusCode"], error["Code"], error.get("Message", ""))
    except Exception:
        return None
    return None


@pytest.fixture(scope="module")
def prepared(shared_lab: Lab) -> Lab:
    """A lab with a role, a rule and a log group."""
    services = ["scheduler.amazonaws.com", "firehose.amazonaws.com"]
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": services}}
    shared_lab.client("iam").create_role(
        RoleName="taken",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    shared_lab.client("events").put_rule(Name="r", EventPattern='{"source": ["a"]}')
    logs = shared_lab.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    return shared_lab


@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_whatever_is_wrong_is_refused(prepared: Lab, service: str, operation: str) -> None:
    requests = [one for one in broken(CALLS[service, operation]) if isinstance(one, dict)]
    answers = [(one, refused(prepared, service, operation, one)) for one in requests]
    assert [pair for pair in answers if pair[1] is not None and pair[1].status >= 500] == []
    assert sum(answer is not None for _, answer in answers) > len(answers) / 4


# Request, and what AWS says of it: types first, then all else at once.
SAID: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("events", "PutTargets", {"Rule": 5, "Targets": []}, "SerializationException",
     "NUMBER_VALUE can not be converted to String"),
    ("events", "PutTargets", {}, "ValidationException",
     "2 validation errors detected: Value null at 'rule' failed to satisfy constraint: Member "
     "must not be null; Value null at 'targets' failed to satisfy constraint: Member must not be "
     "null"),
    ("events", "PutRule", {"Name": "a b", "State": "ON"}, "ValidationException",
     "2 validation errors detected: Value 'a b' at 'name' failed to satisfy constraint: Member "
     "must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+; Value 'ON' at 'state' failed "
     "to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED, "
     "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]"),
    ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "x" * 65, "Arn": FUNCTION}]},
     "ValidationException",
     f"1 validation error detected: Value '{'x' * 65}' at 'targets.1.member.id' failed to satisfy "
     "constraint: Member must have length less than or equal to 64"),
    ("events", "PutEvents", {"Entries": []}, "ValidationException",
     "1 validation error detected: Value '[]' at 'entries' failed to satisfy constraint: Member "
     "must have length greater than or equal to 1"),
    ("firehose", "PutRecord", {"DeliveryStreamName": True, "Record": {"Data": b"x"}},
     "SerializationException", "BOOLEAN_VALUE can not be converted to String"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "given", "code", "text"), SAID)
def test_what_is_said(
    prepared: Lab, service: str, operation: str, given: dict[str, Any], code: str, text: str
) -> None:
    assert refused(prepared, service, operation, given) == (400, code, text)
