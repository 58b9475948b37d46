"""The data points by which moto's alarms are judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lambdalab.neighbours.monitoring.alarm_rules import Point
from lambdalab.neighbours.monitoring.metric_math import MathError, evaluate
from lambdalab.neighbours.monitoring.metric_series import Metric, Series, series

__all__ = ["SHORT_STEP", "period_of", "points"]

# How many periods more than an alarm wants are looked at, for those that miss data: AWS's own
# figure is not published; its examples show two.
_MORE = 2
_MINUTE = 60
# How often alarms with shorter periods than a minute are judged, in seconds.
SHORT_STEP = 10


def points(backend: Any, alarm: Any, now: float) -> list[Point] | None:
    """The data points of periods that are over, the newest first; None where nothing judges."""
    if alarm.metric_data_queries:
        return _of_math(backend, alarm, now)
    period = period_of(alarm)
    starts = _starts(alarm, period, now)
    metric = Metric.of(alarm.namespace, alarm.metric_name, alarm.dimensions)
    name = alarm.statistic or alarm.extended_statistic
    found = series(backend, metric, name, period, starts, alarm.unit)
    if found is None:
        return None
    samples = series(backend, metric, "SampleCount", period, starts, alarm.unit)
    return _reversed(starts, found, samples)


def period_of(alarm: Any) -> int:
    """The length of an alarm's periods, in seconds."""
    queries = alarm.metric_data_queries or []
    periods = [one.metric_stat.period if one.metric_stat else one.period for one in queries]
    return max((int(one) for one in (*periods, alarm.period) if one), default=_MINUTE)


def _starts(alarm: Any, period: int, now: float) -> list[int]:
    """When the periods begin that are looked at, the oldest first.

    The last one has just ended: they move on with the minute, whatever their length.
    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_EvaluationWindow.html
    """
    step = _MINUTE if period >= _MINUTE else SHORT_STEP
    end = int(now // step * step)
    count = int(alarm.evaluation_periods) + _MORE
    return [end - period * place for place in range(count, 0, -1)]


def _reversed(starts: list[int], found: Series, samples: Series | None = None) -> list[Point]:
    known = samples or [None] * len(found)
    return [Point(*one) for one in zip(starts, found, known, strict=True)][::-1]


def _of_math(backend: Any, alarm: Any, now: float) -> list[Point] | None:
    queries = alarm.metric_data_queries
    period = period_of(alarm)
    starts = _starts(alarm, period, now)
    known: dict[str, Series] = {}
    for one in queries:
        if one.metric_stat is not None:
            asked = one.metric_stat.metric
            metric = Metric.of(asked.namespace, asked.metric_name, asked.dimensions)
            stat = one.metric_stat
            found = series(backend, metric, stat.stat, period, starts, stat.unit)
            if found is None:
                return None
            known[one.id] = found
    wanted = next((one for one in queries if str(one.return_data).lower() != "false"), None)
    values = None if wanted is None else _wanted(wanted, queries, known, len(starts))
    return None if values is None else _reversed(starts, values)


def _wanted(
    wanted: Any, queries: Iterable[Any], known: Mapping[str, Series], length: int
) -> Series | None:
    """The series of the query that an alarm is about, with the expressions before it."""
    found = dict(known)
    try:
        for one in queries:
            if one.expression:
                found[one.id] = evaluate(one.expression, found, length)
    except MathError:
        return None
    return found.get(wanted.id)
