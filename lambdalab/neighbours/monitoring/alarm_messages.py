"""What CloudWatch tells of an alarm's change of state: to topics, functions and the event bus.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
and https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
"""

from __future__ import annotations

import json
import re
from datetime import UTC
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from lambdalab import facts
from lambdalab.neighbours.monitoring.alarm_metrics import period_of
from lambdalab.neighbours.monitoring.alarm_rules import stamp
from lambdalab.neighbours.monitoring.alarms import Change, told_state

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


def put_on_bus(change: Change) -> None:
    """Put the event on the account's default bus."""
    from moto.events.models import events_backends

    alarm = change.alarm
    detail = {
        "alarmName": alarm.name,
        "state": told_state(alarm),
        "previousState": change.before,
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
            "state": told_state(alarm),
            "previousState": change.before,
            "configuration": _configuration(alarm),
        },
    }
    return json.dumps(event).encode()


def _configuration(alarm: Any) -> dict[str, Any]:
    described = {} if alarm.description is None else {"description": alarm.description}
    if alarm.rule is not None:
        return described | {"alarmRule": alarm.rule}
    if alarm.metric_data_queries:
        return described | {"metrics": [_queried(one) for one in alarm.metric_data_queries]}
    # The id is AWS's own, and stays the same for as long as the alarm does.
    metric = {
        "id": str(uuid5(NAMESPACE_URL, alarm.alarm_arn)),
        "metricStat": {
            "metric": _metric(alarm),
            "period": alarm.period,
            "stat": alarm.statistic or alarm.extended_statistic,
        },
        "returnData": True,
    }
    return described | {"metrics": [metric]}


def _metric(of: Any) -> dict[str, Any]:
    dimensions = {one.name: one.value for one in of.dimensions}
    return {"namespace": of.namespace, "name": of.metric_name, "dimensions": dimensions}


def _queried(one: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"id": one.id}
    if one.metric_stat is not None:
        stat = one.metric_stat
        metric = _metric(stat.metric)
        told["metricStat"] = {"metric": metric, "period": int(stat.period), "stat": stat.stat}
    more = {"expression": one.expression, "label": one.label, "period": one.period}
    told |= {name: value for name, value in more.items() if value is not None}
    return told | {"returnData": _returned(one)}


def _returned(one: Any) -> bool:
    return str(one.return_data).lower() != "false"


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
    asked = {
        "Period": period_of(alarm),
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm,
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.treat_missing_data or "",
        "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
    }
    asked = {name: value for name, value in asked.items() if value is not None}
    if alarm.metric_data_queries:
        return asked | {"Metrics": [_listed(one) for one in alarm.metric_data_queries]}
    kind = "Statistic" if alarm.statistic else "ExtendedStatistic"
    name = _screaming(alarm.statistic) if alarm.statistic else alarm.extended_statistic
    metric = {
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        "StatisticType": kind,
        kind: name,
        "Unit": alarm.unit,
        "Dimensions": _dimensions(alarm),
    }
    return metric | asked


def _listed(one: Any) -> dict[str, Any]:
    """A query of metric math, as a notification tells it."""
    more = {"Expression": one.expression, "Id": one.id, "Label": one.label}
    told: dict[str, Any] = {name: value for name, value in more.items() if value is not None}
    if one.metric_stat is not None:
        of = one.metric_stat.metric
        metric = {
            "Dimensions": _dimensions(of),
            "MetricName": of.metric_name,
            "Namespace": of.namespace,
        }
        period = int(one.metric_stat.period)
        told["MetricStat"] = {"Metric": metric, "Period": period, "Stat": one.metric_stat.stat}
    return told | {"ReturnData": _returned(one)}


def _dimensions(of: Any) -> list[dict[str, str]]:
    return [{"value": one.value, "name": one.name} for one in of.dimensions]


def _screaming(name: str) -> str:
    """``SampleCount`` as ``SAMPLE_COUNT``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


@cache
def _region_name(region: str) -> str:
    from botocore.session import get_session

    for partition in get_session().get_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"])
    return region
