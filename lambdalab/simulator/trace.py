"""Requests that really came: read from a file, from a table, from the lab's own timeline."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from lambdalab.simulator.callers import Retry
from lambdalab.simulator.times import Floats, Random
from lambdalab.simulator.workloads import bounded

__all__ = ["Trace"]

# What arrived, as the timeline's records tell it: each of these is one request.
_REQUESTS = ("invoke", "throttle")


@dataclass(frozen=True, eq=False)
class Trace:
    """Requests at given ``times``, in seconds from any origin; unsorted ones are put in order.

    ``durations``, in seconds and one for each, stand in for those of the function.
    """

    times: Any
    durations: Any = None
    retry: Retry | None = None

    def __post_init__(self) -> None:
        times = _numbers("times", self.times)
        order = np.argsort(times, kind="stable")
        object.__setattr__(self, "times", times[order])
        bounded(len(times))
        if self.durations is not None:
            durations = _numbers("durations", self.durations)
            if len(durations) != len(times):
                raise ValueError(f"there are {len(times)} times and {len(durations)} durations")
            if len(durations) and durations.min() < 0:
                raise ValueError(f"durations has {durations.min():g}: none may be below 0")
            object.__setattr__(self, "durations", durations[order])

    @property
    def origin(self) -> float:
        """When the first request came."""
        return float(self.times[0]) if len(self.times) else 0.0

    def arrivals(self, random: Random) -> Floats:  # noqa: ARG002 - as all workloads
        """The arrival times."""
        copy: Floats = self.times.copy()
        return copy

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        time: str = "time",
        duration: str | None = None,
        retry: Retry | None = None,
    ) -> Self:
        """Read a file with a header line; ``time`` and ``duration`` name its columns.

        Times are seconds, or dates and times as ISO 8601 writes them. Raises ValueError that names
        the line.
        """
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            wanted = [time, *([duration] if duration else [])]
            missing = [name for name in wanted if name not in (rows.fieldnames or ())]
            if missing:
                has = ", ".join(rows.fieldnames or ()) or "nothing"
                raise ValueError(f"{path} has no column {missing[0]!r}: it has {has}")
            lines = [(rows.line_num, [row[name] for name in wanted]) for row in rows]
        columns = [
            [_seconds(path, line, cells[i]) for line, cells in lines] for i in range(len(wanted))
        ]
        return cls(columns[0], columns[1] if duration else None, retry)

    @classmethod
    def from_frame(
        cls,
        frame: Mapping[str, Sequence[Any]] | Any,
        time: str = "time",
        duration: str | None = None,
        retry: Retry | None = None,
    ) -> Self:
        """Read a table: a ``pandas.DataFrame``, or anything with columns by name.

        Times are seconds, or dates and times.
        """
        try:
            columns = [frame[name] for name in (time, *([duration] if duration else []))]
        except KeyError as missing:
            raise ValueError(f"the table has no column {missing}") from None
        return cls(_column(columns[0]), columns[1] if duration else None, retry)

    @classmethod
    def from_timeline(
        cls,
        timeline: Iterable[Any],
        function: str,
        *,
        durations: bool = True,
        retry: Retry | None = None,
    ) -> Self:
        """The requests of a function as a lab's timeline has them, also those that were refused.

        A request arrives when its record says that it began, one that had to wait for INIT so much
        earlier. With ``durations`` each runs as long as it did; those refused, as the mean.
        """
        records = [one for one in timeline if one.function == function]
        inits = {one.environment: one.duration or 0.0 for one in records if one.kind == "init"}
        requests = [one for one in records if one.kind in _REQUESTS]
        times = [
            one.time - (inits.get(one.environment, 0.0) if one.detail.get("cold") else 0.0)
            for one in requests
        ]
        known = [one.duration for one in requests if one.duration is not None]
        mean = sum(known) / len(known) if known else 0.0
        lengths = [mean if one.duration is None else one.duration for one in requests]
        return cls(times, lengths if durations else None, retry)


def _numbers(name: str, values: Any) -> Floats:
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers of seconds") from None
    if numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise ValueError(f"{name} must be a list of finite numbers of seconds")
    return numbers


def _column(values: Any) -> Any:
    """Times as numbers; dates as seconds since the epoch, those without a zone as UTC."""
    listed = list(values)
    if listed and isinstance(listed[0], datetime):
        return [_stamp(each) for each in listed]
    return listed


def _seconds(path: str | Path, line: int, text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        pass
    try:
        return _stamp(datetime.fromisoformat(text or ""))
    except ValueError:
        raise ValueError(f"{path}, line {line}: {text!r} is no time") from None


def _stamp(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
