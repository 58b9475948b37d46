"""Metrics into moto's CloudWatch."""

from __future__ import annotations

from datetime import datetime
from functools import cache
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


class _Exactly:
    """What a backend knows of one metric: that with just these dimensions."""

    def __init__(self, backend: Any, dimensions: list[dict[str, str]]) -> None:
        self._backend = backend
        self._wanted = sorted((one["Name"], one["Value"]) for one in dimensions or [])

    def get_all_metrics(self) -> list[Any]:
        return [one for one in self._backend.get_all_metrics() if self._is(one)]

    def _is(self, metric: Any) -> bool:
        return sorted((one.name, one.value) for one in metric.dimensions) == self._wanted


@cache
def install() -> None:
    """Let GetMetricStatistics tell metrics apart by all of their dimensions, as AWS does.

    moto adds up what has more dimensions than were asked for: a function's invocations and those
    of its aliases would be counted twice.
    """
    from moto.cloudwatch.models import CloudWatchBackend

    original = CloudWatchBackend.get_metric_statistics

    def exact(backend: Any, *given: Any, dimensions: list[dict[str, str]], **named: Any) -> Any:
        view = _Exactly(backend, dimensions)
        return original(view, *given, dimensions=dimensions, **named)

    CloudWatchBackend.get_metric_statistics = exact


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
