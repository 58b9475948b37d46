"""DescribeAlarmHistory, which moto lacks: changes of state, and actions that were done.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmHistory.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

__all__ = ["changed", "describe", "done", "keep", "seconds", "state_of"]

_KEPT = "lambdalab_history"
_MOST = 100


def state_of(alarm: Any) -> dict[str, Any]:
    """An alarm's state as its history tells it."""
    told = {"stateValue": alarm.state_value, "stateReason": alarm.state_reason}
    if alarm.state_reason_data:
        told["stateReasonData"] = json.loads(alarm.state_reason_data)
    return told


def changed(alarm: Any, before: dict[str, Any]) -> None:
    """An alarm has another state than before."""
    after = state_of(alarm)
    summary = f"Alarm updated from {before['stateValue']} to {after['stateValue']}"
    data = {"version": "1.0", "oldState": before, "newState": after}
    _add(alarm, "StateUpdate", summary, data)


def done(alarm: Any, action: str, error: str | None) -> None:
    """An action was done, or could not be."""
    if error is None:
        summary = f"Successfully executed action {action}"
    else:
        summary = f'Failed to execute action {action}. Received error: "{error}"'
    data = {
        "actionState": "Succeeded" if error is None else "Failed",
        "notificationResource": action,
        "stateUpdateTimestamp": int(seconds(alarm.state_updated_timestamp) * 1000),
        "publishedMessage": None,
        "error": error,
    }
    _add(alarm, "Action", summary, data)


def keep(known: Any, alarm: Any) -> None:
    """An alarm was put again: it has the history of the one before."""
    setattr(alarm, _KEPT, getattr(known, _KEPT, []))


def _add(alarm: Any, kind: str, summary: str, data: dict[str, Any]) -> None:
    from moto.core.utils import utcnow

    item = {
        "AlarmName": alarm.name,
        "AlarmType": "MetricAlarm" if alarm.rule is None else "CompositeAlarm",
        "Timestamp": utcnow(),
        "HistoryItemType": kind,
        "HistorySummary": summary,
        "HistoryData": json.dumps(data),
    }
    alarm.__dict__.setdefault(_KEPT, []).append(item)


def describe(self: Any) -> Any:
    """The operation, as a method of moto's handler."""
    from moto.core.responses import ActionResult

    name, kind = self._get_param("AlarmName"), self._get_param("HistoryItemType")
    alarms = self.cloudwatch_backend.alarms.values()
    items = [
        item
        for alarm in alarms
        if not name or alarm.name == name
        for item in getattr(alarm, _KEPT, [])
        if not kind or item["HistoryItemType"] == kind
    ]
    newest_first = self._get_param("ScanBy") != "TimestampAscending"
    items.sort(key=lambda item: item["Timestamp"], reverse=newest_first)
    most = int(self._get_param("MaxRecords") or _MOST)
    return ActionResult({"AlarmHistoryItems": items[:most]})


def seconds(timestamp: datetime) -> float:
    """A time of moto's as seconds since the epoch."""
    return timestamp.replace(tzinfo=UTC).timestamp()
