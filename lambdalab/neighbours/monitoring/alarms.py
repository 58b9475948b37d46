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

from lambdalab import facts
from lambdalab.errors import aws_error
from lambdalab.imports import after_load
from lambdalab.neighbours.monitoring import alarm_history, alarm_requests, alarm_rules
from lambdalab.neighbours.monitoring.alarm_metrics import period_of, points
from lambdalab.neighbours.monitoring.alarm_rules import (
    ALARM,
    INSUFFICIENT,
    OK,
    Point,
    Rule,
    Verdict,
    stamp,
)
from lambdalab.neighbours.monitoring.composite_alarms import holds, named

__all__ = ["Change", "active", "any_known", "any_short", "install", "judge_all", "told_state"]


class Change(NamedTuple):
    """An alarm that has another state than before; ``alarm`` is moto's object.

    ``before`` is the old state as events tell it.
    """

    alarm: Any
    account: str
    region: str
    old: str
    new: str
    before: dict[str, Any]


_MINUTE = 60
# Application Auto Scaling tends its alarms itself.
_TENDED = "TargetTracking-"
_listener: list[Callable[[Change], None]] = []
_hurried: list[Callable[[], None]] = []


def install(listen: Callable[[Change], None], hurry: Callable[[], None]) -> None:
    """Let one hear of changes from now on, in whatever thread they happen, and nobody else.

    ``hurry`` is called when an alarm was put that is judged more often than once a minute.
    """
    _listener[:] = [listen]
    _hurried[:] = [hurry]
    after_load("moto.cloudwatch.models", _mend)
    after_load("moto.cloudwatch.responses", _mend_responses)


def any_known() -> bool:
    """Whether there is any alarm."""
    return next(_alarms(), None) is not None


def judge_all(now: float) -> None:
    """Give every alarm the state that it has earned by a platform time, in seconds."""
    for backend, alarm in list(_alarms()):
        if alarm.rule is None:
            _judge(backend, alarm, now)


def any_short() -> bool:
    """Whether there is any alarm whose periods are shorter than a minute."""
    return any(alarm.rule is None and period_of(alarm) < _MINUTE for _, alarm in _alarms())


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
    periods = int(alarm.evaluation_periods)
    rule = Rule(
        alarm.comparison_operator,
        float(alarm.threshold),
        periods,
        int(alarm.datapoints_to_alarm or periods),
        _treatment(alarm),
        alarm.datapoints_to_alarm is not None,
    )
    found = points(backend, alarm, now)
    if found is None or _too_few(alarm, found[:periods]):
        return
    verdict = alarm_rules.judge(rule, found)
    if verdict is not None and verdict.state != alarm.state_value:
        data = json.dumps(_reason_data(alarm, rule, verdict, now))
        alarm.update_state(verdict.reason, data, verdict.state)


def _reason_data(alarm: Any, rule: Rule, verdict: Verdict, now: float) -> dict[str, Any]:
    """What a state is founded on; members are missing where an alarm has no such thing."""
    real = [point for point in verdict.points if point.value is not None]
    data = {
        "version": "1.0",
        "queryDate": stamp(now),
        "startDate": stamp(real[-1].time) if real else None,
        "unit": alarm.unit,
        "statistic": alarm.statistic or alarm.extended_statistic,
        "period": period_of(alarm),
        "recentDatapoints": [point.value for point in reversed(real)],
        "threshold": rule.threshold,
        "evaluatedDatapoints": [_evaluated(point) for point in verdict.points],
    }
    return {name: value for name, value in data.items() if value is not None}


def _evaluated(point: Point) -> dict[str, Any]:
    told = {"timestamp": stamp(point.time), "sampleCount": point.samples, "value": point.value}
    return {name: value for name, value in told.items() if value is not None}


def _too_few(alarm: Any, found: list[Point]) -> bool:
    """Whether a percentile is of too few values for an alarm that wants to ignore such.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
    """
    name = alarm.extended_statistic or ""
    if alarm.evaluate_low_sample_count_percentile != "ignore" or not name.startswith("p"):
        return False
    share = float(name[1:]) / 100
    needed = 10 / max(min(share, 1 - share), 1e-9)
    return sum(point.samples or 0 for point in found) < needed


def judge_composites(backend: Any, cause: Any) -> None:
    """Give the composite alarms the states that they have earned; ``cause`` has a new one."""
    for alarm in list(backend.alarms.values()):
        if alarm.rule is not None:
            _judge_composite(backend, alarm, cause)


