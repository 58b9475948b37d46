"""Metrics into moto's CloudWatch."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

__all__ = ["Statistic", "install", "put_statistics"]

NAMESPACE = "AWS/Lambda"


class Statistic(NamedTuple):
    """The values of one metric with one set of dimensions in one minute, summed up."""

    metric: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    minute: datetime
    samples: int
    total: float
    smallest: float
    largest: float


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
