"""Metric filters of moto's CloudWatch Logs: moto keeps them, and counts nothing.

Here each event that matches is a value of the filter's metric; a batch without any is the default
value, where the filter has one. A filter of the same name is replaced, not added.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from lambdalab.imports import after_load
from lambdalab.neighbours.monitoring import logs_subscriptions

__all__ = ["install"]

_Event = Mapping[str, Any]


def install() -> None:
    """Let metric filters count from now on."""
    after_load("moto.logs.models", _mend)


def _mend(module: ModuleType) -> None:
    module.LogStream.put_log_events = _counting(module.LogStream.put_log_events)
    backend = module.LogsBackend
    backend.put_metric_filter = _replacing(backend.put_metric_filter)


def _replacing(original: Callable[..., None]) -> Callable[..., None]:
    def put_metric_filter(
        self: Any, filter_name: str, filter_pattern: str, log_group_name: str, changes: Any
    ) -> None:
        from moto.logs.exceptions import ResourceNotFoundException

        if log_group_name not in self.groups:
            raise ResourceNotFoundException
        logs_subscriptions.check(filter_pattern)
        known = self.filters.metric_filters
        known[:] = [one for one in known if _name(one) != (log_group_name, filter_name)]
        original(self, filter_name, filter_pattern, log_group_name, changes)

    return put_metric_filter


def _name(one: Mapping[str, Any]) -> tuple[str, str]:
    return one["logGroupName"], one["filterName"]


def _counting(original: Callable[..., str]) -> Callable[..., str]:
    def put_log_events(self: Any, log_events: list[dict[str, Any]]) -> str:
        from moto.logs.models import logs_backends

        token = original(self, log_events)
        for one in logs_backends[self.account_id][self.region].filters.metric_filters:
            if one["logGroupName"] == self.log_group.name and log_events:
                _count(self.account_id, self.region, one, log_events)
        return token

    return put_log_events


def _count(account: str, region: str, one: Mapping[str, Any], events: Sequence[_Event]) -> None:
    from moto.cloudwatch.models import cloudwatch_backends

    backend = cloudwatch_backends[account][region]
    for change in one["metricTransformations"]:
        data = list(_data(one["filterPattern"], change, events))
        if data:
            backend.put_metric_data(change["metricNamespace"], data)


def _data(
    pattern: str, change: Mapping[str, Any], events: Sequence[_Event]
) -> Iterator[dict[str, Any]]:
    """The values of one metric: of the events that match, or the default."""
    matched = False
    for event in events:
        fields = logs_subscriptions.fields(pattern, event["message"])
        if fields is None:
            continue
        matched = True
        found = _Selected(event["message"], fields)
        value = found.number(str(change["metricValue"]))
        chosen = {name: found.of(text) for name, text in (change.get("dimensions") or {}).items()}
        if value is not None and None not in chosen.values():
            yield _datum(change, value, event, chosen)
    default = change.get("defaultValue")
    if not matched and default is not None:
        yield _datum(change, float(default), events[-1], {})


def _datum(
    change: Mapping[str, Any], value: float, event: _Event, dimensions: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "MetricName": change["metricName"],
        "Unit": change.get("unit") or "None",
        "Value": value,
        "Timestamp": datetime.fromtimestamp(event["timestamp"] / 1000, UTC).replace(tzinfo=None),
        "Dimensions": [{"Name": name, "Value": str(one)} for name, one in dimensions.items()],
    }


class _Selected:
    """What selectors such as ``$.order.amount`` and ``$size`` find in one event."""

    def __init__(self, message: str, fields: Mapping[str, str]) -> None:
        self._message = message
        self._fields = fields

    def number(self, text: str) -> float | None:
        """A number, or what a selector finds; None where that is no number."""
        try:
            return float(self.of(text) if text.startswith("$") else text)
        except (TypeError, ValueError):
            return None

    def of(self, selector: str) -> Any:
        """What a selector finds; None where that is nothing, or an object."""
        if not selector.startswith("$."):
            name = selector.removeprefix("$")
            return self._fields.get(name, self._fields.get(selector))
        try:
            value = json.loads(self._message)
            for name in selector[2:].split("."):
                value = value[name]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return None if isinstance(value, dict | list) else value
