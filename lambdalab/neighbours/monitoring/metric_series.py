"""What moto's CloudWatch holds of one metric, period by period.

Statistics are those of exactly the dimensions that are asked for. Percentiles are made of single
values; of a set of values that only their sum is known of, there is one where all are the same.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

__all__ = ["Metric", "Series", "grouped", "is_statistic", "series", "statistic"]

Series = list[float | None]

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
# Of the other services that count, moto has only this one, and makes its figures when asked.
_MADE_WHEN_ASKED = "AWS/S3"


class Metric(NamedTuple):
    """Which metric: its namespace, its name and its dimensions, as (name, value) pairs."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Sequence[Any]) -> Metric:
        """From moto's objects, or from the members of a request."""
        pairs = [
            (one["Name"], one["Value"]) if isinstance(one, dict) else (one.name, one.value)
            for one in dimensions
        ]
        return cls(namespace, name, frozenset(pairs))


_Figures = tuple[float, float, float, float]
_STATISTICS: dict[str, Callable[[Sequence[_Figures]], float]] = {
    "Sum": lambda found: sum(one[1] for one in found),
    "SampleCount": lambda found: sum(one[0] for one in found),
    "Average": lambda found: sum(one[1] for one in found) / sum(one[0] for one in found),
    "Minimum": lambda found: min(one[2] for one in found),
    "Maximum": lambda found: max(one[3] for one in found),
}


def is_statistic(name: str | None) -> bool:
    """Whether there is a statistic of that name here."""
    return name in _STATISTICS or bool(name and _PERCENTILE.fullmatch(name))


def grouped(
    backend: Any, metric: Metric, period: int, first: float, last: float, unit: str | None = None
) -> dict[float, list[Any]]:
    """What moto holds of a metric, by the begin of its period; the first one is at ``first``.

    Times in seconds; what is at ``last`` or later is left out.
    """
    made = metric.namespace == _MADE_WHEN_ASKED
    found: dict[float, list[Any]] = {}
    for datum in backend.get_all_metrics() if made else backend.metric_data:
        if datum.name != metric.name or datum.namespace != metric.namespace:
            continue
        time = _seconds(datum.timestamp)
        if not first <= time < last or (unit and datum.unit != unit):
            continue
        if {(one.name, one.value) for one in datum.dimensions} == metric.dimensions:
            found.setdefault(first + (time - first) // period * period, []).append(datum)
    return found


def statistic(data: Sequence[Any], name: str) -> float | None:
    """One statistic of some data; None where it cannot be told."""
    make = _STATISTICS.get(name)
    if make is not None:
        return float(make([_figures(datum) for datum in data]))
    values = [value for datum in data for value in _values(datum)]
    share = _PERCENTILE.fullmatch(name)
    if not values or share is None:
        return None
    return sorted(values)[max(0, math.ceil(len(values) * float(share[1]) / 100) - 1)]


def series(
    backend: Any,
    metric: Metric,
    name: str,
    period: int,
    starts: Sequence[float],
    unit: str | None = None,
) -> Series | None:
    """A statistic for each of some periods in a row; None for one that is unknown here."""
    if not is_statistic(name):
        return None
    found = grouped(backend, metric, period, starts[0], starts[-1] + period, unit)
    return [statistic(found[start], name) if start in found else None for start in starts]


def _seconds(timestamp: Any) -> float:
    if isinstance(timestamp, datetime):
        aware = timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)
        return aware.timestamp()
    return float(timestamp)


def _figures(datum: Any) -> _Figures:
    """How many values a datum stands for, their sum, the smallest and the largest."""
    if hasattr(datum, "value"):
        return (1.0, datum.value, datum.value, datum.value)
    return (datum.sample_count, datum.sum, datum.min, datum.max)


def _values(datum: Any) -> Sequence[float]:
    """The single values, as far as they are known."""
    if hasattr(datum, "value"):
        return (datum.value,)
    kept: Sequence[float] = getattr(datum, "lambdalab_values", ())
    same = (datum.min,) * int(datum.sample_count) if datum.min == datum.max else ()
    return kept or same
