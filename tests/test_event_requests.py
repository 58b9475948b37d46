"""Requests that AWS refuses, whether a client has checked them or not; never answered 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from lambdalab import Lab
from tests.engine import Refusal, refusal

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:fn"
ROLE = "arn:aws:iam::123456789012:role/taken"
BUS = "arn:aws:events:us-east-1:123456789012:event-bus/default"
RULES = "arn:aws:events:us-east-1:123456789012:rule"
ARCHIVE = "arn:aws:events:us-east-1:123456789012:archive/kept"
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
    events = shared_lab.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["a"]}')
    events.create_event_bus(Name="used")
    events.put_rule(Name="r", EventBusName="used", EventPattern='{"source": ["a"]}')
    events.create_archive(ArchiveName="kept", EventSourceArn=BUS)
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
    # https://github.com/localstack/localstack, tests/aws/services/events, recorded 2024.
    ("events", "CreateConnection",
     {"Name": "a b" * 22, "AuthorizationType": "INVALID", "AuthParameters": {}},
     "ValidationException",
     f"3 validation errors detected: Value '{'a b' * 22}' at 'name' failed to satisfy constraint: "
     f"Member must have length less than or equal to 64; Value '{'a b' * 22}' at 'name' failed to "
     "satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+; "
     "Value 'INVALID' at 'authorizationType' failed to satisfy constraint: Member must satisfy "
     "enum value set: [BASIC, OAUTH_CLIENT_CREDENTIALS, API_KEY]"),
    *(("events", operation, {name: "none"}, "ResourceNotFoundException",
       "Rule none does not exist on EventBus default.")
      for operation, name in (
          ("DescribeRule", "Name"), ("EnableRule", "Name"), ("DisableRule", "Name"),
          ("ListTargetsByRule", "Rule"))),
    ("events", "ListTagsForResource", {"ResourceARN": f"{BUS}-none"}, "ResourceNotFoundException",
     "Event bus default-none does not exist."),
    ("events", "TagResource", {"ResourceARN": f"{RULES}/used/none", "Tags": []},
     "ResourceNotFoundException", "Rule none does not exist on EventBus used."),
    ("events", "RemoveTargets", {"Rule": "r", "Ids": [None]}, "ValidationException",
     "1 validation error detected: Value null at 'ids.1.member' failed to satisfy constraint: "
     "Member must not be null"),
    ("events", "PutTargets",
     {"Rule": "r", "Targets": [{
         "Id": "1", "Arn": FUNCTION,
         "InputTransformer": {"InputPathsMap": {"a": None}, "InputTemplate": "1"}}]},
     "ValidationException",
     "1 validation error detected: Value null at "
     "'targets.1.member.inputTransformer.inputPathsMap.a.member' failed to satisfy constraint: "
     "Member must not be null"),
    ("events", "PutPermission", {"Policy": "[]"}, "ValidationException",
     "Parameter Policy is not valid."),
    ("events", "DescribeEventSource", {"Name": "x"}, "NotImplementedException",
     "Lambda Lab does not act on DescribeEventSource of events yet."),
    ("events", "RemovePermission", {"StatementId": "none"}, "ResourceNotFoundException",
     "Statement with the provided id does not exist."),
    ("events", "ListArchives", {"EventSourceArn": f"{BUS}-none"}, "ResourceNotFoundException",
     "Event bus default-none does not exist."),
    ("events", "CreateArchive",
     {"ArchiveName": "a", "EventSourceArn": BUS, "EventPattern": '{"a": 1}'},
     "InvalidEventPatternException",
     'Event pattern is not valid. Reason: "a" must be an object or an array'),
    ("events", "StartReplay",
     {"ReplayName": "p", "EventSourceArn": ARCHIVE, "EventStartTime": 5, "EventEndTime": 5,
      "Destination": {"Arn": BUS}}, "ValidationException",
     "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime."),
    # https://github.com/hashicorp/terraform-provider-aws/issues/22131
    ("events", "DeleteEventBus", {"Name": "used"}, "ValidationException",
     "EventBus can't be deleted since it has rules."),
    ("scheduler", "CreateSchedule", CALLS["scheduler", "CreateSchedule"] | {"Name": "a b"},
     "ValidationException",
     "1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must "
     "satisfy regular expression pattern: [0-9a-zA-Z-_.]+"),
    ("scheduler", "CreateScheduleGroup", {"Name": "x" * 65}, "ValidationException",
     f"1 validation error detected: Value '{'x' * 65}' at 'name' failed to satisfy constraint: "
     "Member must have length less than or equal to 64"),
    ("scheduler", "DeleteScheduleGroup", {"Name": "default"}, "ValidationException",
     "The default schedule group can't be deleted."),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "given", "code", "text"), SAID)
def test_what_is_said(
    prepared: Lab, service: str, operation: str, given: dict[str, Any], code: str, text: str
) -> None:
    status = 501 if code == "NotImplementedException" else 400
    assert refused(prepared, service, operation, given) == (status, code, text)


def test_what_exists_already_is_a_conflict(prepared: Lab) -> None:
    scheduler, given = prepared.client("scheduler"), CALLS["scheduler", "CreateSchedule"]
    scheduler.create_schedule(**given | {"Name": "twice"})
    said = refusal(scheduler.create_schedule, **given | {"Name": "twice"})
    assert said == (409, "ConflictException", "Schedule twice already exists.")


# https://github.com/localstack/localstack, tests/aws/services, recorded 2024-12 and 2025-01.


def test_a_schedule_is_read_back_with_what_was_not_said(prepared: Lab) -> None:
    scheduler = prepared.client("scheduler")
    target = {"Arn": FUNCTION, "RoleArn": ROLE}
    given = {"ScheduleExpression": "rate(2 minute)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    scheduler.create_schedule(Name="plain", Target=target, **given)
    part = target | {"RetryPolicy": {"MaximumRetryAttempts": 3}}
    scheduler.create_schedule(Name="part", Target=part, **given)
    shown = scheduler.get_schedule(Name="plain")
    assert (shown["ActionAfterCompletion"], shown["State"]) == ("NONE", "ENABLED")
    policy = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert shown["Target"]["RetryPolicy"] == policy
    shown = scheduler.get_schedule(Name="part")
    assert shown["Target"]["RetryPolicy"] == policy | {"MaximumRetryAttempts": 3}
    group = scheduler.get_schedule_group(Name="default")
    assert {"CreationDate", "LastModificationDate"} <= set(group)


def test_buses_and_targets_are_listed(prepared: Lab) -> None:
    events = prepared.client("events")
    (bus,) = events.list_event_buses(NamePrefix="used")["EventBuses"]
    assert list(bus) == ["Name", "Arn", "CreationTime", "LastModifiedTime"]
    # Targets of one ARN, page by page.
    rule = {"Rule": "r", "EventBusName": "used"}
    targets = [{"Id": str(number), "Arn": FUNCTION} for number in range(5)]
    events.put_targets(**rule, Targets=targets)
    page = events.list_targets_by_rule(**rule, Limit=3)
    more = events.list_targets_by_rule(**rule, Limit=3, NextToken=page["NextToken"])
    assert [one["Id"] for one in page["Targets"] + more["Targets"]] == ["0", "1", "2", "3", "4"]
    assert "NextToken" not in more


def test_everybody_may_send_to_a_bus(prepared: Lab) -> None:
    events = prepared.client("events")
    events.put_permission(
        EventBusName="used", Action="events:PutEvents", Principal="*", StatementId="all"
    )
    (statement,) = json.loads(events.describe_event_bus(Name="used")["Policy"])["Statement"]
    assert (statement["Sid"], statement["Principal"]) == ("all", "*")


def test_rules_of_one_name_have_tags_of_their_own(prepared: Lab) -> None:
    events = prepared.client("events")
    tags = [{"Key": "k", "Value": "v"}]
    events.tag_resource(ResourceARN=f"{RULES}/used/r", Tags=tags)
    assert events.list_tags_for_resource(ResourceARN=f"{RULES}/used/r")["Tags"] == tags
    assert events.list_tags_for_resource(ResourceARN=f"{RULES}/r")["Tags"] == []
