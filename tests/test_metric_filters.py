"""Metric filters: log events that match are counted."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from botocore.config import Config

from lambdalab import Lab
from tests.engine import refusal

ORDERS = [
    json.dumps({"level": "INFO", "order": {"amount": amount, "country": place}})
    for amount, place in ((20, "FI"), (30, "FI"), (5, "SE"))
]


class Logs:
    """A log group ``shop`` with a stream, and what its filters count in the namespace ``shop``."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.client = lab.client("logs")
        self.client.create_log_group(logGroupName="shop")
        self.client.create_log_stream(logGroupName="shop", logStreamName="s")

    def filter(self, pattern: str, name: str = "filter", **changes: Any) -> None:
        change = {"metricName": "found", "metricNamespace": "shop", "metricValue": "1"} | changes
        self.client.put_metric_filter(
            logGroupName="shop",
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[change],
        )

    def write(self, *messages: str) -> None:
        stamp = int(self._lab.clock.now().timestamp() * 1000)
        self.client.put_log_events(
            logGroupName="shop",
            logStreamName="s",
            logEvents=[{"timestamp": stamp, "message": message} for message in messages],
        )

    def counted(self, **dimensions: str) -> tuple[float, float] | None:
        """How many values there are, and their sum."""
        now = self._lab.clock.now()
        found = self._lab.client("cloudwatch").get_metric_statistics(
            Namespace="shop",
            MetricName="found",
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=["SampleCount", "Sum"],
        )["Datapoints"]
        return (found[0]["SampleCount"], found[0]["Sum"]) if found else None


@pytest.fixture
def logs(lab: Lab) -> Logs:
    return Logs(lab)


def test_what_matches_is_counted(logs: Logs) -> None:
    logs.filter("ERROR")
    logs.write("an ERROR", "all is well", "ERROR again")
    assert logs.counted() == (2.0, 2.0)
    logs.write("all is well")
    assert logs.counted() == (2.0, 2.0)


def test_a_value_and_its_dimensions_may_come_from_the_event(logs: Logs) -> None:
    value, places = "$.order.amount", {"country": "$.order.country"}
    logs.filter("{ $.order.amount > 0 }", metricValue=value, dimensions=places)
    logs.write(*ORDERS, json.dumps({"order": {"amount": 7}}))
    assert logs.counted(country="FI") == (2.0, 50.0)
    assert logs.counted(country="SE") == (1.0, 5.0)
    assert logs.counted() is None


def test_a_field_between_blanks_may_be_the_value(logs: Logs) -> None:
    logs.filter("[address, status, size]", metricValue="$size")
    logs.write("127.0.0.1 200 1500", "127.0.0.1 404 -", "one two")
    assert logs.counted() == (1.0, 1500.0)


def test_without_a_match_the_default_counts(logs: Logs) -> None:
    logs.filter("ERROR", defaultValue=0)
    logs.write("all is well", "still")
    assert logs.counted() == (1.0, 0.0)
    logs.write("an ERROR")
    assert logs.counted() == (2.0, 1.0)


def test_a_value_may_stand_in_a_list(logs: Logs) -> None:
    logs.filter("{ $.sizes[1] = * }", metricValue="$.sizes[1]", dimensions={"a": "$.['b.c']"})
    logs.write(json.dumps({"sizes": [1, 7], "b.c": "x"}))
    assert logs.counted(a="x") == (1.0, 7.0)


def test_a_filter_goes_with_its_group(logs: Logs) -> None:
    logs.filter("ERROR", defaultValue=0)
    (group,) = logs.client.describe_log_groups()["logGroups"]
    (known,) = logs.client.describe_metric_filters(metricName="found", metricNamespace="shop")[
        "metricFilters"
    ]
    assert (group["metricFilterCount"], known["applyOnTransformedLogs"]) == (1, False)
    assert known["metricTransformations"][0]["defaultValue"] == 0.0
    logs.client.delete_log_group(logGroupName="shop")
    assert logs.client.describe_metric_filters()["metricFilters"] == []


def test_a_filter_of_the_same_name_takes_the_place_of_the_first(logs: Logs) -> None:
    logs.filter("ERROR")
    logs.filter("WARN")
    (known,) = logs.client.describe_metric_filters(logGroupName="shop")["metricFilters"]
    assert known["filterPattern"] == "WARN"
    logs.write("an ERROR", "a WARN")
    assert logs.counted() == (1.0, 1.0)


def test_what_cannot_count_is_refused(logs: Logs) -> None:
    assert refusal(logs.filter, pattern="{ $.a = ").code == "InvalidParameterException"
    logs.client.delete_log_group(logGroupName="shop")
    assert refusal(logs.filter, pattern="ERROR").code == "ResourceNotFoundException"


