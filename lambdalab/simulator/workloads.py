"""When requests arrive: random processes, and patterns of the day.

A workload whose rate changes is a Poisson process with that rate: random arrivals, as from many
callers who know nothing of each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from lambdalab.simulator.callers import Retry
from lambdalab.simulator.checks import above, at_least, between, counted
from lambdalab.simulator.times import Floats, Random

__all__ = ["MOST", "Bursts", "Diurnal", "OnOff", "Poisson", "Regular", "Steps", "Workload"]

# So many requests at most: a slip of the pen must not take the machine's memory.
MOST = 200_000_000
DAY = 86_400.0
# A curve of the day is drawn in pieces of so many seconds at most.
_PIECE = 60.0
_LEAST_PIECES = 256
# So many requests at a time stay in the processor's cache.
_BLOCK = 1 << 14
_NO_PAIRS = "rates is {}: give pairs of (seconds, requests a second)"


@runtime_checkable
class Workload(Protocol):
    """Requests to come. ``retry`` is how their callers take a refusal, None if they give up."""

    @property
    def retry(self) -> Retry | None:
        """How callers try again."""
        ...

    def arrivals(self, random: Random) -> Floats:
        """The arrival times in seconds from the start, in order, as an array of floats."""
        ...


@dataclass(frozen=True)
class Poisson:
    """Random arrivals at ``rate`` requests a second, for ``seconds`` or until so many ``requests``.

    ``retry``: how callers take a refusal; without it they do not come again.
    """

    rate: float
    seconds: float | None = None
    requests: int | None = None
    retry: Retry | None = None

    def __post_init__(self) -> None:
        above(0, rate=self.rate)
        if (self.seconds is None) == (self.requests is None):
            raise ValueError("give either seconds or requests: how long it lasts")
        counted(self, 0, "requests")
        at_least(0, seconds=self.seconds or 0.0)
        bounded(self.requests or self.rate * (self.seconds or 0.0))

    def arrivals(self, random: Random) -> Floats:
        """The arrival times."""
        if self.requests is None:
            return through(random, [0.0, self.seconds or 0.0], [self.rate])
        times = np.empty(self.requests)
        last = 0.0
        for first in range(0, self.requests, _BLOCK):
            block = times[first : first + _BLOCK]
            random.standard_exponential(out=block)
            block *= 1.0 / self.rate
            block[0] += last
            last = np.cumsum(block, out=block)[-1]
        return times


@dataclass(frozen=True)
class Regular:
    """One request after the other at equal distances: ``rate`` a second for ``seconds``."""

    rate: float
    seconds: float
    retry: Retry | None = None

    def __post_init__(self) -> None:
        above(0, rate=self.rate)
        at_least(0, seconds=self.seconds)
        bounded(self.rate * self.seconds)

    def arrivals(self, random: Random) -> Floats:  # noqa: ARG002 - as all workloads
        """The arrival times; the first is at 0."""
        return np.arange(math.ceil(self.rate * self.seconds - 1e-9)) / self.rate


@dataclass(frozen=True)
class Steps:
    """A rate that changes at once: ``rates`` has pairs of when, in seconds, and requests a second.

    Before the first pair nothing comes; the last rate holds until ``seconds``.
    """

    rates: Sequence[tuple[float, float]]
    seconds: float
    retry: Retry | None = None

    def __post_init__(self) -> None:
        at_least(0, seconds=self.seconds)
        times = [time for time, _ in self._pairs()]
        at_least(0, **{f"the rate at {time} s": rate for time, rate in self.rates})
        at_least(0, **{f"the time of the rate {rate}": time for time, rate in self.rates})
        if times != sorted(times) or times[-1] > self.seconds:
            raise ValueError(f"the times {times} must rise, and end before seconds={self.seconds}")
        edges = [*times, self.seconds]
        bounded(sum(r * (b - a) for (a, r), b in zip(self.rates, edges[1:], strict=True)))

    def _pairs(self) -> list[tuple[float, float]]:
        """The rates, if they are pairs: a list of them, from whatever they came in."""
        try:
            pairs = [(time, rate) for time, rate in self.rates]
        except (TypeError, ValueError):
            raise ValueError(_NO_PAIRS.format(f"{self.rates!r}")) from None
        if not pairs:
            raise ValueError(_NO_PAIRS.format("empty"))
        object.__setattr__(self, "rates", pairs)
        return pairs

    def arrivals(self, random: Random) -> Floats:
        """The arrival times."""
        edges = [*(time for time, _ in self.rates), self.seconds]
        return through(random, edges, [rate for _, rate in self.rates])


@dataclass(frozen=True)
class OnOff:
    """Busy and quiet times in turn: ``rate`` requests a second for ``on`` seconds, then ``off``.

    In quiet times ``idle_rate`` come. With ``random`` both lengths are exponential, with these
    means. It begins busy and lasts for ``seconds``.
    """

    rate: float
    on: float
    off: float
    seconds: float
    idle_rate: float = 0.0
    random: bool = False
    retry: Retry | None = None

    def __post_init__(self) -> None:
        at_least(0, rate=self.rate, idle_rate=self.idle_rate, seconds=self.seconds)
        above(0, on=self.on, off=self.off)
        bounded(max(self.rate, self.idle_rate) * self.seconds)
        bounded(self.seconds / (self.on + self.off))

    def arrivals(self, random: Random) -> Floats:
        """The arrival times."""
        pairs = math.ceil(self.seconds / (self.on + self.off)) + 1
        if self.random:
            pairs += 10 + 4 * math.isqrt(pairs)
        lengths = np.tile([self.on, self.off], pairs)
        if self.random:
            lengths = lengths * random.standard_exponential(2 * pairs)
        edges = np.minimum(np.concatenate([[0.0], np.cumsum(lengths)]), self.seconds)
        edges[-1] = self.seconds
        return through(random, edges, np.tile([self.rate, self.idle_rate], pairs))


@dataclass(frozen=True)
class Diurnal:
    """A day: the rate goes from ``low`` to ``high`` requests a second and back, as a cosine does.

    It is highest ``peak`` seconds after the start, and again every ``period`` seconds.
    """

    low: float
    high: float
    seconds: float = DAY
    period: float = DAY
    peak: float = 14 * 3600.0
    retry: Retry | None = None

    def __post_init__(self) -> None:
        at_least(0, low=self.low, seconds=self.seconds, peak=self.peak)
        at_least(self.low, high=self.high)
        above(0, period=self.period)
        bounded(self.high * self.seconds)
        bounded(self.seconds / self.period * _LEAST_PIECES)

    def arrivals(self, random: Random) -> Floats:
        """The arrival times."""
        piece = min(_PIECE, self.period / _LEAST_PIECES)
        edges = np.linspace(0.0, self.seconds, math.ceil(self.seconds / piece) + 1)
        middles = (edges[1:] + edges[:-1]) / 2
        wave = (1 + np.cos(2 * np.pi * (middles - self.peak) / self.period)) / 2
        return through(random, edges, self.low + (self.high - self.low) * wave)


@dataclass(frozen=True)
class Bursts:
    """``size`` requests together every ``every`` seconds, among others at ``rate`` a second.

    The first burst comes after ``every`` seconds; its requests are spread evenly over ``spread``
    seconds, 0 for all at once.
    """

    size: int
    every: float
    seconds: float
    rate: float = 0.0
    spread: float = 0.0
    retry: Retry | None = None

    def __post_init__(self) -> None:
        counted(self, 0, "size")
        above(0, every=self.every)
        at_least(0, seconds=self.seconds, rate=self.rate)
        between(0, self.every, spread=self.spread)
        bounded((self.rate + self.size / self.every) * self.seconds)
        bounded(self.seconds / self.every)

    def arrivals(self, random: Random) -> Floats:
        """The arrival times."""
        count = math.floor(self.seconds / self.every - 1e-9)
        starts = self.every * np.arange(1, count + 1)
        inside = np.linspace(0.0, self.spread, self.size, endpoint=False)
        bursts = (starts[:, None] + inside[None, :]).ravel()
        others = through(random, [0.0, self.seconds], [self.rate])
        return np.sort(np.concatenate([bursts, others]), kind="stable")


def through(random: Random, edges: ArrayLike, rates: ArrayLike) -> Floats:
    """Arrivals of a Poisson process whose rate is constant between edges.

    At rate 1 its arrivals are sums of exponential times; of the area below the curve of the rate,
    each of them has that much before it.
    """
    borders = np.asarray(edges, dtype=float)
    areas = np.concatenate([[0.0], np.cumsum(np.diff(borders) * np.asarray(rates, dtype=float))])
    expected = float(areas[-1])
    times = np.cumsum(random.standard_exponential(int(expected + 6 * math.sqrt(expected) + 20)))
    while times[-1] < expected:
        more = random.standard_exponential(int(math.sqrt(expected)) + 20)
        times = np.concatenate([times, times[-1] + np.cumsum(more)])
    times = times[: np.searchsorted(times, expected)]
    if len(borders) == 2:
        times *= (borders[1] - borders[0]) / expected if expected else 1.0
        times += borders[0]
        return times
    arrivals: Floats = np.interp(times, areas, borders)
    return arrivals


def bounded(requests: float) -> None:
    """Refuse more requests than a simulation holds."""
    if requests > MOST:
        raise ValueError(f"that would be {requests:,.0f} requests; {MOST:,} at most are simulated")
