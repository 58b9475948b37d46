"""moto's CloudWatch alarms: in moto, nothing but SetAlarmState ever changes their state.

Here the alarms that somebody watches are judged by the metric that they name, over the periods that
are over. Alarms of metric math, anomaly bands and composites keep the state that they have.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lambdalab.errors import aws_error

__all__ = ["active"]

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_STATISTICS = {
    "Sum": "sum",
    "Average": "average",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "SampleCount": "sample_count",
}


def active(account: str, region: str, names: list[str], now: float) -> list[str]:
    """Those of the alarms that are in ALARM; raises AwsError for one that does not exist."""
    from moto.cloudwatch.models import cloudwatch_backends

    backend = cloudwatch_backends[account][region]
    found = []
    for name in names:
        alarm = backend.alarms.get(name)
        if alarm is None:
            raise aws_error("deployment.no-alarm", name=name)
        if alarm.state_value != "ALARM":
            _judge(backend, alarm, now)
        if alarm.state_value == "ALARM":
            found.append(name)
    return found


def _judge(backend: Any, alarm: Any, now: float) -> None:
    """Give an alarm the state that its metric earns; one that cannot be judged keeps its own."""
    compare = _COMPARISONS.get(alarm.comparison_operator)
    if compare is None or alarm.statistic not in _STATISTICS or alarm.metric_data_queries:
        return
    values = _values(backend, alarm, now)
    wanted = int(alarm.datapoints_to_alarm or alarm.evaluation_periods)
    missing = alarm.treat_missing_data or "missing"
    breaching = sum(1 for value in values if value is not None and compare(value, alarm.threshold))
    if missing == "breaching":
        breaching += values.count(None)
    if breaching >= wanted:
        alarm.update_state(f"Threshold Crossed: {breaching} datapoints", "{}", "ALARM")
    elif alarm.state_value != "OK" and (missing == "notBreaching" or set(values) != {None}):
        alarm.update_state("Threshold Crossed: no datapoints", "{}", "OK")


def _values(backend: Any, alarm: Any, now: float) -> list[float | None]:
    """The values of the periods that are over, the newest first; None where there is none."""
    period = int(alarm.period)
    end = now // period * period
    starts = [end - period * (place + 1) for place in range(int(alarm.evaluation_periods))]
    return [_value(backend, alarm, start, start + period) for start in starts]


def _value(backend: Any, alarm: Any, start: float, end: float) -> float | None:
    statistics = backend.get_metric_statistics(
        alarm.namespace,
        alarm.metric_name,
        datetime.fromtimestamp(start, UTC).replace(tzinfo=None),
        # An end counts as well in moto: what belongs to the next period is left out.
        datetime.fromtimestamp(end - 1, UTC).replace(tzinfo=None),
        int(alarm.period),
        [alarm.statistic],
        dimensions=[{"Name": one.name, "Value": one.value} for one in alarm.dimensions],
    )
    if not statistics:
        return None
    found: float | None = getattr(statistics[0], _STATISTICS[alarm.statistic])
    return found
