"""GetMetricStatistics and GetMetricData, as CloudWatch answers them.

moto begins periods at the first value rather than at the time that is asked for, adds up what has
other dimensions, knows no percentiles and no metric math.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, NoReturn

from lambdalab import facts
from lambdalab.neighbours.monitoring.metric_math import MathError, evaluate
from lambdalab.neighbours.monitoring.metric_series import (
    Metric,
    grouped,
    is_statistic,
    series,
    statistic,
)

__all__ = ["mend"]

_MINUTE = 60


def mend(module: ModuleType) -> None:
    """Change the operations of moto's handler."""
    handler = module.CloudWatchResponse
    handler.get_metric_statistics = _statistics
    handler.get_metric_data = _data


def _statistics(self: Any) -> Any:
    from moto.cloudwatch.exceptions import InvalidParameterCombination
    from moto.core.responses import ActionResult

    given = self._get_params()
    plain, extended = given.get("Statistics") or [], given.get("ExtendedStatistics") or []
    if not plain and not extended:
        raise InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
    for name in extended:
        if not is_statistic(name):
            _refuse("metric.no-statistic", name=name)
    first, last = _range(given)
    if first >= last:
        _refuse("metric.time-range")
    name, period = given["MetricName"], int(given["Period"])
    metric = Metric.of(given["Namespace"], name, given.get("Dimensions") or [])
    found = grouped(self.cloudwatch_backend, metric, period, first, last, given.get("Unit"))
    points = [_point(start, found[start], plain, extended) for start in sorted(found)]
    return ActionResult({"Label": name, "Datapoints": points})


def _point(
    start: float, data: Sequence[Any], plain: Sequence[str], extended: Sequence[str]
) -> dict[str, Any]:
    told: dict[str, Any] = {"Timestamp": _moment(start), "Unit": data[-1].unit or "None"}
    told |= {name: statistic(data, name) for name in plain}
    shares = {name: statistic(data, name) for name in extended}
    known = {name: value for name, value in shares.items() if value is not None}
    return told | ({"ExtendedStatistics": known} if known else {})


def _data(self: Any) -> Any:
    from moto.core.responses import ActionResult

    given = self._get_params()
    first, last = _range(given)
    if first == last:
        _refuse("metric.same-time")
    if first > last:
        _refuse("metric.time-range-data")
    queries = given.get("MetricDataQueries") or []
    answers = list(_answers(self.cloudwatch_backend, queries, first, last))
    if (given.get("ScanBy") or "TimestampDescending") == "TimestampDescending":
        for answer in answers:
            answer["Values"].reverse()
            answer["Timestamps"].reverse()
    return ActionResult({"MetricDataResults": answers, "Messages": []})


def _answers(
    backend: Any, queries: Sequence[dict[str, Any]], first: float, last: float
) -> Iterator[dict[str, Any]]:
    """What the queries find; an expression may name those that stand before it."""
    periods = [int((one.get("MetricStat") or one).get("Period") or _MINUTE) for one in queries]
    period = max(periods, default=_MINUTE)
    starts = [first + period * number for number in range(int(-(-(last - first) // period)))]
    known: dict[str, list[float | None]] = {}
    for query in queries:
        if "MetricStat" in query:
            values = _measured(backend, query["MetricStat"], period, starts)
        elif "Expression" in query:
            values = _reckoned(query, known, len(starts))
        else:
            _refuse("metric.nothing-asked")
        known[query["Id"]] = values
        if str(query.get("ReturnData", True)).lower() != "false":
            pairs = [(at, one) for at, one in zip(starts, values, strict=True) if one is not None]
            yield {
                "Id": query["Id"],
                "Label": query.get("Label") or _label(query, queries),
                "Values": [value for _, value in pairs],
                "Timestamps": [_moment(at) for at, _ in pairs],
                "StatusCode": "Complete",
            }


def _measured(
    backend: Any, asked: dict[str, Any], period: int, starts: Sequence[float]
) -> list[float | None]:
    one = asked["Metric"]
    metric = Metric.of(one["Namespace"], one["MetricName"], one.get("Dimensions") or [])
    if not starts:
        return []
    found = series(backend, metric, asked["Stat"], period, starts)
    if found is None:
        _refuse("metric.no-statistic", name=asked["Stat"])
    return found


def _reckoned(
    query: dict[str, Any], known: dict[str, list[float | None]], length: int
) -> list[float | None]:
    try:
        return evaluate(query["Expression"], known, length)
    except MathError as error:
        _refuse("metric.expression", name=query["Id"], reason=error)


def _label(query: dict[str, Any], queries: Sequence[dict[str, Any]]) -> str:
    """The name of the metric, and the statistic where others of the same name are asked for."""
    asked = query.get("MetricStat")
    if not asked:
        return str(query["Id"])
    name, stat = asked["Metric"]["MetricName"], asked["Stat"]
    stats = {
        one["MetricStat"]["Stat"]
        for one in queries
        if "MetricStat" in one and one["MetricStat"]["Metric"]["MetricName"] == name
    }
    return f"{name} {stat}" if len(stats) > 1 else str(name)


def _range(given: dict[str, Any]) -> tuple[float, float]:
    """From when until when, in seconds; the begin is that of a minute."""
    first, last = (_aware(given[name]).timestamp() for name in ("StartTime", "EndTime"))
    return first // _MINUTE * _MINUTE, last


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _refuse(name: str, /, **fields: object) -> NoReturn:
    from moto.cloudwatch.exceptions import CloudWatchException

    message = facts.message(name)
    raise CloudWatchException(message.code or "", message.format(**fields))
