"""Metric filters of moto's CloudWatch Logs: moto keeps them, and counts nothing.

Here each event that matches is a value of the filter's metric; a batch without any is the default
value, where the filter has one. A filter of the same name is replaced, not added, and goes with
its log group. What TestMetricFilter finds in messages is told, too.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from types import ModuleType
from typing import Any

from lambdalab import facts
from lambdalab.imports import after_load
from lambdalab.neighbours.monitoring import logs_subscriptions
from lambdalab.neighbours.request_checks import checked

__all__ = ["install"]

_Event = Mapping[str, Any]
# What says where in a message a value stands: no wildcards.
_SELECTOR = re.compile(r"\$[^*]+")


def install() -> None:
    """Let metric filters count from now on."""
    after_load("moto.logs.models", _mend)
    after_load("moto.logs.responses", _mend_responses)


def _mend(module: ModuleType) -> None:
    module.LogStream.put_log_events = _counting(module.LogStream.put_log_events)
    backend = module.LogsBackend
    backend.put_metric_filter = _replacing(backend.put_metric_filter)
    backend.delete_metric_filter = _if_there(backend.delete_metric_filter)
    backend.delete_log_group = _with_its_filters(backend.delete_log_group)
    module.LogGroup.to_describe_dict = _with_their_number(module.LogGroup.to_describe_dict)


def _mend_responses(module: ModuleType) -> None:
    module.LogsResponse.test_metric_filter = _test
    checked(module.LogsResponse, "logs", {"test_metric_filter": "TestMetricFilter"})


def _test(self: Any) -> str:
    """The operation, which moto lacks."""
    pattern = self._get_param("filterPattern")
    logs_subscriptions.check(pattern, metric=True)
    found = [
        {
            "eventNumber": number,
            "eventMessage": message,
            "extractedValues": {f"${name}": value for name, value in fields.items()},
        }
        for number, message in enumerate(self._get_param("logEventMessages"), 1)
        if (fields := logs_subscriptions.fields(pattern, message)) is not None
    ]
    return json.dumps({"matches": found})


def _replacing(original: Callable[..., None]) -> Callable[..., None]:
    def put_metric_filter(
        self: Any, filter_name: str, filter_pattern: str, log_group_name: str, changes: Any
    ) -> None:
        from moto.core.utils import unix_time_millis, utcnow
        from moto.logs.exceptions import ResourceNotFoundException

        if log_group_name not in self.groups:
            raise ResourceNotFoundException
        logs_subscriptions.check(filter_pattern, metric=True)
        made = [_transformation(filter_pattern, one) for one in changes]
        known = self.filters.metric_filters
        known[:] = [one for one in known if _name(one) != (log_group_name, filter_name)]
        original(self, filter_name, filter_pattern, log_group_name, made)
        known[-1]["creationTime"] = int(unix_time_millis(utcnow()))
        known[-1]["applyOnTransformedLogs"] = False

    return put_metric_filter


def _transformation(pattern: str, change: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of an event, as it is shown later; raises moto's error where it cannot be."""
    if str(change.get("metricNamespace", "")).startswith("AWS/"):
        raise _refusal("logs.reserved-namespace")
    value = str(change.get("metricValue", ""))
    if not _SELECTOR.fullmatch(value) and not _is_number(value):
        raise _refusal("logs.metric-value", value=value)
    if not all(_SELECTOR.fullmatch(str(one)) for one in (change.get("dimensions") or {}).values()):
        raise _refusal("logs.dimension-value")
    default = change.get("defaultValue")
    if change.get("dimensions"):
        if pattern.strip()[:1] not in ("{", "["):
            raise _refusal("logs.no-dimensions")
        if default is not None:
            raise _refusal("logs.default-or-dimensions")
    return dict(change) if default is None else {**change, "defaultValue": float(default)}


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def _if_there(original: Callable[..., None]) -> Callable[..., None]:
    def delete_metric_filter(self: Any, filter_name: str, log_group_name: str) -> None:
        from moto.logs.exceptions import ResourceNotFoundException

        if log_group_name not in self.groups:
            raise ResourceNotFoundException
        known = self.filters.metric_filters
        if (log_group_name, filter_name) not in map(_name, known):
            raise _refusal("logs.filter-missing")
        original(self, filter_name, log_group_name)

    return delete_metric_filter


def _with_its_filters(original: Callable[..., None]) -> Callable[..., None]:
    def delete_log_group(self: Any, log_group_name: str) -> None:
        original(self, log_group_name)
        known = self.filters.metric_filters
        known[:] = [one for one in known if one["logGroupName"] != log_group_name]

    return delete_log_group


def _with_their_number(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def to_describe_dict(self: Any) -> dict[str, Any]:
        from moto.logs.models import logs_backends

        known = logs_backends[self.account_id][self.region].filters.metric_filters
        count = sum(one["logGroupName"] == self.name for one in known)
        return {**original(self), "metricFilterCount": count}

    return to_describe_dict


def _refusal(name: str, **values: str) -> Exception:
    from moto.core.exceptions import JsonRESTError

    message = facts.message(name)
    refusal: Exception = JsonRESTError(message.code or "", message.format(**values))
    return refusal


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
            return self._fields.get(selector.removeprefix("$"))
        found = logs_subscriptions.values(selector, self._message)
        return next((one for one in found if not isinstance(one, dict | list)), None)
