"""Provisioned environments over a run: made before it, replaced when they reach their age.

The rules know only how many there are; which lives stand behind that is drawn here, from streams of
random numbers of their own, so that it changes nothing else of a run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdalab.simulator.places import stream
from lambdalab.simulator.policy import span
from lambdalab.simulator.times import Floats, as_times

if TYPE_CHECKING:
    from lambdalab.simulator.result import Result

__all__ = ["Life", "ready"]

# Who sets an age of nothing would have one replaced without end.
_SHORTEST_LIFE = 1.0


class Life(NamedTuple):
    """One provisioned environment; times in seconds from the start, ``gone`` infinite if it stays.

    ``number`` is its own; the first one of a slot has the slot's.
    """

    number: int
    made: float
    init: float
    gone: float


def ready(result: Result, count: int) -> tuple[list[Life], list[int]]:
    """The provisioned environments behind the first ``count`` requests, and who ran in which.

    All are made at once before the workload begins, and ready when it does. One that has reached
    its age goes in the first pause in which the INIT of its successor has room. The second value
    has the number of the environment for each request, on demand or not; -1 where it was refused.
    """
    slots = result.policy.provisioned
    if not slots:
        return [], result.environment[:count].tolist()
    draws = _Draws(result)
    firsts = [draws.next() for _ in range(slots)]
    made = result.begin - max(init for init, _ in firsts)
    until = float(result.end[:count].max()) if count else result.begin
    rows = [_rows(result, slot, count) for slot in range(slots)]
    lives = [
        list(_lives(made, first, result.start[own], result.end[own], until, draws))
        for first, own in zip(firsts, rows, strict=True)
    ]
    numbered = _numbered(lives, slots + len(result.fates))
    ran: list[int] = result.environment[:count].tolist()
    for own, these in zip(numbered, rows, strict=True):
        gone = np.array([life.gone for life in own])
        places = np.searchsorted(gone, result.start[these], side="right")
        for row, place in zip(these.tolist(), places.tolist(), strict=True):
            ran[row] = own[place].number
    return [life for own in numbered for life in own], ran


class _Draws:
    """INIT time and age of one environment after the other."""

    def __init__(self, result: Result) -> None:
        self._init = as_times("init", result.function.init)
        self._inits = stream(result.seed, "ready-inits")
        self._ages = stream(result.seed, "ready-ages")
        self._low, self._high = span(result.policy.age)

    def next(self) -> tuple[float, float]:
        """Return the next one's, in seconds."""
        init = np.empty(1)
        self._init.fill(self._inits, init)
        age = self._low + (self._high - self._low) * float(self._ages.random())
        return float(init[0]), age


def _rows(result: Result, slot: int, count: int) -> NDArray[np.intp]:
    """The requests of a slot, in the order in which they began."""
    rows = np.flatnonzero(result.environment[:count] == slot)
    ordered: NDArray[np.intp] = rows[np.argsort(result.start[rows], kind="stable")]
    return ordered


def _lives(
    made: float,
    first: tuple[float, float],
    begins: Floats,
    ends: Floats,
    until: float,
    draws: _Draws,
) -> Iterator[Life]:
    """One environment after the other in one slot, until ``until``; none has its number yet."""
    init, age = first
    while True:
        old, following = made + max(age, init, _SHORTEST_LIFE), draws.next()
        gone = _pause(begins, ends, old, following[0]) if old <= until else math.inf
        if gone > until:
            yield Life(-1, made, init, math.inf)
            return
        yield Life(-1, made, init, gone)
        made, (init, age) = gone, following


def _pause(begins: Floats, ends: Floats, time: float, room: float) -> float:
    """When a slot has nothing to do for so many seconds, from ``time`` on."""
    following = int(np.searchsorted(begins, time))
    free = time if following == 0 else max(time, float(ends[following - 1]))
    while following < len(begins) and begins[following] - free < room:
        free = float(ends[following])
        following += 1
    return free


def _numbered(lives: list[list[Life]], first: int) -> list[list[Life]]:
    """Number them: the first of each slot as the slot, their successors after all others."""
    later = sorted(
        (life.made, slot, place)
        for slot, own in enumerate(lives)
        for place, life in enumerate(own)
        if place
    )
    numbers = {(slot, place): first + each for each, (_, slot, place) in enumerate(later)}
    return [
        [life._replace(number=numbers.get((slot, place), slot)) for place, life in enumerate(own)]
        for slot, own in enumerate(lives)
    ]