def _judge_composite(backend: Any, alarm: Any, cause: Any) -> None:
    by_name = {name: one for one in backend.alarms.values() for name in (one.name, one.alarm_arn)}
    held = holds(alarm.rule, {name: one.state_value for name, one in by_name.items()})
    state = alarm.state_value if held is None else ALARM if held else OK
    if state == alarm.state_value:
        return
    if cause is None:
        new = alarm.state_value == INSUFFICIENT
        words = facts.message("alarm.created" if new else "alarm.updated")
        reason = words.format(arn=alarm.alarm_arn, state=state)
        causes = [by_name[name] for name in named(alarm.rule) if name in by_name]
    else:
        when = f"{cause.state_updated_timestamp:%A %d %B, %Y %H:%M:%S} UTC"
        reason = facts.message("alarm.transitioned").format(
            arn=cause.alarm_arn, state=cause.state_value, time=when
        )
        causes = [cause]
    data = {"triggeringAlarms": [_triggering(one) for one in causes]}
    alarm.update_state(reason, json.dumps(data), state)


def _triggering(alarm: Any) -> dict[str, Any]:
    when = stamp(alarm_history.seconds(alarm.state_updated_timestamp))
    return {"arn": alarm.alarm_arn, "state": {"value": alarm.state_value, "timestamp": when}}


# What is changed of moto's.


def _mend(module: ModuleType) -> None:
    module.Alarm.__init__ = _beginning(module.Alarm.__init__)
    module.Alarm.update_state = _telling(module, module.Alarm.update_state)
    backend = module.CloudWatchBackend
    backend.put_metric_alarm = _keeping(backend.put_metric_alarm)


def _mend_responses(module: ModuleType) -> None:
    handler = module.CloudWatchResponse
    # moto's handler reads the rule of a composite alarm, but the operation itself is missing.
    handler.put_composite_alarm = handler.put_metric_alarm
    handler.describe_alarm_history = alarm_history.describe
    alarm_requests.mend(handler)


def _beginning(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def init(self: Any, *given: Any, **named: Any) -> None:
        original(self, *given, **named)
        self.state_value = INSUFFICIENT
        self.state_reason_data = None
        self.state_transitioned_timestamp = self.state_updated_timestamp
        # An alarm of one metric does not tell of others, not even that there are none.
        self.metric_data_queries = self.metric_data_queries or None

    return init


def told_state(alarm: Any) -> dict[str, Any]:
    """An alarm's state as events tell it."""
    when = stamp(alarm_history.seconds(alarm.state_updated_timestamp))
    told = {
        "value": alarm.state_value,
        "reason": alarm.state_reason,
        "reasonData": alarm.state_reason_data,
        "timestamp": when,
    }
    return {name: value for name, value in told.items() if value is not None}


def _telling(module: ModuleType, original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def update_state(self: Any, reason: str, reason_data: str, state_value: str) -> None:
        old = self.state_value
        if old == state_value:
            return  # and so the reason stays
        before = alarm_history.state_of(self)
        told = told_state(self)
        original(self, reason, reason_data, state_value)
        self.state_transitioned_timestamp = self.state_updated_timestamp
        alarm_history.changed(self, before)
        account = self.alarm_arn.split(":")[4]
        for listen in _listener:
            listen(Change(self, account, self.region_name, old, state_value, told))
        backend = module.cloudwatch_backends[account][self.region_name]
        judge_composites(backend, self)

    return update_state


def _keeping(original: Callable[..., Any]) -> Callable[..., Any]:
    """An alarm that is put again keeps its state and its history."""
    kept = (
        "state_value",
        "state_reason",
        "state_reason_data",
        "state_updated_timestamp",
        "state_transitioned_timestamp",
    )

    @wraps(original)
    def put_metric_alarm(self: Any, *given: Any, **named: Any) -> Any:
        known = self.alarms.get(named.get("name") or (given[0] if given else None))
        alarm = original(self, *given, **named)
        if known is not None:
            for name in (*kept, "history"):
                setattr(alarm, name, getattr(known, name))
            alarm_history.keep(known, alarm)
        if alarm.rule is not None:
            _judge_composite(self, alarm, None)
        elif period_of(alarm) < _MINUTE:
            for hurry in _hurried:
                hurry()
        return alarm

    return put_metric_alarm


def _treatment(alarm: Any) -> str:
    """How missing data count; alarms of DynamoDB's metrics ignore them, whatever they say.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    asked = alarm.treat_missing_data or "missing"
    return "ignore" if alarm.namespace == "AWS/DynamoDB" else asked
