"""Log events in the embedded metric format become metrics in moto's CloudWatch.

Whatever writes the events, a function or PutLogEvents: CloudWatch Logs looks for the member
``_aws`` of a JSON object. An event that is not as the specification says stays a log event.
Source:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.imports import after_load

__all__ = ["Datum", "install", "read"]

_MARK = '"_aws"'
_MOST_METRICS = facts.quota("metrics.embedded").value
_MOST_DIMENSIONS = facts.quota("metrics.dimensions").value
_NO_UNIT = "None"


class Datum(NamedTuple):
    """Values of one metric; ``time`` in milliseconds since the epoch."""

    namespace: str
    metric: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    time: int
    values: tuple[float, ...]


def install() -> None:
    """Let CloudWatch Logs look for metrics in what is written to it."""
    after_load("moto.logs.models", _mend)


def read(message: str) -> list[Datum]:
    """The metrics that a log event carries; none where it is not in the embedded metric format."""
    if _MARK not in message:
        return []
    try:
        document = json.loads(message)
        return list(_data(document))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return []


def _data(document: Any) -> Iterator[Datum]:
    """Raises one of several errors where the document is not as the specification says."""
    header = document["_aws"]
    time = int(header["Timestamp"])
    for directive in header["CloudWatchMetrics"]:
        metrics = directive["Metrics"]
        if len(metrics) > _MOST_METRICS:
            raise ValueError("too many metrics")
        for names in directive["Dimensions"]:
            if len(names) > _MOST_DIMENSIONS:
                raise ValueError("too many dimensions")
            dimensions = tuple((name, _text(document[name])) for name in names)
            for metric in metrics:
                values = _values(document.get(metric["Name"]))
                if values:
                    unit = metric.get("Unit", _NO_UNIT)
                    name, space = metric["Name"], directive["Namespace"]
                    yield Datum(space, name, unit, dimensions, time, values)


def _text(value: Any) -> str:
    """A dimension's value: a text, or what is written as one."""
    if isinstance(value, dict | list) or value is None or value == "":
        raise ValueError("no value for a dimension")
    return value if isinstance(value, str) else json.dumps(value)


def _values(target: Any) -> tuple[float, ...]:
    """A metric's values: a number, or a list of them; a member that is missing has none."""
    listed = target if isinstance(target, list) else [] if target is None else [target]
    if len(listed) > _MOST_METRICS:
        raise ValueError("too many values")
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in listed):
        raise ValueError("no number")
    return tuple(map(float, listed))


def _mend(module: ModuleType) -> None:
    module.LogStream.put_log_events = _looking(module.LogStream.put_log_events)


def _looking(original: Callable[..., str]) -> Callable[..., str]:
    def put_log_events(self: Any, log_events: list[dict[str, Any]]) -> str:
        token = original(self, log_events)
        for event in log_events:
            if _MARK in event["message"]:
                _put(self.account_id, self.region, read(event["message"]))
        return token

    return put_log_events


def _put(account: str, region: str, data: list[Datum]) -> None:
    from moto.cloudwatch.models import cloudwatch_backends

    backend = cloudwatch_backends[account][region]
    for one in data:
        member = {
            "MetricName": one.metric,
            "Unit": one.unit,
            "Timestamp": datetime.fromtimestamp(one.time / 1000, UTC).replace(tzinfo=None),
            "Dimensions": [{"Name": name, "Value": value} for name, value in one.dimensions],
            "Values": list(one.values),
        }
        backend.put_metric_data(one.namespace, [member])
