"""Times as people have them, in seconds: numbers, dates, ISO 8601, columns of numpy and pandas."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from lambdalab.simulator.times import Floats

__all__ = ["Place", "seconds_in"]

# Says of which place something is told: "number 3 of times", "trace.csv, line 4".
Place = Callable[[int], str]


def seconds_in(name: str, values: Any, place: Place | None = None, *, dates: bool = True) -> Floats:
    """Seconds as an array; of dates those since the epoch, the ones without a zone as UTC.

    Without ``dates``, as for durations, a date is refused. Raises ValueError that says what is
    wrong where.
    """
    place = place or (lambda number: f"number {number + 1} of {name}")
    array = _listed(name, values)
    seconds: Floats
    if array.dtype.kind in "fiub":
        seconds = array.astype(float)
    elif array.dtype.kind == "m" or (array.dtype.kind == "M" and dates):
        seconds = _of_numpy(array)
    else:
        seconds = np.array(list(_each(array.tolist(), place, dates=dates)), dtype=float)
    odd = np.flatnonzero(~np.isfinite(seconds))
    if len(odd):
        raise ValueError(f"{place(int(odd[0]))}: {array[odd[0]]} is no finite number of seconds")
    return seconds


def _listed(name: str, values: Any) -> Any:
    """What is given as an array with one dimension."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be numbers of seconds in a list, not {values!r:.60}")
    try:
        array = np.asarray(values if hasattr(values, "__array__") else list(values))
    except ValueError:  # lists of several lengths
        array = np.empty((0, 0))
    if array.ndim != 1:
        raise ValueError(f"{name} must be numbers of seconds in one list, not in several")
    return array


def _of_numpy(array: Any) -> Any:
    spans = array if array.dtype.kind == "m" else array - np.datetime64(0, "s")
    return spans / np.timedelta64(1, "s")


def _each(values: Iterable[Any], place: Place, *, dates: bool) -> Iterator[float]:
    """The seconds of one after the other: numbers, or dates, but not both."""
    wanted = "seconds, or ISO dates" if dates else "seconds"
    dated = None
    for number, value in enumerate(values):
        seconds = _number(value)
        is_date = seconds is None
        if seconds is None and dates:
            seconds = _date(value)
        if seconds is None:
            raise ValueError(f"{place(number)}: {value!r} is no time: give {wanted}")
        if dated not in (None, is_date):
            rest = "dates" if dated else "numbers"
            raise ValueError(
                f"{place(number)}: {value!r} comes among {rest}: give one or the other"
            )
        dated = is_date
        yield seconds


def _number(value: Any) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    try:
        return float("" if value is None else value)
    except (TypeError, ValueError):
        return None


def _date(value: Any) -> float | None:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value or "")
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):  # also what pandas has for no date
        return None
    return seconds if math.isfinite(seconds) else None
