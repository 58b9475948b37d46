"""moto's CloudWatch alarms: in moto, nothing but SetAlarmState ever changes their state.

Here alarms are judged by their metrics, metric math and other alarms. A new alarm has no data yet,
and one that is changed keeps its state; whoever listens hears of each change of state.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import wraps
from types import ModuleType
from typing import Any, NamedTuple

from lambdalab.errors import aws_error
from lambdalab.imports import after_load
from lambdalab.neighbours.monitoring import alarm_history, alarm_rules
from lambdalab.neighbours.monitoring.alarm_metrics import points
from lambdalab.neighbours.monitoring.alarm_rules import (
    ALARM,
    COMPARISONS,
    INSUFFICIENT,
    OK,
    Rule,
    stamp,
)
from lambdalab.neighbours.monitoring.composite_alarms import holds

__all__ = ["Change", "active", "any_known", "install", "judge_all"]


class Change(NamedTuple):
    """An alarm that has another state than before; ``alarm`` is moto's object."""

    alarm: Any
    account: str
    region: str
    old: str
    new: str


# Application Auto Scaling tends its alarms itself.
_TENDED = "TargetTracking-"
_listener: list[Callable[[Change], None]] = []


def install(listen: Callable[[Change], None]) -> None:
    """Let one hear of changes from now on, in whatever thread they happen, and nobody else."""
    _listener[:] = [listen]
    after_load("moto.cloudwatch.models", _mend)
    after_load("moto.cloudwatch.responses", _mend_responses)


def any_known() -> bool:
    """Whether there is any alarm."""
    return next(_alarms(), None) is not None


def judge_all(now: float) -> None:
    """Give every alarm the state that it has earned by a platform time, in seconds."""
    found = list(_alarms())
    for backend, alarm in found:
        if alarm.rule is None:
            _judge(backend, alarm, now)
    for backend, alarm in found:
        if alarm.rule is not None:
            _judge_composite(backend, alarm)


def active(account: str, region: str, names: list[str], now: float) -> list[str]:
    """Those of the alarms that are in ALARM; raises AwsError for one that does not exist."""
    from moto.cloudwatch.models import cloudwatch_backends

    backend = cloudwatch_backends[account][region]
    found = []
    for name in names:
        alarm = backend.alarms.get(name)
        if alarm is None:
            raise aws_error("deployment.no-alarm", name=name)
        if alarm.state_value != ALARM and alarm.rule is None:
            _judge(backend, alarm, now)
        if alarm.state_value == ALARM:
            found.append(name)
    return found


def _alarms() -> Iterator[tuple[Any, Any]]:
    from moto.cloudwatch.models import cloudwatch_backends

    for _, _, backend in cloudwatch_backends.iter_backends():
        for alarm in list(backend.alarms.values()):
            if not alarm.name.startswith(_TENDED):
                yield backend, alarm


def _judge(backend: Any, alarm: Any, now: float) -> None:
    """Give an alarm the state that its metric earns; one that cannot be judged keeps its own."""
    if alarm.comparison_operator not in COMPARISONS:
        return
    periods = int(alarm.evaluation_periods)
    rule = Rule(
        alarm.comparison_operator,
        float(alarm.threshold),
        periods,
        int(alarm.datapoints_to_alarm or periods),
        _treatment(alarm),
    )
    found = points(backend, alarm, now)
    verdict = None if found is None else alarm_rules.judge(rule, found, alarm.state_value)
    if verdict is None or verdict.state == alarm.state_value:
        return
    data = {
        "version": "1.0",
        "queryDate": stamp(now),
        "statistic": alarm.statistic,
        "period": alarm.period,
        "recentDatapoints": [point.value for point in verdict.points],
        "threshold": rule.threshold,
    }
    if verdict.points:
        data["startDate"] = stamp(verdict.points[0].time)
    alarm.update_state(verdict.reason, json.dumps(data), verdict.state)


def _judge_composite(backend: Any, alarm: Any) -> None:
    states = {one.name: one.state_value for one in backend.alarms.values()}
    states |= {one.alarm_arn: one.state_value for one in backend.alarms.values()}
    held = holds(alarm.rule, states)
    state = alarm.state_value if held is None else ALARM if held else OK
    if state != alarm.state_value:
        alarm.update_state(f"{alarm.rule} is {'true' if held else 'false'}", "{}", state)


# What is changed of moto's.


def _mend(module: ModuleType) -> None:
    module.Alarm.__init__ = _beginning(module.Alarm.__init__)
    module.Alarm.update_state = _telling(module.Alarm.update_state)
    backend = module.CloudWatchBackend
    backend.put_metric_alarm = _keeping(backend.put_metric_alarm)


def _mend_responses(module: ModuleType) -> None:
    handler = module.CloudWatchResponse
    # moto's handler reads the rule of a composite alarm, but the operation itself is missing.
    handler.put_composite_alarm = handler.put_metric_alarm
    handler.describe_alarm_history = alarm_history.describe


def _beginning(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def init(self: Any, *given: Any, **named: Any) -> None:
        original(self, *given, **named)
        self.state_value = INSUFFICIENT

    return init


def _telling(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def update_state(self: Any, reason: str, reason_data: str, state_value: str) -> None:
        old = self.state_value
        before = alarm_history.state_of(self)
        original(self, reason, reason_data, state_value)
        if old != state_value:
            alarm_history.changed(self, before)
            account = self.alarm_arn.split(":")[4]
            for listen in _listener:
                listen(Change(self, account, self.region_name, old, state_value))

    return update_state


def _keeping(original: Callable[..., Any]) -> Callable[..., Any]:
    """An alarm that is put again keeps its state and its history."""
    kept = ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp")

    @wraps(original)
    def put_metric_alarm(self: Any, *given: Any, **named: Any) -> Any:
        known = self.alarms.get(named.get("name") or (given[0] if given else None))
        alarm = original(self, *given, **named)
        if known is not None:
            for name in (*kept, "history"):
                setattr(alarm, name, getattr(known, name))
            alarm_history.keep(known, alarm)
        return alarm

    return put_metric_alarm


def _treatment(alarm: Any) -> str:
    """How missing data count; alarms of DynamoDB's metrics ignore them, whatever they say.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    asked = alarm.treat_missing_data or "missing"
    return "ignore" if alarm.namespace == "AWS/DynamoDB" else asked
