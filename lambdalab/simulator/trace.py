"""Requests that really came: read from a file, from a table, from the lab's own timeline."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from lambdalab.simulator.callers import Retry
from lambdalab.simulator.moments import Place, seconds_in
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
        times = seconds_in("times", self.times)
        order = np.argsort(times, kind="stable")
        object.__setattr__(self, "times", times[order])
        bounded(len(times))
        if self.durations is not None:
            durations = _durations(self.durations)
            if len(durations) != len(times):
                raise ValueError(f"there are {len(times)} times and {len(durations)} durations")
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

        Times are seconds, or dates and times as ISO 8601 writes them; durations are seconds. Raises
        ValueError that names the line.
        """
        wanted = [time, *([duration] if duration else [])]
        try:
            lines = _lines(path, wanted)
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not in UTF-8: save it as a text in UTF-8") from None
        except csv.Error as error:
            raise ValueError(f"{path} is no CSV file: {error}") from None

        def place(number: int) -> str:
            return f"{path}, line {lines[number][0]}"

        times = seconds_in(time, [cells[0] for _, cells in lines], place)
        lengths = _durations([cells[1] for _, cells in lines], place) if duration else None
        return cls(times, lengths, retry)

    @classmethod
    def from_frame(
        cls,
        frame: Mapping[str, Sequence[Any]] | Any,
        time: str = "time",
        duration: str | None = None,
        retry: Retry | None = None,
    ) -> Self:
        """Read a table: a ``pandas.DataFrame``, or anything with columns by name.

        Times are seconds, or dates and times, also as ISO 8601 writes them.
        """
        try:
            columns = [frame[name] for name in (time, *([duration] if duration else []))]
        except KeyError as missing:
            raise ValueError(f"the table has no column {missing}") from None
        except (TypeError, IndexError):
            kind = type(frame).__name__
            raise ValueError(f"a {kind} has no columns: give a DataFrame or a dict") from None
        return cls(columns[0], columns[1] if duration else None, retry)

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


def _lines(path: str | Path, wanted: Sequence[str]) -> list[tuple[int, list[str | None]]]:
    """The wanted cells of each line of a file, with its number."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, skipinitialspace=True)
        missing = [name for name in wanted if name not in (rows.fieldnames or ())]
        if missing:
            has = ", ".join(rows.fieldnames or ()) or "nothing"
            raise ValueError(f"{path} has no column {missing[0]!r}: it has {has}")
        return [(rows.line_num, [row[name] for name in wanted]) for row in rows]


def _durations(values: Any, place: Place | None = None) -> Floats:
    """Durations in seconds; ValueError for what is none."""
    durations = seconds_in("durations", values, place, dates=False)
    below = np.flatnonzero(durations < 0)
    if len(below):
        where = place(int(below[0])) if place else "durations"
        raise ValueError(f"{where} has {durations[below[0]]:g}: none may be below 0")
    return durations
