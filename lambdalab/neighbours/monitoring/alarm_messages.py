"""What CloudWatch tells of an alarm's change of state: to topics, functions and the event bus.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
and https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
"""

from __future__ import annotations

import json
from datetime import UTC
from functools import cache
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.monitoring.alarm_rules import stamp
from lambdalab.neighbours.monitoring.alarms import Change

__all__ = ["publish", "put_on_bus", "to_function"]


def publish(change: Change, topic: str, now: float) -> None:
    """Send the notification to a topic. Raises moto's errors: there may be no such topic."""
    from moto.sns.models import sns_backends

    account, region = topic.split(":")[4], topic.split(":")[3]
    subject = facts.message("alarm.subject").format(
        state=change.new, name=change.alarm.name, region=_region_name(change.region)
    )
    text = json.dumps(_notification(change, now), separators=(",", ":"))
    sns_backends[account][region].publish(arn=topic, message=text, subject=subject[:100])


def put_on_bus(change: Change, now: float) -> None:
    """Put the event on the account's default bus."""
    from moto.events.models import events_backends

    alarm = change.alarm
    detail = {
        "alarmName": alarm.name,
        "state": _state(alarm, now),
        "previousState": {"value": change.old},
        "configuration": _configuration(alarm),
    }
    event = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Resources": [alarm.alarm_arn],
        "Detail": json.dumps(detail),
    }
    events_backends[change.account][change.region].put_events([event])


def to_function(change: Change, now: float) -> bytes:
    """The event that a function gets as an alarm's action."""
    alarm = change.alarm
    event = {
        "source": "aws.cloudwatch",
        "alarmArn": alarm.alarm_arn,
        "accountId": change.account,
        "time": stamp(now),
        "region": change.region,
        "alarmData": {
            "alarmName": alarm.name,
            "state": _state(alarm, now),
            "previousState": {"value": change.old},
            "configuration": _configuration(alarm),
        },
    }
    return json.dumps(event).encode()


def _state(alarm: Any, now: float) -> dict[str, Any]:
    told = {"value": alarm.state_value, "reason": alarm.state_reason, "timestamp": stamp(now)}
    if alarm.state_reason_data and alarm.state_reason_data != "{}":
        told["reasonData"] = alarm.state_reason_data
    return told


def _configuration(alarm: Any) -> dict[str, Any]:
    if alarm.rule is not None:
        return {"alarmRule": alarm.rule}
    dimensions = {one.name: one.value for one in alarm.dimensions}
    metric = {
        "id": "m1",
        "metricStat": {
            "metric": {
                "namespace": alarm.namespace,
                "name": alarm.metric_name,
                "dimensions": dimensions,
            },
            "period": alarm.period,
            "stat": alarm.statistic,
        },
        "returnData": True,
    }
    return {"description": alarm.description, "metrics": [metric]}


def _notification(change: Change, now: float) -> dict[str, Any]:
    alarm = change.alarm
    told: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": change.account,
        "AlarmConfigurationUpdatedTimestamp": stamp(
            alarm.configuration_updated_timestamp.replace(tzinfo=UTC).timestamp()
        ),
        "NewStateValue": change.new,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": stamp(now),
        "Region": _region_name(change.region),
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": change.old,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
    }
    if alarm.rule is not None:
        return told | {"AlarmRule": alarm.rule}
    return told | {"Trigger": _trigger(alarm)}


def _trigger(alarm: Any) -> dict[str, Any]:
    return {
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        "StatisticType": "Statistic",
        "Statistic": (alarm.statistic or "").upper(),
        "Unit": alarm.unit,
        "Dimensions": [{"value": one.value, "name": one.name} for one in alarm.dimensions],
        "Period": alarm.period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm or alarm.evaluation_periods,
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.treat_missing_data or "",
        "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
    }


@cache
def _region_name(region: str) -> str:
    from botocore.session import get_session

    for partition in get_session().get_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"])
    return region
