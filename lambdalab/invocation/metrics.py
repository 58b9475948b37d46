"""The metrics of the namespace AWS/Lambda, gathered by the minute.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from lambdalab.functions.arns import FunctionId
from lambdalab.neighbours.monitoring import cloudwatch

__all__ = ["Metrics"]

LONGEST_WAIT = 1.0
# How many single values of a metric are kept in a minute, for percentiles: a figure of the lab's.
MOST_VALUES = 2_000
_UNITS = dict.fromkeys(
    ("AsyncEventAge", "Duration", "IteratorAge", "UrlRequestLatency"), "Milliseconds"
)
# Whose metric it is: by default the account's, the function's, and that of the version or alias.
ACCOUNT = ("account",)
FUNCTION = ("function",)
RESOURCE = ("resource",)
PROVISIONED = ("function", "resource")
EVERYBODY = ("account", "function", "resource")


class _Key(NamedTuple):
    """What the metrics of one minute stand under."""

    function: FunctionId
    minute: int
    executed: str | None
    mapping: str | None = None
    whose: tuple[str, ...] = EVERYBODY


class _Sum:
    """The values of one metric in one minute."""

    __slots__ = ("count", "largest", "smallest", "total", "values")

    def __init__(self, value: float, *, kept: bool) -> None:
        self.count = 1
        self.total = self.smallest = self.largest = value
        self.values: list[float] | None = [value] if kept else None

    def add(self, value: float) -> None:
        self.count += 1
        if self.values is not None and len(self.values) < MOST_VALUES:
            self.values.append(value)
        self.total += value
        self.smallest = min(self.smallest, value)
        self.largest = max(self.largest, value)


class Metrics:
    """What is not yet written into CloudWatch; whoever asks there gets everything at once."""

    def __init__(self) -> None:
        self._sums: dict[_Key, dict[str, _Sum]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(
        self,
        function: FunctionId,
        time: float,
        executed: str | None = None,
        whose: tuple[str, ...] = EVERYBODY,
        /,
        **values: float,
    ) -> None:
        """Count values by metric name for a function, at platform time ``time`` in seconds.

        ``executed`` is the version that ran, where an alias shares invocations among two;
        ``whose`` says for which dimensions the values hold.
        """
        self._add(_Key(function, int(time) // 60, executed, None, whose), values)

    def add_mapping(self, function: FunctionId, uuid: str, time: float, **values: float) -> None:
        """Count values for an event source mapping of a function."""
        self._add(_Key(function, int(time) // 60, None, uuid), values)

    def _add(self, place: _Key, values: dict[str, float]) -> None:
        sums = self._sums.get(place)
        if sums is None:
            sums = self._sums[place] = {}
        for metric, value in values.items():
            known = sums.get(metric)
            if known is None:
                sums[metric] = _Sum(value, kept=metric in _UNITS)
            else:
                known.add(value)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_WAIT, self.flush)

    def flush(self) -> None:
        """Write everything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        sums, self._sums = self._sums, {}
        places: dict[tuple[str, str], list[cloudwatch.Statistic]] = {}
        for key, by_metric in sums.items():
            place = (key.function.account, key.function.region)
            for metric, gathered in by_metric.items():
                places.setdefault(place, []).extend(_statistics(key, metric, gathered))
        for (account, region), statistics in places.items():
            cloudwatch.put_statistics(account, region, statistics)

    def clear(self) -> None:
        """Forget everything that waits."""
        self._sums.clear()


def _statistics(key: _Key, metric: str, gathered: _Sum) -> Iterator[cloudwatch.Statistic]:
    values = tuple(gathered.values or ())
    for dimensions in _dimensions(key):
        yield cloudwatch.Statistic(
            metric=metric,
            unit=_UNITS.get(metric, "Count"),
            dimensions=dimensions,
            minute=datetime.fromtimestamp(key.minute * 60, UTC).replace(tzinfo=None),
            samples=gathered.count,
            total=gathered.total,
            smallest=gathered.smallest,
            largest=gathered.largest,
            values=values,
        )


def _dimensions(key: _Key) -> Iterator[tuple[tuple[str, str], ...]]:
    """For the account, by function, by the version or alias asked for, and by what it ran."""
    if key.mapping:
        yield (("EventSourceMappingUUID", key.mapping),)
        return
    function = ("FunctionName", key.function.name)
    if "account" in key.whose:
        yield ()
    if "function" in key.whose:
        yield (function,)
    if key.function.qualifier and "resource" in key.whose:
        resource = ("Resource", f"{key.function.name}:{key.function.qualifier}")
        yield (function, resource)
        if key.executed:
            yield (function, resource, ("ExecutedVersion", key.executed))
