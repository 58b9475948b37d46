"""Metric filters: log events that match are counted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

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
