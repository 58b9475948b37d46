"""Metrics into moto's CloudWatch."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

__all__ = ["Statistic", "put_statistics"]

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
