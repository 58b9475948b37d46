"""Metrics into moto's CloudWatch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

from lambdalab.imports import after_load
from lambdalab.neighbours.monitoring import metric_queries

__all__ = ["Statistic", "install", "minutes", "put_statistics"]

NAMESPACE = "AWS/Lambda"


class Statistic(NamedTuple):
    """The values of one metric with one set of dimensions in one minute, summed up.

    ``values`` are the single ones, for percentiles, where they are kept.
    """

    metric: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    minute: datetime
    samples: int
    total: float
    smallest: float
    largest: float
    values: tuple[float, ...] = ()


def install() -> None:
    """Let statistics be those of exactly the dimensions that are asked for, as on AWS.

    moto adds those with more dimensions: a function would count again for each of its qualifiers.
    """
    from moto.cloudwatch.models import CloudWatchBackend

    add_up = CloudWatchBackend.get_metric_statistics

    def exactly(backend: Any, *given: Any, dimensions: Any, **options: Any) -> Any:
        wanted = {(one["Name"], one["Value"]) for one in dimensions or []}
        values = [
            value
            for value in backend.get_all_metrics()
            if {(one.name, one.value) for one in value.dimensions} == wanted
        ]
        view = SimpleNamespace(get_all_metrics=lambda: values)
        return add_up(view, *given, dimensions=[], **options)

    CloudWatchBackend.get_metric_statistics = exactly
    after_load("moto.cloudwatch.responses", metric_queries.mend)


def put_statistics(account: str, region: str, statistics: list[Statistic]) -> None:
    """Write statistic sets of the namespace AWS/Lambda."""
    from moto.cloudwatch.models import cloudwatch_backends

    backend = cloudwatch_backends[account][region]
    backend.put_metric_data(
        NAMESPACE,
        [
            {
                "MetricName": one.metric,
                "Unit": one.unit,
                "Timestamp": one.minute,
                "Dimensions": [{"Name": name, "Value": value} for name, value in one.dimensions],
                "StatisticValues": {
                    "SampleCount": one.samples,
                    "Sum": one.total,
                    "Minimum": one.smallest,
                    "Maximum": one.largest,
                },
            }
            for one in statistics
        ],
    )
    for datum, one in zip(backend.metric_data[-len(statistics) :], statistics, strict=True):
        if one.values:
            datum.lambdalab_values = one.values


def minutes(
    account: str,
    region: str,
    metric: tuple[str, str, str],
    dimensions: dict[str, str],
    *,
    until: float,
    count: int,
) -> list[float]:
    """The values of a metric for the last minutes before ``until``, the oldest first.

    ``metric`` is its namespace, its name and a statistic. Only minutes in a row count: a gap ends
    them, seen from the last one.
    """
    from moto.cloudwatch.models import cloudwatch_backends

    namespace, name, statistic = metric
    end = datetime.fromtimestamp(until, UTC).replace(tzinfo=None)
    found = cloudwatch_backends[account][region].get_metric_statistics(
        namespace,
        name,
        end - timedelta(minutes=count),
        end,
        60,
        [statistic],
        dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
    )
    by_minute = {one.timestamp: one.get_statistics_for_type(statistic) for one in found}
    values: list[float] = []
    for step in range(1, count + 1):
        value = by_minute.get(end - timedelta(minutes=step))
        if value is None:
            break
        values.insert(0, float(value))
    return values
