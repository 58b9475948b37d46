"""What ``stats`` makes of many values.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from lambdalab.insights.values import as_number, order, text

__all__ = ["AGGREGATES", "Aggregate", "percentile"]

# An aggregate of (moment, value) pairs; values that are missing are not among them.
Aggregate = Callable[[Sequence[tuple[float, Any]]], Any]


def _of_numbers(act: Callable[[list[float]], float]) -> Aggregate:
    def of(pairs: Sequence[tuple[float, Any]]) -> float | None:
        numbers = [number for _, value in pairs if (number := as_number(value)) is not None]
        return float(act(numbers)) if numbers else None

    return of


def percentile(share: float) -> Aggregate:
    """The smallest value that at least ``share`` percent of the values do not exceed."""

    def nearest(numbers: list[float]) -> float:
        return sorted(numbers)[max(0, math.ceil(len(numbers) * share / 100) - 1)]

    return _of_numbers(nearest)


def _pick(key: Callable[[tuple[float, Any]], Any], place: int) -> Aggregate:
    return lambda pairs: sorted(pairs, key=key)[place][1] if pairs else None


AGGREGATES: dict[str, Aggregate] = {
    "count": len,
    "count_distinct": lambda pairs: len({text(value) for _, value in pairs}),
    "sum": _of_numbers(sum),
    "avg": _of_numbers(statistics.fmean),
    "min": _of_numbers(min),
    "max": _of_numbers(max),
    "stddev": _of_numbers(statistics.pstdev),
    "median": _of_numbers(statistics.median),
    "earliest": _pick(lambda pair: pair[0], 0),
    "latest": _pick(lambda pair: pair[0], -1),
    "sortsfirst": _pick(lambda pair: order(pair[1]), 0),
    "sortslast": _pick(lambda pair: order(pair[1]), -1),
}
