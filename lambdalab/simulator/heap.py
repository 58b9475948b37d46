"""A heap of things that are due: each has a time and a number, the earliest comes first.

Of those due at one time the one with the smallest number comes first.

Each place has four below it: that is half as deep as with two, and the four times stand side by
side. Behind the last thing all times are infinite, so that four can be compared without asking how
many there are. Compiled; the arrays are the caller's, with ``SPARE`` places more than are used.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence

__all__ = ["COMPILABLE", "SPARE", "pop", "push"]

SPARE = 8


def before(time: float, number: int, other: float, than: int) -> bool:
    """Whether one thing comes before another; without branches, for it cannot be foreseen."""
    return (time < other) | ((time == other) & (number < than))


def push(
    times: MutableSequence[float],
    numbers: MutableSequence[int],
    count: int,
    time: float,
    number: int,
) -> None:
    """Put something into a heap of ``count`` things."""
    place = count
    while place > 0:
        above = (place - 1) >> 2
        if not before(time, number, times[above], numbers[above]):
            break
        times[place] = times[above]
        numbers[place] = numbers[above]
        place = above
    times[place] = time
    numbers[place] = number


def pop(times: MutableSequence[float], numbers: MutableSequence[int], count: int) -> None:
    """Take the first of ``count`` things out; the caller has read it at place 0."""
    last = count - 1
    time = times[last]
    number = numbers[last]
    times[last] = math.inf
    if last == 0:
        return
    place = 0
    child = 1
    while child < last:
        one = child + before(times[child + 1], numbers[child + 1], times[child], numbers[child])
        two = child + 2
        two += before(times[two + 1], numbers[two + 1], times[two], numbers[two])
        least = two if before(times[two], numbers[two], times[one], numbers[one]) else one
        if not before(times[least], numbers[least], time, number):
            break
        times[place] = times[least]
        numbers[place] = numbers[least]
        place = least
        child = 4 * place + 1
    times[place] = time
    numbers[place] = number


COMPILABLE = (before, push, pop)