# What AWS answered, by the recordings of LocalStack and by reports of users.
REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("put_metric_filter", {"filterName": "x" * 513}, "InvalidParameterException",
     "at 'filterName' failed to satisfy constraint: Member must have length less than or equal"),
    ("put_metric_filter", {"filterPattern": "x" * 1025}, "InvalidParameterException",
     "at 'filterPattern' failed to satisfy constraint: Member must have length less than or"),
    ("put_metric_filter", {"metricTransformations": {"dimensions": {"a": "$.a"}}},
     "InvalidParameterException", "The specified filter pattern does not support dimensions"),
    ("put_metric_filter", {"filterPattern": "{ $.a = 1 }",
                           "metricTransformations": {"dimensions": {"a": "$.a"},
                                                     "defaultValue": 0}},
     "InvalidParameterException",
     "dimensions and default value are mutually exclusive properties"),
    ("put_metric_filter", {"filterPattern": "{ $.a = }"}, "InvalidParameterException",
     "Invalid metric filter pattern"),
    ("put_metric_filter", {"metricTransformations": {"metricValue": "$.items[*].value"}},
     "InvalidParameterException",
     "Invalid metric transformation: metric value $.items[*].value must be a valid number"),
    ("put_metric_filter", {"filterPattern": "{ $.a = 1 }",
                           "metricTransformations": {"dimensions": {"a": "$.items[*].b"}}},
     "InvalidParameterException",
     "Invalid metric transformation: dimension value must be valid selector"),
    ("put_metric_filter", {"metricTransformations": {"metricNamespace": "AWS/Lambda"}},
     "InvalidParameterException", "Metric namespaces starting with AWS/ are reserved for AWS."),
    ("delete_metric_filter", {"logGroupName": "x" * 513}, "InvalidParameterException",
     "Invalid LogGroup or LogStream, both must have length less than or equal to 512."),
    ("delete_metric_filter", {"filterName": "none"}, "ResourceNotFoundException", ""),
    ("delete_metric_filter", {"logGroupName": "none"}, "ResourceNotFoundException",
     "The specified log group does not exist."),
    ("filter_log_events", {"limit": 10001}, "InvalidParameterException",
     "Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or "
     "equal to 10000"),
    ("filter_log_events", {"nextToken": "invalid-token"}, "InvalidParameterException",
     "The specified nextToken is invalid."),
    ("get_log_events", {"logStreamName": "none"}, "ResourceNotFoundException",
     "The specified log stream does not exist."),
    ("create_log_stream", {"logStreamName": "s"}, "ResourceAlreadyExistsException",
     "The specified log stream already exists"),
    ("test_metric_filter", {"filterPattern": "{ $.a", "logEventMessages": ["x"]},
     "InvalidParameterException", "If a filter pattern starts with '{' it must end with '}'"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "given", "code", "text"), REFUSED)
def test_refusals_of_the_logs(
    logs: Logs, lab: Lab, operation: str, given: dict[str, Any], code: str, text: str
) -> None:
    client = lab.client("logs", config=Config(parameter_validation=False))
    change = {"metricName": "found", "metricNamespace": "a:b", "metricValue": "1"}
    changes = given.pop("metricTransformations", {})
    members: dict[str, Any] = {"logGroupName": "shop"}
    if "metric_filter" in operation and "test" not in operation:
        members |= {"filterName": "filter"}
    if operation == "put_metric_filter":
        members |= {"filterPattern": "ERROR", "metricTransformations": [change | changes]}
    if operation == "test_metric_filter":
        members = {}
    said = refusal(getattr(client, operation), **(members | given))
    assert said[:2] == (400, code)
    assert text in said.message


def test_a_pattern_is_tested_on_messages(logs: Logs) -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html
    lines = [
        f'127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /a.gif HTTP/1.0" {status} 1534'
        for status in (200, 500, 200)
    ]
    found = logs.client.test_metric_filter(
        filterPattern="[..., status_code=200, size]", logEventMessages=lines
    )["matches"]
    assert [one["eventNumber"] for one in found] == [1, 3]
    assert found[0]["eventMessage"] == lines[0]
    assert found[0]["extractedValues"] == {
        "$1": "127.0.0.1", "$2": "-", "$3": "frank", "$4": "10/Oct/2000:13:25:15 -0700",
        "$5": "GET /a.gif HTTP/1.0", "$status_code": "200", "$size": "1534",
    }  # fmt: skip


def test_events_of_all_streams_are_found_by_their_time(logs: Logs) -> None:
    logs.client.create_log_stream(logGroupName="shop", logStreamName="other")
    now = int(time.time() * 1000)
    for stream, times in (("s", (1, 3)), ("other", (2, 4))):
        events = [{"timestamp": now + one, "message": str(one)} for one in times]
        logs.client.put_log_events(logGroupName="shop", logStreamName=stream, logEvents=events)
    found = logs.client.filter_log_events(logGroupName="shop")["events"]
    assert [one["message"] for one in found] == ["1", "2", "3", "4"]
    assert {len(one["eventId"]) for one in found} == {56}


def test_a_function_is_counted_by_what_it_prints(
    logs: Logs, lab: Lab, lam: Any, make_function: Any
) -> None:
    name = make_function("def handler(event, context):\n    print('sold', event)\n")
    lam.invoke(FunctionName=name, Payload=b"1")
    logs.client.put_metric_filter(
        logGroupName=f"/aws/lambda/{name}",
        filterName="sold",
        filterPattern="sold",
        metricTransformations=[
            {"metricName": "found", "metricNamespace": "shop", "metricValue": "1"}
        ],
    )
    lam.invoke(FunctionName=name, Payload=b"2")
    assert logs.counted() == (1.0, 1.0)
