"""How many requests run, and how many environments there are, over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdalab.simulator.times import Floats

if TYPE_CHECKING:
    from lambdalab.simulator.result import Result

__all__ = ["Concurrency", "Lives", "curves", "lives", "peak"]


class Lives(NamedTuple):
    """Of each environment that was made on demand: when INIT began, and when it was taken back."""

    made: Floats
    gone: Floats


@dataclass(frozen=True)
class Concurrency:
    """Steps over time: when something began or ended, in order, in seconds."""

    begun: Floats
    ended: Floats
    made: Floats
    gone: Floats
    provisioned: int
    begin: float = 0.0

    def at(self, times: Floats) -> tuple[Floats, Floats]:
        """How many requests run at these times, and how many environments there are."""
        running = _count(self.begun, times) - _count(self.ended, times)
        there = _count(self.made, times) - _count(self.gone, times)
        return running.astype(float), there.astype(float) + self.provisioned

    def mean(self, start: float, end: float) -> float:
        """How many requests run on average between two times, in seconds."""
        if end <= start:
            return 0.0
        lengths = np.clip(self.ended, start, end).sum() - np.clip(self.begun, start, end).sum()
        return float(lengths / (end - start))

    def table(self, points: int = 200, end: float | None = None) -> dict[str, Floats]:
        """So many moments in equal distances: time in seconds, running requests, environments."""
        last = float(self.ended[-1]) if len(self.ended) else self.begin
        times = np.linspace(self.begin, last if end is None else end, points)
        running, there = self.at(times)
        return {"time": times, "running": running, "environments": there}


def _count(moments: Floats, times: Floats) -> NDArray[np.intp]:
    found: NDArray[np.intp] = np.searchsorted(moments, times, side="right")
    return found


def _begun(result: Result) -> Floats:
    """When each request that ran took its environment: before INIT, where it waited for that."""
    return _taken(result)[~result.throttled]


def _taken(result: Result) -> Floats:
    """When each request took its environment.

    That follows from the end of its INIT. A rounding error must not make it seem to run beside the
    one whose place it took, so where one ends at all but the same time, it is that time.
    """
    begun: Floats = result.start - result.init
    ends = np.append(np.sort(result.end[~result.throttled]), np.inf)
    first = ends[_count(ends, begun)]
    same = result.cold & (first - begun <= 4 * np.spacing(np.abs(result.start)))
    begun[same] = np.minimum(first, result.start)[same]
    return begun


def curves(result: Result) -> Concurrency:
    """Sort what began and ended."""
    life = lives(result)
    return Concurrency(
        np.sort(_begun(result), kind="stable"),
        np.sort(result.end[~result.throttled]),
        np.sort(life.made),
        np.sort(life.gone),
        result.policy.provisioned,
        result.begin,
    )


def peak(result: Result) -> int:
    """The most that ran together; what ends when another begins has made room for it."""
    over = result.concurrency
    if not len(over.begun):
        return 0
    running = np.arange(1, len(over.begun) + 1) - _count(over.ended, over.begun)
    return max(1, int(running.max()))  # what takes no time at all runs, too


def lives(result: Result) -> Lives:
    """When each environment was made, and when it was taken back, be that after the run."""
    first = result.policy.provisioned
    made, last = np.zeros(len(result.fates)), np.zeros(len(result.fates))
    cold = result.cold
    made[result.environment[cold] - first] = _taken(result)[cold]
    served = result.environment >= first
    # Of many values for one place the last one stays, and the last to begin is the last to end.
    order = np.argsort(result.start[served], kind="stable")
    last[result.environment[served][order] - first] = result.end[served][order]
    gone = np.minimum(last + result.fates[:, 1], made + result.fates[:, 2])
    return Lives(made, np.maximum(gone, last))
