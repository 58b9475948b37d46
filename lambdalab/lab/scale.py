"""A time axis on which milliseconds and minutes are seen together: long waits are cut short."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Scale"]

# What share of all busy time one wait may take on the axis, and all waits together.
_WAIT_SHARE, _WAITS_SHARE = 0.15, 1.0
_SHORTEST_SECONDS = 0.002


class Cut(NamedTuple):
    """A wait that is drawn shorter than it is: from ``start`` to ``end`` on the axis."""

    start: float
    end: float
    seconds: float


class Scale:
    """Maps platform time to a place on the axis; ``width`` is the axis's length."""

    def __init__(self, busy: Iterable[tuple[float, float]]) -> None:
        """``busy`` are the stretches in which something happened; there is at least one."""
        stretches = _merged(busy)
        share = min(_WAIT_SHARE, _WAITS_SHARE / len(stretches))
        longest = share * sum(max(end - start, _SHORTEST_SECONDS) for start, end in stretches)
        self._times: list[float] = []
        self._places: list[float] = []
        self.cuts: list[Cut] = []
        self.starts = [start for start, _ in stretches]
        self._landmarks = self.starts[:1]
        self._add(stretches[0], 0.0)
        for (_, before), stretch in pairwise(stretches):
            if stretch[0] - before > longest:
                self._landmarks.append(stretch[0])
                self._cut(stretch[0] - before, longest)
            self._add(stretch, self._places[-1] + min(stretch[0] - before, longest))
        self.width = self._places[-1]

    @property
    def knots(self) -> list[tuple[float, float]]:
        """Times and their places; between two of them the axis is even."""
        return list(zip(self._times, self._places, strict=True))

    def place(self, time: float) -> float:
        """Where ``time`` lies on the axis."""
        index = min(max(bisect_right(self._times, time) - 1, 0), len(self._times) - 2)
        time_0, time_1 = self._times[index : index + 2]
        place_0, place_1 = self._places[index : index + 2]
        share = (time - time_0) / (time_1 - time_0) if time_1 > time_0 else 0.0
        return place_0 + min(max(share, 0.0), 1.0) * (place_1 - place_0)

    def ticks(self, space: float) -> list[float]:
        """Times to label: first where a wait was cut short, then round ones, then other beginnings.

        ``space`` is the room that a label needs, as a share of the axis. Round is what has passed
        since the first time, in seconds.
        """
        chosen: list[tuple[float, float]] = []
        rounds = self._round_times(space * self.width)
        for time in [*self._landmarks, *rounds, *self.starts]:
            place = self.place(time)
            if all(abs(place - other) >= space * self.width for other, _ in chosen):
                chosen.append((place, time))
        return [time for _, time in sorted(chosen)]

    def _round_times(self, least: float) -> Iterator[float]:
        """Yield multiples of 1, 2 or 5 times a power of ten, ``least`` seconds apart at least."""
        power = 10.0 ** math.floor(math.log10(least))
        step = next(each * power for each in (1, 2, 5, 10) if each * power >= least)
        begin = self.starts[0]
        for start, end in zip(self._times[::2], self._times[1::2], strict=True):
            first, last = math.ceil((start - begin) / step), math.floor((end - begin) / step)
            yield from (begin + step * number for number in range(first, last + 1))

    def _add(self, stretch: tuple[float, float], place: float) -> None:
        start, end = stretch
        self._times += [start, end]
        self._places += [place, place + max(end - start, _SHORTEST_SECONDS)]

    def _cut(self, seconds: float, longest: float) -> None:
        place = self._places[-1]
        self.cuts.append(Cut(place, place + longest, seconds))


def _merged(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the stretches in order of time, those that touch joined."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
